#pragma once

#include "tree/layout.hpp"
#include "tree/local.hpp"

#include <cstdint>

/// How a sharded array is tiled. Pure: each rank says what its boxes look like in numbers that add up, or
/// whose maximum counts, and every rank draws the same conclusion.
namespace cairn::plan {

/// One rank's boxes of a leaf as one number, to be summed: how many ranks have a box that is not contiguous,
/// in the upper half; the runs that the boxes make, as far as they matter, in the lower.
std::uint64_t run_lane(const tree::LocalLeaf& local) noexcept;

/// Whether one tile is best, given the sum of `run_lane`: all boxes are contiguous, or the array is small and
/// they make few runs.
bool fits_one_tile(const tree::StoredLeaf& leaf, std::uint64_t run_lanes) noexcept;

/// The largest count of this rank's boxes in each dimension: the maximum over the ranks is the cell.
Dims largest_count(const tree::LocalLeaf& local);

/// Whether tiles of `cell` can be chunks of an array: under 1 GiB, and not too much past its upper edges.
bool is_usable_cell(const tree::StoredLeaf& leaf, const Dims& cell) noexcept;

/// How many of this rank's boxes are not a cell of the grid.
std::uint64_t count_off_grid(const tree::LocalLeaf& local, const Dims& cell) noexcept;

}  // namespace cairn::plan
