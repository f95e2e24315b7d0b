#pragma once

#include "base/checksum.hpp"
#include "tree/layout.hpp"
#include "tree/local.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// What each rank adds to two sums over all ranks, which are zero where, and but for odds of about 2^-64 only
/// where, the ranks' trees fit together. Pure functions: no rank sees another's boxes.
namespace cairn::plan {

/// How a leaf is stored: a value as a replicated array.
inline Kind stored_kind(Kind kind) noexcept {
  return kind == Kind::value ? Kind::replicated : kind;
}

/// The digest of the row-major bytes of a shard, however it lies in memory.
base::Digest content_of(const tree::LocalShard& shard, std::uint64_t element_bytes,
                        void* device_stream = nullptr);

/// One digest a shard, leaf after leaf: of what several ranks hold and must agree on, zero of what one rank
/// holds alone. `compare` false: zeros.
std::vector<base::Digest> contents_of(std::span<const tree::LocalLeaf> leaves, bool compare,
                                      void* device_stream = nullptr);

/// The signed sum of a hash over the corners of `box`. The boxes of an array, less the whole of it, sum to
/// zero exactly where each element is in one box. Seeded by the save's id, so that no input is bad twice.
base::Digest corners(const base::Digest& id, std::uint64_t leaf, const tree::Box& box) noexcept;

/// One rank among those of a save.
struct Place {
  int rank = 0;
  int size = 1;
  int primary = 0;
};

/// A sharded leaf's boxes of replica 0; the primary subtracts the whole array. Zero for other kinds.
base::Digest coverage_part(const base::Digest& id, std::uint64_t leaf, const tree::LocalLeaf& local,
                           const Place& place) noexcept;

/// A chain over the copies of a box, or over the ranks for a replicated leaf: each copy adds the link before
/// it and subtracts the one after, so that the sum is zero exactly where all copies exist and have the same
/// content. `contents` are those of the leaf's shards.
base::Digest link_part(const base::Digest& id, std::uint64_t leaf, const tree::LocalLeaf& local,
                       std::span<const base::Digest> contents, const Place& place) noexcept;

}  // namespace cairn::plan
