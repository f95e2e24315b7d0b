#pragma once

#include "detail/traits.hpp"
#include "error.hpp"
#include "metrics.hpp"

/// \file
/// When a step is saved, and which saved steps are kept. Policies are values: made and joined without
/// communicating, cheap to copy, the copies sharing one rule that never changes. Making one does not judge
/// its parameters: what is wrong with them, the Checkpointer's constructor reports on all ranks. Nothing here
/// is collective; any thread.
///
///     using namespace cairn::policies;
///     options.save_when = any_of(every_steps(1000), every(std::chrono::minutes(30)), on_signal(SIGTERM));
///     options.keep = any_of(latest(3), keep_every_steps(10000));

namespace cairn {
inline namespace CAIRN_ABI {

/// What a save policy is asked about. A time that has not been measured yet is 0.
struct StepInfo {
  std::int64_t step = 0;
  std::optional<std::int64_t> last_saved = {};  ///< nullopt: nothing was saved so far
  double since_last_save_s = 0;                 ///< where nothing was saved: since the start
  double save_s = 0;                            ///< how long a save keeps the caller waiting
  double step_s = 0;                            ///< how long a step takes
};

/// What a keep policy is asked about.
struct SavedStep {
  std::int64_t step = 0;
  std::chrono::system_clock::time_point time = {};  ///< when it was saved
  Metrics metrics = {};
  bool pinned = false;  ///< stays, whatever the policy says
};

/// Which values of a metric are the good ones.
enum class Best { lowest, highest };

using Seconds = std::chrono::duration<double>;
using Steps = std::vector<std::int64_t>;

namespace detail {
struct SaveRule;
struct KeepRule;
CAIRN_API std::shared_ptr<const SaveRule> make_save_rule(std::function<bool(const StepInfo&)> call);
CAIRN_API std::shared_ptr<const KeepRule> make_keep_rule(
    std::function<Steps(const std::vector<SavedStep>&)> call);
}  // namespace detail

inline namespace policies {

/// When to save. {} never does.
class CAIRN_API SavePolicy {
 public:
  SavePolicy() = default;
  /// For the library.
  explicit SavePolicy(std::shared_ptr<const detail::SaveRule> rule) noexcept : rule_(std::move(rule)) {}
  /// An own function: it is called on the primary rank, and its answer holds for all.
  template <class Call, detail::if_calls<Call, bool, const StepInfo&> = 0>
  SavePolicy(Call call) : rule_(detail::make_save_rule(std::move(call))) {}

 private:
  friend struct detail::SaveRule;
  std::shared_ptr<const detail::SaveRule> rule_;
};

/// Which of the saved steps to keep. {} keeps all.
class CAIRN_API KeepPolicy {
 public:
  KeepPolicy() = default;
  /// For the library.
  explicit KeepPolicy(std::shared_ptr<const detail::KeepRule> rule) noexcept : rule_(std::move(rule)) {}
  /// An own function: it is given the saved steps, ascending, on the primary rank, and returns those to keep;
  /// what is not among the saved ones is left out.
  template <class Call, detail::if_calls<Call, Steps, const std::vector<SavedStep>&> = 0>
  KeepPolicy(Call call) : rule_(detail::make_keep_rule(std::move(call))) {}

 private:
  friend struct detail::KeepRule;
  std::shared_ptr<const detail::KeepRule> rule_;
};

/// At multiples of `n`, and at the first step asked about after one was passed over.
CAIRN_API SavePolicy every_steps(std::int64_t n);
/// When the last save is at least `period` ago.
CAIRN_API SavePolicy every(Seconds period);
CAIRN_API SavePolicy at_steps(Steps steps);
/// While nothing has been saved yet.
CAIRN_API SavePolicy first_step();
/// When any rank got the signal since the last answer. SIGTERM, SIGINT, SIGHUP, SIGQUIT and SIGXCPU also ask
/// the run to end. The handler that the program had installed before is called as well.
CAIRN_API SavePolicy on_signal(int signal);
/// While there is a file (of any kind) of this name.
CAIRN_API SavePolicy on_file(Path stop_file);
/// Once, when what is left before the deadline is just enough: 30 s, two of the longest saves so far and two
/// steps. Without a deadline it is the variable SLURM_JOB_END_TIME; where that is no time, never.
CAIRN_API SavePolicy before_deadline(std::optional<std::chrono::system_clock::time_point> deadline = {});
/// After the interval that loses least time where failures come at random, this long apart on average: J. T.
/// Daly, Future Generation Computer Systems 22 (2006), equation 37, with the measured cost of a save. At
/// once, where none has been measured.
CAIRN_API SavePolicy young_daly(Seconds mean_time_between_failures);
/// As often as saves, the next one included, take at most this part of the time since the start; `fraction`
/// is more than 0 and at most 1.
CAIRN_API SavePolicy overhead_below(double fraction);
/// {} is left out of any_of and all_of: {} where nothing else is there. At most 64 rules in all.
CAIRN_API SavePolicy any_of(SavePolicy a, SavePolicy b, SavePolicy c = {}, SavePolicy d = {},
                            SavePolicy e = {}, SavePolicy f = {});
CAIRN_API SavePolicy all_of(SavePolicy a, SavePolicy b, SavePolicy c = {}, SavePolicy d = {});

CAIRN_API KeepPolicy keep_all();
/// The `n` highest steps.
CAIRN_API KeepPolicy latest(int n);
/// The `n` best by this metric; of equal ones the higher steps. Steps without the metric, or where it is NaN,
/// are not among them.
CAIRN_API KeepPolicy best(std::string metric, int n, Best which = Best::lowest);
/// The multiples of `n`.
CAIRN_API KeepPolicy keep_every_steps(std::int64_t n);
/// The oldest, and each that was saved at least `period` after the one before that this keeps.
CAIRN_API KeepPolicy keep_every(Seconds period);
CAIRN_API KeepPolicy keep_steps(Steps steps);
/// What any of them keeps, and what all of them keep. {} is left out.
CAIRN_API KeepPolicy any_of(KeepPolicy a, KeepPolicy b, KeepPolicy c = {}, KeepPolicy d = {},
                            KeepPolicy e = {}, KeepPolicy f = {});
CAIRN_API KeepPolicy all_of(KeepPolicy a, KeepPolicy b, KeepPolicy c = {});

}  // namespace policies

}  // namespace CAIRN_ABI
}  // namespace cairn
