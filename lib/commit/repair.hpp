#pragma once

#include "base/storage.hpp"
#include "commit/path.hpp"

#include <string>
#include <vector>

namespace cairn::commit {

/// What a look at the leftovers beside a checkpoint did and found.
struct Repaired {
  std::vector<std::string> lines;   // what was done or left alone, a line each
  std::vector<std::string> living;  // the saves under way, described
};

/// Completes what is committed and removes what is provably dead (docs/format.md). What belongs to a living
/// or an unknown owner stays. Throws where something committed could not be completed; a failure to remove is
/// a line.
Repaired repair_leftovers(const base::File& parent, const Names& names);

/// The saves under way at this path other than that of `own`, described.
std::vector<std::string> find_living(const base::File& parent, const Names& names, const base::Digest& own);

}  // namespace cairn::commit
