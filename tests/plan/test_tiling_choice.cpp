#include "plan/tiling_choice.hpp"

#include <catch2/catch.hpp>

using namespace cairn;
using tree::Box;

namespace {

tree::LocalLeaf holding(const Dims& shape, const std::vector<Box>& boxes, std::uint64_t element_bytes = 8) {
  tree::LocalLeaf leaf;
  leaf.kind = Kind::sharded;
  leaf.element_bytes = element_bytes;
  leaf.shape = shape;
  for (const auto& box : boxes) {
    tree::LocalShard shard;
    shard.box = box;
    leaf.shards.push_back(shard);
  }
  return leaf;
}

/// What a number of ranks conclude: `one`, `grid` or `boxes`.
std::string choice(const Dims& shape, const std::vector<std::vector<Box>>& ranks,
                   std::uint64_t element_bytes = 8) {
  tree::StoredLeaf stored;
  stored.shape = shape;
  stored.element_bytes = element_bytes;
  std::uint64_t lanes = 0, off = 0;
  Dims cell = plan::largest_count(holding(shape, {}));
  for (const auto& boxes : ranks) {
    const auto leaf = holding(shape, boxes, element_bytes);
    lanes += plan::run_lane(leaf);
    const auto largest = plan::largest_count(leaf);
    for (std::size_t dim = 0; dim < cell.ndims(); ++dim) cell[dim] = std::max(cell[dim], largest[dim]);
  }
  if (plan::fits_one_tile(stored, lanes)) return "one";
  if (!plan::is_usable_cell(stored, cell)) return "boxes";
  for (const auto& boxes : ranks) off += plan::count_off_grid(holding(shape, boxes, element_bytes), cell);
  return off == 0 ? "grid" : "boxes";
}

}  // namespace

TEST_CASE("Slabs of rows are one tile, however large and unequal") {
  REQUIRE(choice({1 << 20, 1000}, {{{{0, 0}, {1, 1000}}}, {{{1, 0}, {(1 << 20) - 1, 1000}}}}) == "one");
}

TEST_CASE("A small array of few runs is one tile") {
  REQUIRE(choice({128, 1024}, {{{{0, 0}, {128, 512}}}, {{{0, 512}, {128, 512}}}}) == "one");
  REQUIRE(choice({128, 1025}, {{{{0, 0}, {128, 512}}}, {{{0, 512}, {128, 513}}}}) != "one");
}

TEST_CASE("A small array of many runs is not one tile") {
  REQUIRE(choice({512, 16}, {{{{0, 0}, {512, 8}}}, {{{0, 8}, {512, 8}}}}) == "one");  // 1024 runs
  REQUIRE(choice({513, 16}, {{{{0, 0}, {513, 8}}}, {{{0, 8}, {513, 8}}}}) == "grid");
}

TEST_CASE("Equal boxes are a grid, cut at the upper edges") {
  REQUIRE(choice({1000, 1000}, {{{{0, 0}, {500, 500}}},
                                {{{0, 500}, {500, 500}}},
                                {{{500, 0}, {500, 500}}},
                                {{{500, 500}, {500, 500}}}}) == "grid");
  REQUIRE(choice({1000, 1000}, {{{{0, 0}, {1000, 600}}}, {{{0, 600}, {1000, 400}}}}) == "grid");
}

TEST_CASE("A rank without a box, or with several, is on the grid") {
  REQUIRE(choice({1000, 1000}, {{}, {{{0, 0}, {1000, 500}}, {{0, 500}, {1000, 500}}}, {{{0, 0}, {0, 3}}}}) ==
          "grid");
}

TEST_CASE("Unequal boxes are tiled by themselves") {
  REQUIRE(choice({1000, 1000}, {{{{0, 0}, {1000, 400}}}, {{{0, 400}, {1000, 600}}}}) == "boxes");
}

TEST_CASE("A cell of 1 GiB is too large for a chunk") {
  const std::int64_t n = 1 << 15;
  REQUIRE(choice({n, 2 * n}, {{{{0, 0}, {n, n}}}, {{{0, n}, {n, n}}}}, 1) == "boxes");
  REQUIRE(choice({n - 1, 2 * n}, {{{{0, 0}, {n - 1, n}}}, {{{0, n}, {n - 1, n}}}}, 1) == "grid");
}

TEST_CASE("A grid that is mostly edge is not one") {
  // 3 x 3 cells of 100 for an array of 201 x 201: more than twice its bytes.
  std::vector<std::vector<Box>> ranks;
  for (const int row : {0, 100, 200})
    for (const int column : {0, 100, 200})
      ranks.push_back({{{row, column}, {std::min(100, 201 - row), std::min(100, 201 - column)}}});
  REQUIRE(choice({201, 201}, ranks, 128) == "boxes");
}

TEST_CASE("Many ranks do not overflow the lane of runs") {
  const auto leaf = holding({1 << 20, 4}, {{{0, 0}, {1 << 20, 2}}}, 1);
  std::uint64_t lanes = 0;
  for (int rank = 0; rank < 1000000; ++rank) lanes += plan::run_lane(leaf);
  REQUIRE(lanes >> 32 == 1000000);
  tree::StoredLeaf stored;
  stored.shape = {1024};
  stored.element_bytes = 1;
  REQUIRE_FALSE(plan::fits_one_tile(stored, lanes));
}
