#include "folder.hpp"
#include "generation.hpp"

#include <catch2/catch.hpp>

using namespace mpi_test;

TEST_CASE("readers during thousands of overwrites always read one whole generation") {
  const int rank = cairn::testing::rank(), size = cairn::testing::size();
  SharedFolder folder(MPI_COMM_WORLD);
  const cairn::Path path = folder.path() / "checkpoint";
  const bool writes = rank < size / 2;
  MPI_Comm half;
  MPI_Comm_split(MPI_COMM_WORLD, writes ? 0 : 1, rank, &half);
  // The shapes depend on the number of ranks, so both halves have the same.
  REQUIRE(size % 2 == 0);
  std::vector<double> field(500), ragged(static_cast<std::size_t>(cairn::testing::rank(half) + 1));
  std::int64_t number = 0;
  cairn::Tree tree;
  const std::int64_t ranks = cairn::testing::size(half);
  tree["field"] = cairn::sharded(
      field, {.shape = {500 * ranks}, .start = {500 * cairn::testing::rank(half)}, .count = {500}});
  tree["ragged"] = cairn::appended(ragged);
  tree["number"] = cairn::ref(number);
  cairn::Context context(half);
  context.io.fsync = false;

  const auto fill = [&](std::int64_t value) {
    number = value;
    field.assign(field.size(), static_cast<double>(value));
    ragged.assign(ragged.size(), static_cast<double>(value));
  };
  constexpr std::int64_t kOverwrites = 2000;
  if (writes) {
    fill(1);
    cairn::save(context, path, tree);
  }
  MPI_Barrier(MPI_COMM_WORLD);
  if (writes) {
    for (std::int64_t i = 2; i <= kOverwrites; ++i) {
      fill(i);
      cairn::save(context, path, tree, {.overwrite = true});
    }
  } else {
    std::int64_t last = 0, loads = 0, different = 0;
    while (last < kOverwrites) {
      cairn::load(context, path, tree);
      bool whole = true;
      for (double v : field) whole = whole && v == static_cast<double>(number);
      for (double v : ragged) whole = whole && v == static_cast<double>(number);
      CHECK(whole);
      CHECK(number >= last);  // never back to an older one
      std::int64_t low = 0, high = 0;
      MPI_Allreduce(&number, &low, 1, MPI_INT64_T, MPI_MIN, half);
      MPI_Allreduce(&number, &high, 1, MPI_INT64_T, MPI_MAX, half);
      CHECK(low == high);
      different += number != last;
      last = number;
      ++loads;
    }
    CHECK(different > 20);
  }
  MPI_Comm_free(&half);
}
