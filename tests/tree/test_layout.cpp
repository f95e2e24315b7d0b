#include "cairn/error.hpp"
#include "tree/layout.hpp"
#include "tree/random_layout.hpp"

#include <cstring>
#include <map>

#include <catch2/catch.hpp>

using namespace cairn;
using namespace cairn::tree;
using random_layout::Source;

namespace {

/// The file offset of each element of a box, by the extents.
std::vector<std::uint64_t> places(const std::vector<Extent>& extents, std::uint64_t bytes,
                                  std::uint64_t element_bytes) {
  std::vector<std::uint64_t> result(bytes / element_bytes, ~std::uint64_t{0});
  for (const auto& extent : extents)
    for (std::uint64_t at = 0; at < extent.bytes; at += element_bytes) {
      auto& place = result.at((extent.box_offset + at) / element_bytes);
      REQUIRE(place == ~std::uint64_t{0});
      place = extent.file_offset + at;
    }
  return result;
}

}  // namespace

TEST_CASE("extents are where a plain model finds each element") {
  Source source(11);
  for (int round = 0; round < 4000; ++round) {
    std::uint64_t end = 100;
    const auto leaf = source.leaf("x", end);
    const auto box = source.box(leaf.shape, true);
    std::vector<std::uint64_t> expected;
    random_layout::for_each_index(
        box, [&](const Dims& index) { expected.push_back(random_layout::place_of(leaf, index)); });
    const auto extents = extents_of(leaf, box);
    REQUIRE(places(extents, product(box.count) * leaf.element_bytes, leaf.element_bytes) == expected);
    REQUIRE(ExtentFinder(leaf)(box) == extents);
    for (std::size_t i = 1; i < extents.size(); ++i) {
      const auto& a = extents[i - 1];
      const auto& b = extents[i];
      REQUIRE_FALSE((a.file_offset + a.bytes == b.file_offset && a.box_offset + a.bytes == b.box_offset));
      if (leaf.tiling.kind == TileKind::one) REQUIRE(a.box_offset < b.box_offset);
    }
  }
}

TEST_CASE("an array of no bytes has no extents") {
  StoredLeaf leaf;
  leaf.shape = {0, 3};
  leaf.element_bytes = 8;
  CHECK(extents_of(leaf, whole(leaf.shape)).empty());
}

TEST_CASE("a box that is not within its array has no extents") {
  StoredLeaf leaf;
  leaf.shape = {4, 4};
  leaf.element_bytes = 8;
  leaf.tiling = {TileKind::grid, 0, {2, 2}, {0, 100, 200, 300}, {}};
  CHECK(extents_of(leaf, {{2, 2}, {2, 2}}).size() == 1);
  CHECK(extents_of(leaf, {{3, 2}, {2, 2}}).empty());
  CHECK(extents_of(leaf, {{400, 0}, {1, 1}}).empty());
  CHECK(extents_of(leaf, {{-1, 0}, {1, 1}}).empty());
}

TEST_CASE("offsets past 4 GiB are exact") {
  StoredLeaf leaf;
  leaf.shape = {std::int64_t{1} << 20, std::int64_t{1} << 20};
  leaf.element_bytes = 8;
  leaf.tiling = {TileKind::one, std::uint64_t{1} << 33, {}, {}, {}};
  const auto extents = extents_of(leaf, {{(std::int64_t{1} << 20) - 1, 5}, {1, 7}});
  const std::uint64_t elements = ((std::uint64_t{1} << 20) - 1) << 20;
  CHECK(extents == std::vector<Extent>{{(std::uint64_t{1} << 33) + (elements + 5) * 8, 0, 56}});
}

