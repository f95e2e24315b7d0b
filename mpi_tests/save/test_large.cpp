#include "arrays.hpp"
#include "folder.hpp"

#include <cstdio>

#include <catch2/catch.hpp>

using namespace mpi_test;

TEST_CASE("more than 2 GiB a rank, and a dataset of more than 4 GiB") {
  SharedFolder folder(MPI_COMM_WORLD);
  const int rank = cairn::testing::rank(), size = cairn::testing::size();
  REQUIRE(size == 2);
  constexpr std::int64_t kElements =
      (std::int64_t{2} << 30) / 8 + (std::int64_t{100} << 20) / 8 + 3;  // 2 GiB + 100 MiB + 24 bytes
  int enough = std::filesystem::space(folder.path()).available > (12ull << 30) ? 1 : 0;
  MPI_Bcast(&enough, 1, MPI_INT, 0, MPI_COMM_WORLD);
  if (!enough) {
    std::fprintf(stderr, "less than 12 GiB of disk are free: not tested\n");
    std::exit(77);
  }
  std::vector<std::uint64_t> values(static_cast<std::size_t>(kElements));
  const auto value = [](std::int64_t index) { return mix(static_cast<std::uint64_t>(index)); };
  for (std::int64_t i = 0; i < kElements; ++i)
    values[static_cast<std::size_t>(i)] = value(rank * kElements + i);
  cairn::Tree tree;
  tree["large"] = cairn::sharded(
      values, {.shape = {size * kElements}, .start = {rank * kElements}, .count = {kElements}});
  cairn::Context context(MPI_COMM_WORLD);
  context.io.fsync = false;
  for (const auto writer : {cairn::Writer::direct, cairn::Writer::mpio}) {
    context.io.writer = writer;
    const cairn::Path path = folder.path() / "checkpoint";
    cairn::save(context, path, tree, {.overwrite = true});
    CHECK(cairn::verify(context, path).empty());
    // Windows across 2 GiB and 4 GiB of the dataset, the border between the ranks, and both ends.
    constexpr std::int64_t kWindow = 1000;
    for (const std::int64_t middle :
         {kWindow, std::int64_t{1} << 28, std::int64_t{1} << 29, kElements, 2 * kElements - kWindow}) {
      std::vector<std::uint64_t> window(2 * kWindow);
      cairn::Tree part;
      part["large"] = cairn::sharded(
          window, {.shape = {size * kElements}, .start = {middle - kWindow}, .count = {2 * kWindow}});
      cairn::load(context, path, part);
      bool right = true;
      for (std::int64_t i = 0; i < 2 * kWindow; ++i)
        right = right && window[static_cast<std::size_t>(i)] == value(middle - kWindow + i);
      CHECK(right);
    }
  }
}
