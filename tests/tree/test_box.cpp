#include "tree/box.hpp"
#include "tree/box_index.hpp"
#include "tree/random_layout.hpp"

#include <cstring>
#include <limits>

#include <catch2/catch.hpp>

using namespace cairn;
using namespace cairn::tree;
using random_layout::for_each_index;
using random_layout::Source;

TEST_CASE("products are checked for overflow and negative extents") {
  std::uint64_t result = 7;
  CHECK(product({}) == 1);
  CHECK(product({3, 0, 5}) == 0);
  CHECK(checked_product({}, 8, result));
  CHECK(result == 8);
  CHECK(checked_product({std::int64_t{1} << 40, std::int64_t{1} << 20}, 4, result));
  CHECK(result == std::uint64_t{1} << 62);
  CHECK_FALSE(checked_product({std::int64_t{1} << 40, std::int64_t{1} << 20}, 8, result));
  CHECK_FALSE(checked_product({-1, 4}, 1, result));
  CHECK_FALSE(checked_product({0, -1}, 1, result));
  CHECK_FALSE(checked_product({}, std::uint64_t{1} << 63, result));
  CHECK(checked_product({std::numeric_limits<std::int64_t>::max(), 0, 2}, 8, result));
  CHECK(result == 0);
}

TEST_CASE("boxes intersect and contain as their elements do") {
  Source source(1);
  for (int round = 0; round < 3000; ++round) {
    const auto shape = source.shape(static_cast<std::size_t>(source.integer(0, 4)), 6);
    const auto a = source.box(shape, true), b = source.box(shape, true);
    const auto common = intersect(a, b);
    std::uint64_t shared = 0;
    bool inside = true;
    for_each_index(a, [&](const Dims& index) {
      shared += random_layout::holds(b, index);
      inside = inside && random_layout::holds(b, index);
      REQUIRE(random_layout::holds(common, index) == random_layout::holds(b, index));
    });
    REQUIRE(product(common.count) == shared);
    REQUIRE(is_empty(common) == (shared == 0));
    if (!is_empty(a)) REQUIRE(contains(b, a) == inside);
  }
}

TEST_CASE("runs cover a box in order, and no two of them could be one") {
  Source source(2);
  for (int round = 0; round < 3000; ++round) {
    const auto shape = source.shape(static_cast<std::size_t>(source.integer(0, 5)), 5);
    const auto box = source.box(shape, true);
    std::vector<std::uint64_t> expected, found;
    for_each_index(box, [&](const Dims& index) {
      expected.push_back(static_cast<std::uint64_t>(offset_of(index, row_major_strides(shape))));
    });
    std::uint64_t runs = 0, end = ~std::uint64_t{0};
    for_each_run(box, shape, [&](std::uint64_t first, std::uint64_t elements) {
      REQUIRE(first != end);
      for (std::uint64_t i = 0; i < elements; ++i) found.push_back(first + i);
      end = first + elements;
      ++runs;
    });
    REQUIRE(found == expected);
    REQUIRE(count_runs(box, shape) == runs);
    REQUIRE(is_contiguous(box, shape) == (runs <= 1));
  }
}

TEST_CASE("a box is cut into pieces that cover it in row-major order") {
  Source source(3);
  for (int round = 0; round < 3000; ++round) {
    const auto shape = source.shape(static_cast<std::size_t>(source.integer(0, 4)), 9);
    const auto box = source.box(shape, true);
    const auto most = static_cast<std::uint64_t>(source.integer(0, 40));
    std::vector<std::int64_t> expected, found;
    const auto strides = row_major_strides(shape);
    for_each_index(box, [&](const Dims& index) { expected.push_back(offset_of(index, strides)); });
    for (const auto& piece : cut(box, most)) {
      REQUIRE(!is_empty(piece));
      REQUIRE(product(piece.count) <= std::max<std::uint64_t>(most, 1));
      for_each_index(piece, [&](const Dims& index) { found.push_back(offset_of(index, strides)); });
    }
    REQUIRE(found == expected);
  }
  CHECK(cut({{}, {}}, 1).size() == 1);
  CHECK(cut({{0, 0}, {10, 100}}, 250).size() == 5);
  CHECK(cut({{0, 0}, {2, 1000}}, 400).size() == 6);
}

