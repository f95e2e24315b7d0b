// One life of a job that saves in a root directory: restores the newest step, saves the next ones, in the
// background and not in turn, and keeps two; or is killed by SIGKILL at one of its file-system calls. The
// driver (checkpointer_kill_test.py) lets lives follow one another and judges what each finds.
//
//   checkpointer_program ROOT LIFE SAVES VICTIM CALL one|all
//
// Step S of life L holds the number 1000 * S + L. Prints on rank 0 `restored none` or `restored STEP NUMBER`
// (-1: a mix), `saving STEP`, `committed STEP`, `failed TEXT`, and `done`; the victim then prints `calls` and
// how many it made. `all` kills every rank of the job at that point, `one` only the victim.

#include "kill.hpp"
#include "state.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <cairn/cairn.hpp>

namespace {

int my_rank = 0;

template <class... Values>
void print(const char* format, Values... values) {
  if (my_rank != 0) return;
  std::printf(format, values...);
  std::fflush(stdout);
}

void live(const cairn::Path& root, long long life, long long saves) {
  mpi_test::State state(MPI_COMM_WORLD);
  cairn::Checkpointer checkpoints(MPI_COMM_WORLD, root, {.keep = cairn::latest(2)});
  const auto found = checkpoints.restore_latest(state.tree);
  const auto number = found ? state.agreed_generation(MPI_COMM_WORLD) : 0;
  if (found)
    print("restored %lld %lld\n", static_cast<long long>(*found), static_cast<long long>(number));
  else
    print("restored none\n");
  const long long first = found ? *found + 1 : 1;
  for (long long step = first; step < first + saves; ++step) {
    state.fill(1000 * step + life);
    print("saving %lld\n", step);
    if (step % 2 == 1)
      checkpoints.save_async(step, state.tree);
    else
      checkpoints.save(step, state.tree);
    state.fill(-7);
    if (step % 4 == 1 && step + 1 < first + saves) continue;  // the next save waits for it
    checkpoints.wait();
    print("committed %lld\n", step);
  }
  checkpoints.close();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) return 2;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &my_rank);
  const int victim = std::atoi(argv[4]);
  auto others = mpi_test::other_processes(MPI_COMM_WORLD);
  if (std::strcmp(argv[6], "one") == 0) others.clear();
  mpi_test::Killer killer(std::atol(argv[5]), others);
  MPI_Barrier(MPI_COMM_WORLD);
  if (my_rank == victim) cairn::base::set_storage_hook(&killer);
  int status = 0;
  try {
    live(argv[1], std::atoll(argv[2]), std::atoll(argv[3]));
    cairn::base::set_storage_hook(nullptr);
    print("done\n");
    if (my_rank == victim) std::printf("calls %ld\n", killer.calls());
  } catch (const cairn::Error& error) {
    print("failed %s\n", error.what());
    status = 1;
  }
  MPI_Finalize();
  return status;
}
