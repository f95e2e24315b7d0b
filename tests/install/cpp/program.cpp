// A program outside of the library's build, in C++17.

#include <cstdio>
#include <vector>

#include <cairn/cairn.hpp>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  MPI_Init(&argc, &argv);
  int rank = 0, ranks = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  std::vector<double> rows(5, rank);
  int step = 7;
  cairn::Tree state;
  cairn::Slab slab;
  slab.shape = {5 * ranks};
  slab.start = {5 * rank};
  slab.count = {5};
  state["rows"] = cairn::sharded(rows, slab);
  state["step"] = cairn::ref(step);
  cairn::save(MPI_COMM_WORLD, argv[1], state);
  rows.assign(5, -1);
  step = 0;
  cairn::load(MPI_COMM_WORLD, argv[1], state);
  if (rows != std::vector<double>(5, rank) || step != 7) return 1;
  if (rank == 0) std::printf("saved and loaded on %d ranks\n", ranks);
  MPI_Finalize();
  return 0;
}