TEST_CASE("a box in one of 10^5 tiles is found without looking at each") {
  StoredLeaf leaf;
  leaf.shape = {316, 317, 2};
  leaf.element_bytes = 4;
  leaf.tiling.kind = TileKind::boxes;
  for (std::int64_t i = 0; i < 316; ++i)
    for (std::int64_t j = 0; j < 317; ++j) {
      leaf.tiling.offsets.push_back(4096 + 8 * leaf.tiling.boxes.size());
      leaf.tiling.boxes.push_back({{i, j, 0}, {1, 1, 2}});
    }
  const ExtentFinder find(leaf);
  std::uint64_t bytes = 0;
  for (const auto& box : leaf.tiling.boxes)  // 10^10 comparisons, if each were looked at
    for (const auto& extent : find(box)) bytes += extent.bytes;
  CHECK(bytes == leaf.bytes());
  CHECK(find(whole(leaf.shape)) == std::vector<Extent>{{4096, 0, leaf.bytes()}});
}

TEST_CASE("rows have the size for their dimensions") {
  const std::map<std::size_t, std::pair<std::uint32_t, std::uint32_t>> expected = {
      {0, {1, 32}}, {1, {1, 32}}, {2, {3, 64}}, {3, {3, 64}}, {4, {7, 128}}, {7, {7, 128}}, {8, {8, 256}}};
  for (const auto& [ndims, sizes] : expected) {
    const auto format = RowFormat::for_ndims(ndims);
    CHECK(format.ndims == sizes.first);
    CHECK(format.bytes == sizes.second);
    CHECK(format.rows_per_page() * format.bytes == 4096);
    CHECK(16 + 16 * format.ndims <= format.bytes);
  }
}

TEST_CASE("a row is the bytes that the format says") {
  std::vector<StoredLeaf> leaves(3);
  leaves[2].shape = {1000, 70000};
  const auto format = RowFormat::for_ndims(2);
  std::vector<std::byte> bytes(format.bytes, std::byte{0xee});
  const BlockRow row{2, 0x01020304, 0x1122334455667788, {{5, 65537}, {6, 8}}};
  encode_row(row, format, bytes);
  std::vector<unsigned> expected(64, 0);
  const unsigned head[] = {3, 0, 0, 0, 4, 3, 2, 1, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 5};
  std::copy(std::begin(head), std::end(head), expected.begin());
  expected[24] = 1;  // 65537 = 0x010001
  expected[26] = 1;
  expected[40] = 6;
  expected[48] = 8;
  expected[56] = 1;  // the dimension that the leaf does not have
  for (std::size_t i = 0; i < 64; ++i) CHECK(std::to_integer<unsigned>(bytes[i]) == expected[i]);

  BlockRow back;
  REQUIRE(decode_row(bytes, format, leaves, back));
  CHECK(back.leaf == row.leaf);
  CHECK(back.rank == row.rank);
  CHECK(back.checksum == row.checksum);
  CHECK(back.box == row.box);
}

TEST_CASE("padding rows are told from rows, and damaged rows are refused") {
  std::vector<StoredLeaf> leaves(2);
  leaves[0].path = "a/b";
  leaves[0].shape = {10, 10};
  leaves[1].shape = {};
  const auto format = RowFormat::for_ndims(2);
  std::vector<std::byte> bytes(format.bytes);
  BlockRow row;
  CHECK_FALSE(decode_row(bytes, format, leaves, row));

  encode_row({1, 3, 9, {}}, format, bytes);
  REQUIRE(decode_row(bytes, format, leaves, row));
  CHECK(row.box == Box{});

  const auto refused = [&](const BlockRow& bad, std::size_t at, int value) {
    encode_row(bad, format, bytes);
    bytes[at] = static_cast<std::byte>(value);
    try {
      decode_row(bytes, format, leaves, row);
    } catch (const Error& error) {
      return error.code() == ErrorCode::corrupt;
    }
    return false;
  };
  const BlockRow good{0, 0, 0, {{2, 0}, {8, 10}}};
  CHECK_FALSE(refused(good, 16, 2));
  CHECK(refused(good, 0, 0));     // padding that is not zero
  CHECK(refused(good, 0, 3));     // no such leaf
  CHECK(refused(good, 16, 3));    // outside the array
  CHECK(refused(good, 23, 255));  // negative
  CHECK(refused(good, 40, 0));    // empty
  CHECK(refused(good, 32, 1));    // a start in a dimension that the leaf does not have
  CHECK(refused(good, 56, 2));    // a count there
}
