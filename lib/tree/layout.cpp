#include "tree/layout.hpp"

#include "tree/box_index.hpp"

#include <algorithm>
#include <array>

namespace cairn::tree {
namespace {

/// Below this, looking at every tile is quicker than an index.
constexpr std::size_t kFewTiles = 32;

class ExtentList {
 public:
  void add(const Extent& extent) {
    if (!extents_.empty()) {
      auto& last = extents_.back();
      if (last.file_offset + last.bytes == extent.file_offset &&
          last.box_offset + last.bytes == extent.box_offset) {
        last.bytes += extent.bytes;
        return;
      }
    }
    extents_.push_back(extent);
  }
  std::vector<Extent> take() && { return std::move(extents_); }

 private:
  std::vector<Extent> extents_;
};

/// Adds what `box` and the tile at `tile_start`, of extents `cell`, share.
void add_tile(ExtentList& list, const Box& box, const Dims& tile_start, const Dims& cell,
              std::uint64_t tile_offset, std::uint64_t element_bytes) {
  const auto common = intersect({tile_start, cell}, box);
  if (is_empty(common)) return;

  // What lies inside `outer` follows one another in the tile and in the box.
  std::size_t outer = box.ndims();
  std::uint64_t run = element_bytes;
  while (outer > 0) {
    const auto dim = --outer;
    run *= static_cast<std::uint64_t>(common.count[dim]);
    if (common.count[dim] != cell[dim] || common.count[dim] != box.count[dim]) break;
  }

  std::array<std::uint64_t, 8> in_tile{}, in_box{};  // strides, in bytes
  std::array<std::int64_t, 8> index{};
  std::uint64_t tile_stride = element_bytes, box_stride = element_bytes;
  Extent extent{tile_offset, 0, run};
  for (std::size_t dim = box.ndims(); dim-- > 0;) {
    in_tile[dim] = tile_stride;
    in_box[dim] = box_stride;
    extent.file_offset += static_cast<std::uint64_t>(common.start[dim] - tile_start[dim]) * tile_stride;
    extent.box_offset += static_cast<std::uint64_t>(common.start[dim] - box.start[dim]) * box_stride;
    tile_stride *= static_cast<std::uint64_t>(cell[dim]);
    box_stride *= static_cast<std::uint64_t>(box.count[dim]);
  }
  while (true) {
    list.add(extent);
    std::size_t dim = outer;
    while (dim > 0) {
      extent.file_offset += in_tile[dim - 1];
      extent.box_offset += in_box[dim - 1];
      if (++index[dim - 1] < common.count[dim - 1]) break;
      extent.file_offset -= in_tile[dim - 1] * static_cast<std::uint64_t>(common.count[dim - 1]);
      extent.box_offset -= in_box[dim - 1] * static_cast<std::uint64_t>(common.count[dim - 1]);
      index[dim - 1] = 0;
      --dim;
    }
    if (dim == 0) return;
  }
}

void add_grid(ExtentList& list, const StoredLeaf& leaf, const Box& box) {
  const auto& tiling = leaf.tiling;
  const auto ndims = box.ndims();
  Dims tiles = leaf.shape, first = box.start, last = box.start;
  for (std::size_t dim = 0; dim < ndims; ++dim) {
    const auto cell = tiling.cell[dim];
    tiles[dim] = (leaf.shape[dim] + cell - 1) / cell;
    first[dim] = box.start[dim] / cell;
    last[dim] = (box.start[dim] + box.count[dim] - 1) / cell;
  }
  const auto strides = row_major_strides(tiles);
  Dims at = first, start = first;
  while (true) {
    for (std::size_t dim = 0; dim < ndims; ++dim) start[dim] = at[dim] * tiling.cell[dim];
    const auto tile = static_cast<std::size_t>(offset_of(at, strides));
    add_tile(list, box, start, tiling.cell, tiling.offsets[tile], leaf.element_bytes);
    std::size_t dim = ndims;
    while (dim > 0 && ++at[dim - 1] > last[dim - 1]) {
      at[dim - 1] = first[dim - 1];
      --dim;
    }
    if (dim == 0) return;
  }
}

/// `tiles`: the numbers of the tiles to look at, where the tiling is `boxes`; null: all of them.
std::vector<Extent> find(const StoredLeaf& leaf, const Box& box, const std::vector<std::size_t>* tiles) {
  ExtentList list;
  if (is_empty(box) || leaf.element_bytes == 0 || !contains(whole(leaf.shape), box)) return {};
  const auto& tiling = leaf.tiling;
  const auto count = tiles != nullptr ? tiles->size() : tiling.boxes.size();
  switch (tiling.kind) {
    case TileKind::none:
      break;
    case TileKind::one:
      add_tile(list, box, whole(leaf.shape).start, leaf.shape, tiling.offset, leaf.element_bytes);
      break;
    case TileKind::grid:
      add_grid(list, leaf, box);
      break;
    case TileKind::boxes:
      for (std::size_t i = 0; i < count; ++i) {
        const auto tile = tiles != nullptr ? (*tiles)[i] : i;
        add_tile(list, box, tiling.boxes[tile].start, tiling.boxes[tile].count, tiling.offsets[tile],
                 leaf.element_bytes);
      }
      break;
  }
  return std::move(list).take();
}

}  // namespace

std::vector<Extent> extents_of(const StoredLeaf& leaf, const Box& box) {
  return find(leaf, box, nullptr);
}

ExtentFinder::ExtentFinder(const StoredLeaf& leaf) : leaf_(&leaf) {
  indexed_ = leaf.tiling.kind == TileKind::boxes && leaf.tiling.boxes.size() > kFewTiles;
  if (indexed_) index_ = BoxIndex(leaf.tiling.boxes);
}

std::vector<Extent> ExtentFinder::operator()(const Box& box) const {
  if (!indexed_) return extents_of(*leaf_, box);
  const auto tiles = index_.touching(box);
  return find(*leaf_, box, &tiles);
}

}  // namespace cairn::tree
