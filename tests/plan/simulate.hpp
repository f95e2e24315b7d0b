#pragma once

#include "plan/coverage.hpp"
#include "tree/local.hpp"

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

/// Ranks that exist in one process only: their boxes of one array, right or wrong.
namespace simulate {

using cairn::Dims;
using cairn::Kind;
using cairn::tree::Box;
using cairn::tree::LocalLeaf;
using cairn::tree::LocalShard;

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  int between(int least, int most) { return std::uniform_int_distribution<int>(least, most)(engine_); }
  bool one_in(int n) { return between(1, n) == 1; }
  std::uint64_t word() { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

/// A shape of up to `most_ndims` dimensions and about `most_elements` elements; zero extents now and then.
inline Dims random_shape(Random& random, int most_ndims, int most_elements) {
  Dims shape;
  const int ndims = random.between(0, most_ndims);
  int left = most_elements;
  for (int dim = 0; dim < ndims; ++dim) {
    const int extent = random.one_in(40) ? 0 : random.between(1, std::max(1, std::min(left, 24)));
    shape.push_back(extent);
    left = std::max(1, left / std::max(extent, 1));
  }
  return shape;
}

/// Divides `box` into `parts` boxes that cover it once, by cuts at random places; some may be empty.
inline void divide(Random& random, const Box& box, int parts, std::vector<Box>& out) {
  if (parts == 1) {
    out.push_back(box);
    return;
  }
  const int lower_parts = random.between(1, parts - 1);
  Box lower = box, upper = box;
  if (box.ndims() == 0) {
    // A scalar is one rank's; the others hold nothing, which has no box of no dimensions.
    out.push_back(box);
    return;
  }
  const auto dim = static_cast<std::size_t>(random.between(0, static_cast<int>(box.ndims()) - 1));
  lower.count[dim] = random.between(0, static_cast<int>(box.count[dim]));
  upper.start[dim] += lower.count[dim];
  upper.count[dim] -= lower.count[dim];
  divide(random, lower, lower_parts, out);
  divide(random, upper, parts - lower_parts, out);
}

/// One array over `ranks` ranks.
struct Decomposition {
  Dims shape;
  int ranks = 1;
  std::vector<std::pair<int, LocalShard>> shards;  // with the rank that holds each

  /// What each rank would resolve.
  std::vector<LocalLeaf> leaves() const {
    LocalLeaf leaf;
    leaf.path = "w";
    leaf.kind = Kind::sharded;
    leaf.dtype = cairn::Dtype::u8;
    leaf.element_bytes = 1;
    leaf.shape = shape;
    std::vector<LocalLeaf> all(static_cast<std::size_t>(ranks), leaf);
    for (const auto& [rank, shard] : shards) all[static_cast<std::size_t>(rank)].shards.push_back(shard);
    return all;
  }
};

inline Decomposition random_decomposition(Random& random) {
  Decomposition result;
  result.ranks = random.one_in(3) ? 64 : random.between(1, 64);
  result.shape = random_shape(random, 4, 600);
  std::vector<Box> boxes;
  // Fewer boxes than ranks, or several a rank.
  divide(random, cairn::tree::whole(result.shape), random.between(1, 2 * result.ranks), boxes);
  for (const auto& box : boxes) {
    LocalShard shard;
    shard.box = box;
    result.shards.emplace_back(random.between(0, result.ranks - 1), shard);
  }
  return result;
}

/// Moves, grows, shrinks, drops or doubles a box, within the array. What comes out may be right all the same.
inline void spoil(Random& random, Decomposition& decomposition) {
  auto& shards = decomposition.shards;
  if (shards.empty()) return;
  const auto pick = [&] {
    return static_cast<std::size_t>(random.between(0, static_cast<int>(shards.size()) - 1));
  };
  auto which = pick();
  for (int tries = 0; tries < 8 && cairn::tree::is_empty(shards[which].second.box); ++tries) which = pick();
  auto& box = shards[which].second.box;
  const int how = random.between(0, 4);
  if (how == 0 || box.ndims() == 0) {
    shards.erase(shards.begin() + static_cast<std::ptrdiff_t>(which));
    return;
  }
  if (how == 1) {
    shards.emplace_back(random.between(0, decomposition.ranks - 1), shards[which].second);
    return;
  }
  const auto dim = static_cast<std::size_t>(random.between(0, static_cast<int>(box.ndims()) - 1));
  const auto end = box.start[dim] + box.count[dim];
  if (how == 2 && end < decomposition.shape[dim]) ++box.start[dim];
  if (how == 3 && end < decomposition.shape[dim]) ++box.count[dim];
  if (how == 4 && box.count[dim] > 0) --box.count[dim];
}

/// How often each element of the array is held, by counting.
inline std::vector<int> count_elements(const Dims& shape, const std::vector<Box>& boxes) {
  std::vector<int> counts(cairn::tree::product(shape), 0);
  for (const auto& box : boxes)
    cairn::tree::for_each_run(box, shape, [&](std::uint64_t first, std::uint64_t elements) {
      for (std::uint64_t i = 0; i < elements; ++i) ++counts[first + i];
    });
  return counts;
}

}  // namespace simulate
