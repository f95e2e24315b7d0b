#pragma once

#include "cairn/policies.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// What save policies say. Not collective; any thread.

namespace cairn {
inline namespace CAIRN_ABI {
namespace detail {

/// A rule, as its maker was given it: of the parameters, those of its kind. any_of and all_of have two
/// children or more, which are never null.
struct SaveRule {
  enum class Kind {
    any_of,
    all_of,
    every_steps,
    at_steps,
    first_step,
    every,
    on_signal,
    on_file,
    before_deadline,
    young_daly,
    overhead_below,
    function
  };
  Kind kind = Kind::function;
  std::int64_t n = 0;   // every_steps
  Steps steps = {};     // at_steps
  double seconds = 0;   // every: the period; young_daly: the mean time between failures
  double fraction = 0;  // overhead_below
  int signal = 0;       // on_signal
  Path path = {};       // on_file
  std::optional<std::chrono::system_clock::time_point> deadline = {};  // before_deadline, where it was given
  std::function<bool(const StepInfo&)> call = {};                      // function
  std::vector<std::shared_ptr<const SaveRule>> children = {};          // any_of, all_of

  /// A policy's; null of {}.
  static const std::shared_ptr<const SaveRule>& of(const SavePolicy& policy) noexcept { return policy.rule_; }
};

}  // namespace detail
}  // namespace CAIRN_ABI

namespace checkpointer {

/// The answer of a policy has a bit for each leaf.
inline constexpr std::size_t most_leaves = 64;

/// Who knows the answer of a leaf.
enum class Knows {
  every_rank,  // the same on all
  any_rank,    // true where it is true on any
  primary,     // the primary's of one call earlier will do
  primary_now  // the primary's at this very step
};

struct Leaf {
  const detail::SaveRule* rule = nullptr;  // lives as long as the policy or a copy of it
  Knows knows = Knows::every_rank;
};
/// The rules that join no others, in order. The policy has no problems.
std::vector<Leaf> leaves_of(const SavePolicy& policy);

/// The policy's answer, where bit i of `answers` is that of leaf i; false of {}. The policy has no problems.
bool evaluate(const SavePolicy& policy, std::uint64_t answers);

/// What is wrong with parameters, each text naming the maker; empty: all is well.
std::vector<std::string> problems_of(const SavePolicy& policy);

/// What leaves are asked about.
struct Facts {
  StepInfo info = {};
  std::optional<std::int64_t> previous_step = {};  // asked about before, or restored
  double run_s = 0;                                // since the Checkpointer was made
  double saving_s = 0;                             // of that, blocked in saves
  double longest_save_s = 0;
  std::chrono::system_clock::time_point now = {};
  bool file_exists = false;     // on_file: the file of this leaf
  bool deadline_saved = false;  // before_deadline: a save was made for it
};
/// The answer of a leaf without problems; false of on_signal, which a SignalWatch knows. Throws what an own
/// function throws.
bool answer(const detail::SaveRule& leaf, const Facts& facts);

/// Of a before_deadline: the one given, else SLURM_JOB_END_TIME of the environment (seconds since the epoch),
/// read at each call; nullopt where that is not set, no number, or no time after the epoch.
std::optional<std::chrono::system_clock::time_point> deadline_of(const detail::SaveRule& leaf);
/// Whether what is left is just enough: 30 s, two of the longest saves and two steps. `deadline_saved` does
/// not matter here.
bool is_due(std::chrono::system_clock::time_point deadline, const Facts& facts);

/// Between saves that cost `save_s` each: Daly's equation 37 (see young_daly).
double daly_interval_s(double save_s, double mean_time_between_failures_s);

}  // namespace checkpointer
}  // namespace cairn
