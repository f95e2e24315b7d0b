#pragma once

#include "base/checksum.hpp"
#include "plan/plan.hpp"
#include "tree/local.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What all ranks must say alike: operation, path, names, types, shapes and whether arrays are Fortran's. A
/// request has `contents` only where there are no leaves.
namespace cairn::plan {

/// One hash of it all.
base::Digest agreed_digest(const SaveRequest& request, int primary, std::span<const tree::LocalLeaf> leaves);

/// The same in words, for a rank that must tell another, and only once the hashes are known to differ.
std::string describe(const SaveRequest& request, int primary, std::span<const tree::LocalLeaf> leaves);

/// The first point in which this rank's description differs from the one of rank 0: packed, and short. Empty
/// where they are the same.
std::string first_difference(std::string_view mine, std::string_view first);

/// What to tell the user, given each rank's `first_difference`: the first leaf that differs, on which ranks,
/// and how. `rank` becomes the first of them.
std::string explain(const std::vector<std::string>& differences, int& rank);

/// `rank 3`, `ranks 1, 4-7`; of many, the first.
std::string ranks_text(const std::vector<int>& ranks);

}  // namespace cairn::plan
