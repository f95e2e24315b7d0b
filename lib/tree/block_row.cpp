#include "cairn/error.hpp"
#include "tree/layout.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace cairn::tree {
namespace {

template <class Value>
void put(std::byte* to, Value value) noexcept {
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(to, &value, sizeof value);
  } else {
    for (std::size_t byte = 0; byte < sizeof value; ++byte) {
      to[byte] = static_cast<std::byte>(value & 0xff);
      value = static_cast<Value>(value >> 8);
    }
  }
}

template <class Value>
Value get(const std::byte* from) noexcept {
  Value value = 0;
  for (std::size_t byte = sizeof value; byte-- > 0;)
    value = static_cast<Value>(value << 8) | static_cast<Value>(from[byte]);
  return value;
}

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorCode::corrupt, "the block table is damaged: " + what +
                                      "; restore the file from a copy, or load without checksums");
}

constexpr std::size_t kHeadBytes = 16;  // leaf, rank, checksum

}  // namespace

RowFormat RowFormat::for_ndims(std::size_t most) {
  if (most <= 1) return {1, 32};
  if (most <= 3) return {3, 64};
  if (most <= 7) return {7, 128};
  return {8, 256};
}

void encode_row(const BlockRow& row, const RowFormat& format, std::span<std::byte> bytes) {
  std::fill(bytes.begin(), bytes.end(), std::byte{0});
  auto* at = bytes.data();
  put<std::uint32_t>(at, row.leaf + 1);
  put<std::uint32_t>(at + 4, row.rank);
  put<std::uint64_t>(at + 8, row.checksum);
  auto* starts = at + kHeadBytes;
  auto* counts = starts + 8 * format.ndims;
  for (std::size_t dim = 0; dim < format.ndims; ++dim) {
    const bool used = dim < row.box.ndims();
    put<std::uint64_t>(starts + 8 * dim, static_cast<std::uint64_t>(used ? row.box.start[dim] : 0));
    put<std::uint64_t>(counts + 8 * dim, static_cast<std::uint64_t>(used ? row.box.count[dim] : 1));
  }
}

bool decode_row(std::span<const std::byte> bytes, const RowFormat& format, std::span<const StoredLeaf> leaves,
                BlockRow& row) {
  const auto* at = bytes.data();
  const auto leaf = get<std::uint32_t>(at);
  if (leaf == 0) {
    if (std::any_of(bytes.begin(), bytes.end(), [](std::byte byte) { return byte != std::byte{0}; }))
      fail("a row of padding is not zero");
    return false;
  }
  if (leaf > leaves.size())
    fail("a row names leaf " + std::to_string(leaf) + " of " + std::to_string(leaves.size()));
  row.leaf = leaf - 1;
  row.rank = get<std::uint32_t>(at + 4);
  row.checksum = get<std::uint64_t>(at + 8);
  row.box = {};
  const auto& shape = leaves[row.leaf].shape;
  const auto* starts = at + kHeadBytes;
  const auto* counts = starts + 8 * format.ndims;
  for (std::size_t dim = 0; dim < format.ndims; ++dim) {
    const auto start = static_cast<std::int64_t>(get<std::uint64_t>(starts + 8 * dim));
    const auto count = static_cast<std::int64_t>(get<std::uint64_t>(counts + 8 * dim));
    if (dim < shape.ndims()) {
      if (start < 0 || count <= 0 || start >= shape[dim] || count > shape[dim] - start)
        fail("a block lies outside its array " + leaves[row.leaf].path);
      row.box.start.push_back(start);
      row.box.count.push_back(count);
    } else if (start != 0 || count != 1) {
      fail("a block of " + leaves[row.leaf].path + " has too many dimensions");
    }
  }
  if (shape.ndims() > format.ndims) fail("its rows have too few dimensions for " + leaves[row.leaf].path);
  const auto used = kHeadBytes + 16 * format.ndims;
  if (std::any_of(bytes.begin() + static_cast<std::ptrdiff_t>(used), bytes.end(),
                  [](std::byte byte) { return byte != std::byte{0}; }))
    fail("a row's padding is not zero");
  return true;
}

}  // namespace cairn::tree
