#pragma once

#include "comm/communicator.hpp"
#include "plan/coverage.hpp"
#include "plan/plan.hpp"

#include <span>

/// The bad path of the plan: the ranks' trees do not fit together, and the user is to be told how.
namespace cairn::plan {

/// The descriptions differ: throws Error(mismatch) with the first point of difference. Collective; each
/// rank's own request and leaves.
[[noreturn]] void throw_different(comm::Communicator& comm, const SaveRequest& request, int primary,
                                  std::span<const tree::LocalLeaf> leaves);

/// The sums are not zero: throws Error(mismatch) with arrays, ranks and boxes. Collective; `contents` as of
/// `contents_of`.
[[noreturn]] void throw_misfit(comm::Communicator& comm, const base::Digest& id,
                               std::span<const tree::LocalLeaf> leaves,
                               std::span<const base::Digest> contents);

}  // namespace cairn::plan
