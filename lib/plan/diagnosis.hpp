#pragma once

#include "base/checksum.hpp"
#include "tree/box.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

/// What exactly is wrong, once the sums have shown that something is. Pure functions over gathered boxes.
namespace cairn::plan {

/// A box that a rank holds, or a whole replicated value.
struct HeldBox {
  int rank = 0;
  int replica = 0;
  int replicas = 1;
  tree::Box box = {};
  base::Digest content = {};
};

/// Something wrong: what to tell the user, and the first rank that it is about, or -1.
struct Finding {
  std::string text;
  int rank = -1;
};

/// Two boxes that share elements: of all such pairs the first by place in the array.
struct Overlap {
  std::size_t a = 0, b = 0;  // indices of the boxes
  tree::Box box = {};        // what they share
};
std::optional<Overlap> find_overlap(const std::vector<tree::Box>& boxes);

/// A box of `shape` that none of `boxes` reaches into, as large as it can be grown; nothing where they cover
/// it.
std::optional<tree::Box> find_gap(const Dims& shape, const std::vector<tree::Box>& boxes);

/// An overlap and a gap of a sharded array. Boxes of other replicas than 0 are passed over.
std::vector<Finding> diagnose_coverage(const std::string& path, const Dims& shape,
                                       const std::vector<HeldBox>& held);

/// Copies of a box that are missing, held twice, or differ.
std::vector<Finding> diagnose_copies(const std::string& path, const std::vector<HeldBox>& held);

/// Ranks whose copy of a replicated value is not that of the first; one entry a rank, by rank.
std::vector<Finding> diagnose_replicated(const std::string& path, const std::vector<HeldBox>& held);

}  // namespace cairn::plan
