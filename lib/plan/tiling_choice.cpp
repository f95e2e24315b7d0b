#include "plan/tiling_choice.hpp"

#include <algorithm>

namespace cairn::plan {
namespace {

constexpr std::uint64_t kSmallBytes = 1
                                      << 20;  // of an array that may be stored as one tile whatever its boxes
constexpr std::uint64_t kFewRuns = 1024;      // that all boxes of such an array may make
constexpr std::uint64_t kCellBytes = 1 << 30;  // HDF5 refuses chunks of 4 GiB, and 1.10 calls of 2 GiB
constexpr int kRunBits = 32;

/// Whether `box` is the cell of the grid that begins where it begins, cut at the array's upper edges.
bool is_cell(const tree::Box& box, const Dims& cell, const Dims& shape) noexcept {
  for (std::size_t dim = 0; dim < box.ndims(); ++dim) {
    if (box.start[dim] % cell[dim] != 0) return false;
    if (box.count[dim] != std::min(cell[dim], shape[dim] - box.start[dim])) return false;
  }
  return true;
}

}  // namespace

std::uint64_t run_lane(const tree::LocalLeaf& local) noexcept {
  std::uint64_t runs = 0;
  bool contiguous = true;
  for (const auto& shard : local.shards) {
    if (shard.replica != 0) continue;
    const auto own = tree::count_runs(shard.box, local.shape);
    contiguous = contiguous && own <= 1;
    runs += std::min(own, kFewRuns + 1);
  }
  return std::min(runs, kFewRuns + 1) + (contiguous ? 0 : std::uint64_t{1} << kRunBits);
}

bool fits_one_tile(const tree::StoredLeaf& leaf, std::uint64_t run_lanes) noexcept {
  const std::uint64_t uncontiguous = run_lanes >> kRunBits;
  const std::uint64_t runs = run_lanes & ((std::uint64_t{1} << kRunBits) - 1);
  return uncontiguous == 0 || (leaf.bytes() <= kSmallBytes && runs <= kFewRuns);
}

Dims largest_count(const tree::LocalLeaf& local) {
  Dims largest;
  for (std::size_t dim = 0; dim < local.shape.ndims(); ++dim) largest.push_back(0);
  for (const auto& shard : local.shards) {
    if (tree::is_empty(shard.box)) continue;
    for (std::size_t dim = 0; dim < largest.ndims(); ++dim)
      largest[dim] = std::max(largest[dim], shard.box.count[dim]);
  }
  return largest;
}

bool is_usable_cell(const tree::StoredLeaf& leaf, const Dims& cell) noexcept {
  std::uint64_t bytes = 0;
  if (!tree::checked_product(cell, leaf.element_bytes, bytes) || bytes == 0 || bytes >= kCellBytes)
    return false;
  Dims padded = cell;
  for (std::size_t dim = 0; dim < cell.ndims(); ++dim)
    padded[dim] = (leaf.shape[dim] + cell[dim] - 1) / cell[dim] * cell[dim];
  std::uint64_t stored = 0;
  // Tiles at the upper edges are whole in the file: a grid that is mostly edge would waste the disk.
  return tree::checked_product(padded, leaf.element_bytes, stored) && stored / 2 <= leaf.bytes();
}

std::uint64_t count_off_grid(const tree::LocalLeaf& local, const Dims& cell) noexcept {
  std::uint64_t off = 0;
  for (const auto& shard : local.shards)
    if (!tree::is_empty(shard.box) && !is_cell(shard.box, cell, local.shape)) ++off;
  return off;
}

}  // namespace cairn::plan
