#include <array>
#include <complex>
#include <cstdio>
#include <string>
#include <vector>

#include <cairn/cairn.hpp>
#include <mpi.h>

/// The other end of test_fortran: shapes are the reverse of Fortran's.

namespace {

constexpr int nx = 4, ny = 3;

int count_wrong(const cairn::Tree& tree, int ranks) {
  int wrong = 0;
  const auto expect = [&](bool good) { wrong += good ? 0 : 1; };
  const int factors[] = {1, 2, 3};
  const char* names[] = {"T", "U", "columns"};
  for (int k = 0; k < 3; ++k) {
    const auto leaf = tree.at(names[k]);
    expect(leaf.shape() == cairn::Dims{ranks * ny, nx});
    const auto* values = leaf.data<double>();
    for (int j = 0; j < ranks * ny; ++j)
      for (int i = 0; i < nx; ++i) expect(values[j * nx + i] == factors[k] * (100 * (i + 1) + j + 1));
  }
  expect(tree.at("cube").shape() == cairn::Dims{4, 3, 2});
  expect(tree.at("cube").data<std::int32_t>()[(3 * 3 + 1) * 2 + 1] == 224);
  const auto particles = tree.at("particles/x");
  expect(particles.shape() == cairn::Dims{ranks * (ranks + 1) / 2, 3});
  expect(particles.data<double>()[2] == 3);
  const auto* mask = tree.at("mask").data<bool>();
  expect(tree.at("mask").shape() == cairn::Dims{2, 3} && mask[0] && !mask[1] && mask[2] && mask[3] &&
         !mask[4]);
  expect(std::string(reinterpret_cast<const char*>(tree.at("names").data<unsigned char>()), 10) ==
         "alphabeta ");
  expect(tree.at("small").get<int>() == -3 && tree.at("step").get<int>() == 42 &&
         tree.at("flag").get<bool>());
  expect(tree.at("note").get<std::string>() == "a note" && tree.at("own/value").get<double>() == 1.5);
  return wrong;
}

/// The leaves of a checkpoint that are in Fortran's order, and what verify finds, which compares the
/// datasets' attributes with the index.
std::string orders(const char* path) {
  const auto metadata = cairn::metadata(MPI_COMM_WORLD, path);
  std::string names;
  for (const auto& [name, leaf] : metadata.checkpointables.at("state").leaves)
    if (leaf.fortran_order) names += name + " ";
  for (const auto& problem : cairn::verify(MPI_COMM_WORLD, path)) names += problem.what();
  return names;
}

}  // namespace

extern "C" int has_orders(const char* path, const char* expected) {
  try {
    const auto found = orders(path);
    if (found != expected) std::fprintf(stderr, "in Fortran's order: %s\n", found.c_str());
    return found == expected ? 1 : 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 0;
  }
}

extern "C" int count_wrong_values(const char* path) {
  try {
    int ranks = 0;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    return count_wrong(cairn::load(MPI_COMM_WORLD, path, {.whole = true}), ranks);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1000;
  }
}

extern "C" void write_by_cpp(const char* path) {
  try {
    int rank = 0, ranks = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    std::vector<double> field;  // {3 * ranks, 2}
    for (int row = 3 * rank; row < 3 * rank + 3; ++row)
      for (int column = 0; column < 2; ++column) field.push_back(10 * row + column);
    std::vector<std::int32_t> whole{5, 6};
    std::array<bool, 2> flags{true, false};
    cairn::Tree tree;
    tree["field"] = cairn::sharded(field, {.shape = {3 * ranks, 2}, .start = {3 * rank, 0}, .count = {3, 2}});
    tree["whole"] = cairn::replicated(whole);
    tree["flags"] = cairn::replicated(flags);
    tree["text"] = "from C++";
    cairn::save(MPI_COMM_WORLD, path, tree);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
}
