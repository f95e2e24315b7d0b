#include "h5/chunk_index.hpp"

#include "h5/handle.hpp"
#include "tree/box.hpp"

#include <array>
#include <cstring>
#include <optional>
#include <string>

namespace cairn::h5 {

namespace {

constexpr std::uint64_t undefined = ~std::uint64_t{0};

std::uint64_t load_u64(const std::byte* bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

/// "TREE", u8 type (1: chunks), u8 level, u16 entries, u64 left, u64 right: then a key, a child, a key, ...
struct NodeHeader {
  static constexpr std::size_t bytes = 24;
  std::uint16_t entries = 0;
  std::uint64_t left = undefined;
  std::uint64_t right = undefined;
};

std::optional<NodeHeader> parse_leaf(std::span<const std::byte> node) {
  if (node.size() < NodeHeader::bytes || std::memcmp(node.data(), "TREE\1\0", 6) != 0) return std::nullopt;
  NodeHeader header;
  std::memcpy(&header.entries, node.data() + 6, sizeof header.entries);
  header.left = load_u64(node.data() + 8);
  header.right = load_u64(node.data() + 16);
  return header;
}

/// A key: u32 chunk bytes, u32 filter mask, u64 for each dimension and one for the element.
std::size_t key_bytes(std::size_t ndims) {
  return 8 + 8 * (ndims + 1);
}

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::internal, "the chunk index of an HDF5 dataset " + what);
}

class Grid {
 public:
  Grid(const Dims& shape, const Dims& cell, std::uint64_t element_bytes)
      : shape_(shape), cell_(cell), chunk_bytes_(tree::product(cell) * element_bytes) {
    for (std::size_t dim = 0; dim < shape.ndims(); ++dim) {
      next_.push_back(0);
      chunks_ *= static_cast<std::uint64_t>((shape[dim] + cell[dim] - 1) / cell[dim]);
    }
  }
  std::uint64_t chunks() const noexcept { return chunks_; }

  /// Whether `key` is that of the next chunk in row-major order; goes on to the one after.
  bool advance(const std::byte* key) {
    std::uint32_t bytes = 0, mask = 0;
    std::memcpy(&bytes, key, sizeof bytes);
    std::memcpy(&mask, key + 4, sizeof mask);
    if (bytes != chunk_bytes_ || mask != 0) return false;
    for (std::size_t dim = 0; dim < next_.ndims(); ++dim) {
      if (load_u64(key + 8 + 8 * dim) != static_cast<std::uint64_t>(next_[dim])) return false;
    }
    for (std::size_t dim = next_.ndims(); dim-- > 0;) {
      next_[dim] += cell_[dim];
      if (next_[dim] < shape_[dim]) break;
      next_[dim] = 0;
    }
    return true;
  }

 private:
  Dims shape_;
  Dims cell_;
  Dims next_;
  std::uint64_t chunk_bytes_ = 0;
  std::uint64_t chunks_ = 1;
};

std::uint64_t address_of_chunk(hid_t dataset, const Dims& start) {
  std::array<hsize_t, 8> index{};
  std::copy(start.begin(), start.end(), index.begin());
  unsigned mask = 0;
  haddr_t address = HADDR_UNDEF;
  hsize_t bytes = 0;
  check(H5Dget_chunk_info_by_coord(dataset, index.data(), &mask, &address, &bytes), "find a chunk");
  if (address == HADDR_UNDEF) refuse("lacks a chunk");
  return address;
}

Dims last_start(const Dims& shape, const Dims& cell) {
  Dims start;
  for (std::size_t dim = 0; dim < shape.ndims(); ++dim) {
    start.push_back((shape[dim] - 1) / cell[dim] * cell[dim]);
  }
  return start;
}

}  // namespace

std::vector<std::uint64_t> chunk_offsets(const Image& image, hid_t dataset, const Dims& shape,
                                         const Dims& cell, std::uint64_t element_bytes) {
  Grid grid(shape, cell, element_bytes);
  Dims origin;
  for (std::size_t dim = 0; dim < shape.ndims(); ++dim) origin.push_back(0);
  const auto first = image.chunk_node(address_of_chunk(dataset, origin));
  if (!first) refuse("was not found");

  const auto entry_bytes = key_bytes(shape.ndims()) + 8;
  std::vector<std::uint64_t> offsets;
  std::vector<std::byte> node;
  for (auto address = *first; address != undefined;) {
    node.resize(NodeHeader::bytes);
    image.read(address, node);
    const auto header = parse_leaf(node);
    if (!header || header->entries == 0) refuse("is damaged");
    if (offsets.size() + header->entries > grid.chunks()) refuse("has too many chunks");
    node.resize(header->entries * entry_bytes);
    image.read(address + NodeHeader::bytes, node);
    for (std::size_t entry = 0; entry < header->entries; ++entry) {
      const auto* key = node.data() + entry * entry_bytes;
      if (!grid.advance(key)) refuse("does not list the chunks of its grid in order");
      offsets.push_back(load_u64(key + key_bytes(shape.ndims())));
    }
    address = header->right;
  }
  if (offsets.size() != grid.chunks()) refuse("has too few chunks");
  if (offsets.back() != address_of_chunk(dataset, last_start(shape, cell))) refuse("is out of date");
  return offsets;
}

void note_chunk_node(Image& image, std::uint64_t address, std::span<const std::byte> node) {
  const auto header = parse_leaf(node);
  if (!header || header->entries == 0 || header->left != undefined) return;
  // The first key of a leftmost leaf has only zeros for its coordinates, and no chunk lies at offset 0.
  for (std::size_t at = NodeHeader::bytes + 8; at + 8 <= node.size(); at += 8) {
    if (const auto child = load_u64(node.data() + at); child != 0) {
      image.note_chunk_node(child, address);
      return;
    }
  }
}

}  // namespace cairn::h5
