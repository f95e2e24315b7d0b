#pragma once

#include "tree/layout.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

/// Random boxes and tilings, and the plain model that they are compared with.
namespace random_layout {

using cairn::Dims;
using cairn::tree::Box;
using cairn::tree::product;

class Source {
 public:
  explicit Source(unsigned seed) : engine_(seed) {}
  /// In [low, high].
  std::int64_t integer(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(engine_);
  }

  Dims shape(std::size_t ndims, std::int64_t most) {
    Dims result;
    for (std::size_t dim = 0; dim < ndims; ++dim) result.push_back(integer(1, most));
    return result;
  }
  /// Within `shape`; may be empty where `may_be_empty`.
  Box box(const Dims& shape, bool may_be_empty = false) {
    Box result;
    for (const auto extent : shape) {
      const auto start = integer(0, extent - 1);
      const auto count = integer(1, 4) == 1
                             ? extent - start
                             : integer(may_be_empty && integer(1, 20) == 1 ? 0 : 1, extent - start);
      result.start.push_back(start);
      result.count.push_back(count);
    }
    return result;
  }
  /// Boxes that cover `box` once, sorted by start.
  std::vector<Box> partition(const Box& box, int cuts) {
    std::vector<Box> boxes = {box};
    for (int i = 0; i < cuts; ++i) {
      const auto at = static_cast<std::size_t>(integer(0, static_cast<std::int64_t>(boxes.size()) - 1));
      if (box.ndims() == 0) break;
      const auto dim = static_cast<std::size_t>(integer(0, static_cast<std::int64_t>(box.ndims()) - 1));
      if (boxes[at].count[dim] < 2) continue;
      const auto first = integer(1, boxes[at].count[dim] - 1);
      auto rest = boxes[at];
      rest.start[dim] += first;
      rest.count[dim] -= first;
      boxes[at].count[dim] = first;
      boxes.push_back(rest);
    }
    std::sort(boxes.begin(), boxes.end(), [](const Box& a, const Box& b) {
      return std::lexicographical_compare(a.start.begin(), a.start.end(), b.start.begin(), b.start.end());
    });
    return boxes;
  }

  /// A leaf whose tiles lie at random places from `end` on; `end` becomes the first byte behind it.
  cairn::tree::StoredLeaf leaf(const std::string& path, std::uint64_t& end, std::size_t most_ndims = 4,
                               std::int64_t most_extent = 9) {
    cairn::tree::StoredLeaf leaf;
    leaf.path = path;
    leaf.kind = cairn::Kind::sharded;
    leaf.element_bytes = std::uint64_t{1} << integer(0, 4);
    constexpr cairn::Dtype kBySize[] = {cairn::Dtype::u8, cairn::Dtype::i16, cairn::Dtype::f32,
                                        cairn::Dtype::f64, cairn::Dtype::c128};
    leaf.dtype = kBySize[std::countr_zero(leaf.element_bytes)];
    leaf.shape =
        shape(static_cast<std::size_t>(integer(0, static_cast<std::int64_t>(most_ndims))), most_extent);
    const auto place = [&](std::uint64_t elements) {
      end += static_cast<std::uint64_t>(integer(0, 2)) * static_cast<std::uint64_t>(integer(0, 5000));
      return std::exchange(end, end + elements * leaf.element_bytes);
    };
    auto& tiling = leaf.tiling;
    const auto kind = leaf.shape.ndims() == 0 ? 0 : integer(0, 2);
    if (kind == 0) {
      tiling.kind = cairn::tree::TileKind::one;
      tiling.offset = place(product(leaf.shape));
    } else if (kind == 1) {
      tiling.kind = cairn::tree::TileKind::grid;
      std::uint64_t tiles = 1;
      for (const auto extent : leaf.shape) {
        tiling.cell.push_back(integer(1, extent));
        tiles *= static_cast<std::uint64_t>((extent - 1) / tiling.cell[tiling.cell.ndims() - 1] + 1);
      }
      for (std::uint64_t tile = 0; tile < tiles; ++tile)
        tiling.offsets.push_back(place(product(tiling.cell)));
      if (integer(0, 1) == 1) std::shuffle(tiling.offsets.begin(), tiling.offsets.end(), engine_);
    } else {
      tiling.kind = cairn::tree::TileKind::boxes;
      tiling.boxes = partition(cairn::tree::whole(leaf.shape), static_cast<int>(integer(0, 80)));
      for (const auto& box : tiling.boxes) tiling.offsets.push_back(place(product(box.count)));
    }
    return leaf;
  }

  std::mt19937& engine() { return engine_; }

 private:
  std::mt19937 engine_;
};

/// Calls `visit(index)` for each index of a box, row-major.
template <class Visit>
void for_each_index(const Box& box, const Visit& visit) {
  if (is_empty(box)) return;
  auto index = box.start;
  while (true) {
    visit(index);
    auto dim = box.ndims();
    while (dim > 0 && ++index[dim - 1] == box.start[dim - 1] + box.count[dim - 1]) {
      index[dim - 1] = box.start[dim - 1];
      --dim;
    }
    if (dim == 0) return;
  }
}

inline bool holds(const Box& box, const Dims& index) {
  for (std::size_t dim = 0; dim < index.ndims(); ++dim)
    if (index[dim] < box.start[dim] || index[dim] >= box.start[dim] + box.count[dim]) return false;
  return true;
}

/// The file offset of one element, by looking for its tile.
inline std::uint64_t place_of(const cairn::tree::StoredLeaf& leaf, const Dims& index) {
  using cairn::tree::TileKind;
  const auto& tiling = leaf.tiling;
  const auto inside = [&](const Dims& start, const Dims& count, std::uint64_t offset) {
    std::uint64_t linear = 0;
    for (std::size_t dim = 0; dim < index.ndims(); ++dim)
      linear = linear * static_cast<std::uint64_t>(count[dim]) +
               static_cast<std::uint64_t>(index[dim] - start[dim]);
    return offset + linear * leaf.element_bytes;
  };
  if (tiling.kind == TileKind::one)
    return inside(cairn::tree::whole(leaf.shape).start, leaf.shape, tiling.offset);
  if (tiling.kind == TileKind::grid) {
    std::uint64_t tile = 0;
    Dims start = index;
    for (std::size_t dim = 0; dim < index.ndims(); ++dim) {
      const auto cell = tiling.cell[dim];
      tile = tile * static_cast<std::uint64_t>((leaf.shape[dim] + cell - 1) / cell) +
             static_cast<std::uint64_t>(index[dim] / cell);
      start[dim] = index[dim] / cell * cell;
    }
    return inside(start, tiling.cell, tiling.offsets[tile]);
  }
  for (std::size_t tile = 0; tile < tiling.boxes.size(); ++tile)
    if (holds(tiling.boxes[tile], index))
      return inside(tiling.boxes[tile].start, tiling.boxes[tile].count, tiling.offsets[tile]);
  return ~std::uint64_t{0};
}

}  // namespace random_layout
