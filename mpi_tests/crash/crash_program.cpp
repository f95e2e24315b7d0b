// One life of a job that dies: looks at the checkpoint that an earlier one left, then saves, and is killed by
// SIGKILL at one of the file-system calls of the save. The driver (crash_test.py) runs it for every point and
// judges what is found.
//
//   crash_program CHECK_PATH SAVE_PATH GENERATION VICTIM CALL one|all now|background
//
// Prints on rank 0 `found none` or `found GENERATION` for CHECK_PATH ("-": not looked at), and `saved` where
// the save went through (fewer than CALL calls); the victim then prints `calls` and how many it made. `all`
// kills every rank of the job at that point, `one` only the victim.

#include "kill.hpp"
#include "state.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <cairn/cairn.hpp>

int main(int argc, char** argv) {
  if (argc != 8) return 2;
  MPI_Init(&argc, &argv);
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  const std::string check = argv[1], save = argv[2];
  const std::int64_t generation = std::atoll(argv[3]);
  const int victim = std::atoi(argv[4]);
  const long call = std::atol(argv[5]);

  mpi_test::State state(MPI_COMM_WORLD);
  if (check != "-") {
    std::int64_t found = -1;
    if (cairn::is_checkpoint(MPI_COMM_WORLD, check)) {
      cairn::load(MPI_COMM_WORLD, check, state.tree);
      found = state.agreed_generation(MPI_COMM_WORLD);
      if (found == -1) found = -2;
    }
    if (rank == 0) {
      if (found == -1) std::printf("found none\n");
      if (found == -2) std::printf("found mixed\n");
      if (found >= 0) std::printf("found %lld\n", static_cast<long long>(found));
      std::fflush(stdout);
    }
  }

  auto others = mpi_test::other_processes(MPI_COMM_WORLD);
  if (std::strcmp(argv[6], "one") == 0) others.clear();
  state.fill(generation);
  mpi_test::Killer killer(call, others);
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == victim) cairn::base::set_storage_hook(&killer);
  if (std::strcmp(argv[7], "background") == 0)
    cairn::save_async(MPI_COMM_WORLD, save, state.tree, {.overwrite = true}).result();
  else
    cairn::save(MPI_COMM_WORLD, save, state.tree, {.overwrite = true});
  cairn::base::set_storage_hook(nullptr);
  if (rank == 0) std::printf("saved\n");
  if (rank == victim) std::printf("calls %ld\n", killer.calls());
  MPI_Finalize();
  return 0;
}
