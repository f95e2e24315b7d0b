#pragma once

#include "cairn/array.hpp"
#include "tree/box.hpp"
#include "tree/box_index.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

/// Where the bytes of an array are in its file: one pure description for saving and loading.
namespace cairn::tree {

enum class TileKind : std::uint8_t {
  none,   // an array of no bytes: nothing is in the file
  one,    // one tile: the whole array, row-major, at `offset` (HDF5 contiguous)
  grid,   // equal tiles of `cell`, in row-major order of the grid; those at the upper edges are whole too
          // (HDF5 chunked)
  boxes,  // a tile a box, which together cover the array once (HDF5 virtual)
};

struct Tiling {
  TileKind kind = TileKind::none;
  std::uint64_t offset = 0;            // one
  Dims cell = {};                      // grid: the tile's extents
  std::vector<std::uint64_t> offsets;  // grid, boxes: the file offset of each tile
  std::vector<Box> boxes;              // boxes: sorted by start, row-major
};

/// A leaf as it is in a file.
struct StoredLeaf {
  std::string path;
  Kind kind = Kind::replicated;  // never `value`: a value is stored as replicated
  Dtype dtype = Dtype::none;
  std::uint64_t element_bytes = 0;  // of a string: its length
  Dims shape = {};  // of the stored array: per_rank {ranks, shape...}, appended {rows, row...}
  std::vector<std::int64_t> rows =
      {};  // appended: how many rows each rank wrote (may be left empty in a plan)
  Tiling tiling = {};
  /// A Fortran program bound it: its dimensions are those of that program in the reverse order. Only of two
  /// dimensions and more. It tells readers, and changes nothing in the file's bytes.
  bool fortran_order = false;

  std::uint64_t bytes() const noexcept { return product(shape) * element_bytes; }
};

/// One piece of a box: `bytes` at `file_offset`, which are at `box_offset` in the box's own row-major memory.
struct Extent {
  std::uint64_t file_offset = 0;
  std::uint64_t box_offset = 0;
  std::uint64_t bytes = 0;
  bool operator==(const Extent&) const = default;
};

/// The extents of a box of a leaf, neighbours joined where they follow one another in the file and in the
/// box. Ordered by box_offset for `one`, tile after tile otherwise. None for a box that is not within the
/// array.
std::vector<Extent> extents_of(const StoredLeaf& leaf, const Box& box);

/// The same for many boxes of one leaf: finds tiles without looking at each. Refers to the leaf, which must
/// outlive it. Any thread.
class ExtentFinder {
 public:
  explicit ExtentFinder(const StoredLeaf& leaf);
  std::vector<Extent> operator()(const Box& box) const;

 private:
  const StoredLeaf* leaf_;
  bool indexed_ = false;
  BoxIndex index_;
};

/// The format of a row of the block table: u32 leaf (1-based; 0: padding), u32 rank, u64 checksum, i64
/// start[ndims], i64 count[ndims], little-endian. `ndims` is 1, 3, 7 or 8, at least the most of any leaf (1
/// for scalars: start 0, count 1, and unused dimensions likewise); `bytes` is 32, 64, 128 or 256,
/// zero-padded.
struct RowFormat {
  std::uint32_t ndims = 1;
  std::uint32_t bytes = 32;
  static RowFormat for_ndims(std::size_t most);
  /// Rows in a rank's section are rounded up to this many, so that a section starts on a 4 KiB boundary.
  std::uint64_t rows_per_page() const noexcept { return 4096 / bytes; }
};

struct BlockRow {
  std::uint32_t leaf = 0;  // 0-based here
  std::uint32_t rank = 0;
  std::uint64_t checksum = 0;
  Box box = {};
};

void encode_row(const BlockRow& row, const RowFormat& format, std::span<std::byte> bytes);
/// The box gets the dimensions of its leaf. False: padding (all zeros). Error(corrupt) where the row names no
/// leaf, its box is empty or not within the leaf, or unused bytes are not zero.
bool decode_row(std::span<const std::byte> bytes, const RowFormat& format, std::span<const StoredLeaf> leaves,
                BlockRow& row);

}  // namespace cairn::tree
