#pragma once

#include "base/storage.hpp"
#include "commit/owner.hpp"
#include "commit/path.hpp"

#include <optional>
#include <string>
#include <vector>

namespace cairn::commit {

/// What becomes of a leftover.
enum class Fate {
  removed,
  completed,   // put at its final name
  under_way,   // its owner lives
  left_alone,  // `why` says what is to be known first
};
struct Finding {
  std::string entry = {};  // of the parent directory
  Fate fate = Fate::left_alone;
  std::string why = {};
  std::optional<Owner> owner = {};
};
/// "removed run/.ckpt.ID, which was never committed".
std::string to_line(const Finding& finding, const Names& names);

/// What a look at the leftovers beside a checkpoint did and found.
struct Repaired {
  std::vector<Finding> found;
  std::vector<std::string> living;  // the saves under way, described
};

/// Completes what is committed and removes what is provably dead (docs/format.md). What belongs to a living
/// or an unknown owner stays. Throws where something committed could not be completed; a failure to remove is
/// a finding.
Repaired repair_leftovers(const base::File& parent, const Names& names);

/// What `repair_leftovers` would do now. Changes nothing.
Repaired look_at_leftovers(const base::File& parent, const Names& names);

/// The saves under way at this path other than that of `own`, described.
std::vector<std::string> find_living(const base::File& parent, const Names& names, const base::Digest& own);

}  // namespace cairn::commit
