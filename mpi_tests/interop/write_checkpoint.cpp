// Writes the checkpoint that check_with_h5py.py reads with h5py and h5dump alone: `write_checkpoint PATH`.

#include <complex>
#include <cstdint>
#include <numeric>
#include <vector>

#include <cairn/cairn.hpp>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  MPI_Init(&argc, &argv);
  int rank = 0, size = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);

  // rows: 4 a rank, value = 10 * row + column. columns: the same array by columns, large enough for tiles.
  std::vector<double> rows(4 * 10);
  for (int i = 0; i < 40; ++i) rows[static_cast<std::size_t>(i)] = 10.0 * (4 * rank + i / 10) + i % 10;
  std::vector<std::int32_t> grid(1024 * 512), uneven(1024 * static_cast<std::size_t>(rank + 1) * 100);
  for (int i = 0; i < 1024; ++i)
    for (int j = 0; j < 512; ++j) grid[static_cast<std::size_t>(i * 512 + j)] = i * 10000 + 512 * rank + j;
  const int width = (rank + 1) * 100, first = 100 * rank * (rank + 1) / 2,
            total = 100 * size * (size + 1) / 2;
  for (int i = 0; i < 1024; ++i)
    for (int j = 0; j < width; ++j) uneven[static_cast<std::size_t>(i * width + j)] = i * 10000 + first + j;
  std::vector<float> ragged(static_cast<std::size_t>(rank) * 3, static_cast<float>(rank));
  std::vector<std::uint64_t> own{static_cast<std::uint64_t>(rank), 7};
  std::vector<std::complex<double>> waves{{1, 2}, {3, -4}};
  bool flags[3] = {true, false, true};

  cairn::Tree tree;
  tree["field/rows"] =
      cairn::sharded(rows, {.shape = {4 * size, 10}, .start = {4 * rank, 0}, .count = {4, 10}});
  tree["field/grid"] =
      cairn::sharded(grid, {.shape = {1024, 512 * size}, .start = {0, 512 * rank}, .count = {1024, 512}});
  tree["field/uneven"] =
      cairn::sharded(uneven, {.shape = {1024, total}, .start = {0, first}, .count = {1024, width}});
  tree["particles"] = cairn::appended(ragged, {3});
  tree["own"] = cairn::per_rank(own);
  tree["waves"] = cairn::replicated(waves);
  tree["flags"] = cairn::replicated(flags);
  tree["step"] = std::int64_t{42};
  tree["note"] = "gr\xc3\xbc\xc3\x9f dich";
  cairn::save(MPI_COMM_WORLD, argv[1], tree, {.custom_metadata = {{"lr", 1e-3}}});
  MPI_Finalize();
  return 0;
}
