// Saves in the background while the main thread uses MPI and HDF5, under the guard that tells who calls what
// (background_guard.c). Prints `calls N` on rank 0: how many calls the guard saw.

#include <cstdio>
#include <string>
#include <vector>

#include <cairn/cairn.hpp>
#include <dlfcn.h>
#include <hdf5.h>

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  int rank = 0, size = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (argc != 2) return 2;
  const std::string folder = argv[1];

  std::vector<double> field(1 << 18, rank + 0.5), table(5000, 7);
  cairn::Tree tree;
  tree["field"] =
      cairn::sharded(field, {.shape = {size * (1 << 18)}, .start = {rank * (1 << 18)}, .count = {1 << 18}});
  tree["table"] = cairn::replicated(table);
  bool good = true;
  for (int i = 0; i < 30; ++i) {
    auto pending = cairn::save_async(MPI_COMM_WORLD, folder + "/ckpt", tree, {.overwrite = true});
    int rounds = 0;
    while (!pending.poll() || rounds < 10) {
      ++rounds;
      double sum = 0, one = 1;
      MPI_Allreduce(&one, &sum, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_SELF);
      const std::string name = folder + "/own-" + std::to_string(rank) + ".h5";
      const hid_t file = H5Fcreate(name.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
      const hsize_t extent = 100;
      const hid_t space = H5Screate_simple(1, &extent, nullptr);
      const hid_t set =
          H5Dcreate2(file, "x", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
      good = good && H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, table.data()) >= 0;
      H5Dclose(set);
      H5Sclose(space);
      good = good && H5Fclose(file) >= 0 && sum == 1;
    }
    pending.result();
  }
  auto loading = cairn::load_async(MPI_COMM_WORLD, folder + "/ckpt", tree);
  loading.result();
  good = good && field[5] == rank + 0.5 && table[9] == 7;

  const auto calls = reinterpret_cast<long (*)()>(dlsym(RTLD_DEFAULT, "cairn_test_calls"));
  if (rank == 0) std::printf("calls %ld\n", calls ? calls() : 0);
  MPI_Finalize();
  return good ? 0 : 1;
}
