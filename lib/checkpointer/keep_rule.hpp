#pragma once

#include "cairn/policies.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

/// What keep policies say. Not collective; any thread.

namespace cairn {
inline namespace CAIRN_ABI {
namespace detail {

/// A rule, as its maker was given it: of the parameters, those of its kind. any_of and all_of have two
/// children or more, which are never null.
struct KeepRule {
  enum class Kind { any_of, all_of, all, latest, best, every_steps, every, steps, function };
  Kind kind = Kind::function;
  std::int64_t n = 0;                                             // latest, best, every_steps
  std::string metric = {};                                        // best
  Best which = Best::lowest;                                      // best
  double seconds = 0;                                             // every: the period
  Steps steps = {};                                               // steps
  std::function<Steps(const std::vector<SavedStep>&)> call = {};  // function
  std::vector<std::shared_ptr<const KeepRule>> children = {};     // any_of, all_of

  /// A policy's; null of {}.
  static const std::shared_ptr<const KeepRule>& of(const KeepPolicy& policy) noexcept { return policy.rule_; }
};

}  // namespace detail
}  // namespace CAIRN_ABI

namespace checkpointer {

/// The steps that the policy keeps of `saved`, which ascends by step; all of them where it is {}. Pins do not
/// matter here. The policy has no problems. Throws what an own function throws.
std::set<std::int64_t> kept(const KeepPolicy& policy, const std::vector<SavedStep>& saved);

/// What is wrong with parameters, each text naming the maker; empty: all is well.
std::vector<std::string> problems_of(const KeepPolicy& policy);

}  // namespace checkpointer
}  // namespace cairn