TEST_CASE("strided copies move each element to its place, and touch nothing else") {
  Source source(4);
  for (int round = 0; round < 6000; ++round) {
    const auto ndims = static_cast<std::size_t>(source.integer(0, round % 10 == 0 ? 8 : 4));
    const auto count = source.shape(ndims, ndims > 5 ? 3 : (ndims > 2 ? 6 : 70));
    constexpr std::uint64_t kSizes[] = {1, 2, 4, 8, 16, 3, 24};
    const auto bytes = kSizes[source.integer(0, 6)];

    // A memory of its own order of dimensions, with gaps, run through in either direction.
    struct Side {
      Dims strides;
      std::vector<std::byte> memory;
      std::size_t first = 0;
    };
    const auto make = [&] {
      Side side{count, {}, 0};
      std::vector<std::size_t> order(ndims);
      for (std::size_t dim = 0; dim < ndims; ++dim) order[dim] = ndims - 1 - dim;
      if (source.integer(0, 1) == 1) std::shuffle(order.begin(), order.end(), source.engine());
      std::int64_t stride = source.integer(0, 3) == 0 ? 2 : 1, lowest = 0;
      for (const auto dim : order) {
        const bool backwards = source.integer(0, 4) == 0;
        side.strides[dim] = backwards ? -stride : stride;
        if (backwards) lowest -= stride * (count[dim] - 1);
        stride *= count[dim] + (source.integer(0, 2) == 0 ? source.integer(0, 2) : 0);
      }
      side.first = static_cast<std::size_t>(-lowest) * bytes;
      side.memory.resize(static_cast<std::size_t>(stride + 4) * bytes);
      return side;
    };
    auto from = make(), to = make();
    for (auto& byte : from.memory) byte = static_cast<std::byte>(source.integer(0, 255));
    for (auto& byte : to.memory) byte = static_cast<std::byte>(source.integer(0, 255));

    auto expected = to.memory;
    for_each_index(whole(count), [&](const Dims& index) {
      const auto at = [&](const Side& side) {
        return static_cast<std::ptrdiff_t>(side.first) +
               offset_of(index, side.strides) * static_cast<std::int64_t>(bytes);
      };
      std::memcpy(expected.data() + at(to), from.memory.data() + at(from), bytes);
    });
    copy_strided(from.memory.data() + from.first, from.strides, to.memory.data() + to.first, to.strides,
                 count, bytes);
    REQUIRE(to.memory == expected);
    if (is_packed(count, from.strides)) REQUIRE(from.first == 0);
  }
  copy_strided(nullptr, {1, 1}, nullptr, {1, 1}, {3, 0}, 8);  // nothing, from nowhere
}

TEST_CASE("packed is one run, whatever the stride of a dimension of one index") {
  CHECK(is_packed({}, {}));
  CHECK(is_packed({2, 3}, {3, 1}));
  CHECK(is_packed({1, 3}, {77, 1}));
  CHECK(is_packed({2, 1, 3}, {3, -5, 1}));
  CHECK(is_packed({0, 3}, {9, 9}));
  CHECK_FALSE(is_packed({2, 3}, {4, 1}));
  CHECK_FALSE(is_packed({2, 3}, {1, 2}));
  CHECK_FALSE(is_packed({3}, {-1}));
}

TEST_CASE("boxes are written as half-open ranges") {
  CHECK(to_string(Box{{0, 2}, {4, 6}}) == "[0:4, 2:8]");
  CHECK(to_string(Box{}) == "[]");
  CHECK(to_string(Dims{3, 4}) == "{3, 4}");
}

TEST_CASE("the index finds the boxes that touch, and no others") {
  Source source(5);
  for (int round = 0; round < 300; ++round) {
    const auto shape = source.shape(static_cast<std::size_t>(source.integer(0, 3)), 40);
    auto boxes = source.partition(whole(shape), static_cast<int>(source.integer(0, 300)));
    boxes.push_back(source.box(shape, true));  // they may overlap, or be empty
    const BoxIndex index(boxes);
    for (int query = 0; query < 10; ++query) {
      const auto box = source.box(shape, true);
      std::vector<std::size_t> expected;
      for (std::size_t i = 0; i < boxes.size(); ++i)
        if (!is_empty(intersect(boxes[i], box))) expected.push_back(i);
      REQUIRE(index.touching(box) == expected);
    }
  }
  CHECK(BoxIndex().touching({{0}, {1}}).empty());
}
