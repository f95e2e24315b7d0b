#pragma once

#include "plan/coverage.hpp"
#include "plan/plan.hpp"

#include <cstdint>
#include <span>
#include <vector>

/// Who writes what. Pure: each rank works its part out of its own tree and what was agreed.
namespace cairn::plan {

/// What a rank stores of a leaf: the stored array's shape. An appended leaf's `rows` is this rank's.
tree::StoredLeaf stored_leaf(const tree::LocalLeaf& local, int ranks);

/// The blocks that this rank writes, by leaf: its shards cut into pieces of at most `block_bytes`, a share of
/// what several ranks hold, and of replicated values under 64 KiB everything or nothing. Rows of appended
/// leaves begin at 0: `shift_rows` moves them when all ranks' are known.
std::vector<Block> divide(std::span<const tree::LocalLeaf> leaves, const Place& place,
                          std::uint64_t block_bytes);
void shift_rows(Block& block, std::uint64_t rows_before) noexcept;

}  // namespace cairn::plan
