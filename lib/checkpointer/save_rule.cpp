#include "checkpointer/save_rule.hpp"

#include "checkpointer/parameters.hpp"
#include "checkpointer/signals.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace cairn {

using detail::SaveRule;
using RuleKind = SaveRule::Kind;
using std::chrono::system_clock;

namespace {

SavePolicy make(SaveRule rule) {
  return SavePolicy(std::make_shared<const SaveRule>(std::move(rule)));
}

SavePolicy join(RuleKind kind, std::initializer_list<SavePolicy> policies) {
  SaveRule joined{.kind = kind};
  for (const auto& policy : policies)
    if (SaveRule::of(policy)) joined.children.push_back(SaveRule::of(policy));
  if (joined.children.empty()) return {};
  return joined.children.size() == 1 ? SavePolicy(joined.children.front()) : make(std::move(joined));
}

}  // namespace

inline namespace CAIRN_ABI {
namespace detail {

std::shared_ptr<const SaveRule> make_save_rule(std::function<bool(const StepInfo&)> call) {
  return std::make_shared<const SaveRule>(SaveRule{.kind = RuleKind::function, .call = std::move(call)});
}

}  // namespace detail

inline namespace policies {

SavePolicy every_steps(std::int64_t n) {
  return make({.kind = RuleKind::every_steps, .n = n});
}
SavePolicy every(Seconds period) {
  return make({.kind = RuleKind::every, .seconds = period.count()});
}
SavePolicy at_steps(Steps steps) {
  return make({.kind = RuleKind::at_steps, .steps = std::move(steps)});
}
SavePolicy first_step() {
  return make({.kind = RuleKind::first_step});
}
SavePolicy on_signal(int signal) {
  return make({.kind = RuleKind::on_signal, .signal = signal});
}
SavePolicy on_file(Path stop_file) {
  return make({.kind = RuleKind::on_file, .path = std::move(stop_file)});
}
SavePolicy before_deadline(std::optional<system_clock::time_point> deadline) {
  return make({.kind = RuleKind::before_deadline, .deadline = deadline});
}
SavePolicy young_daly(Seconds mean_time_between_failures) {
  return make({.kind = RuleKind::young_daly, .seconds = mean_time_between_failures.count()});
}
SavePolicy overhead_below(double fraction) {
  return make({.kind = RuleKind::overhead_below, .fraction = fraction});
}
SavePolicy any_of(SavePolicy a, SavePolicy b, SavePolicy c, SavePolicy d, SavePolicy e, SavePolicy f) {
  return join(RuleKind::any_of, {a, b, c, d, e, f});
}
SavePolicy all_of(SavePolicy a, SavePolicy b, SavePolicy c, SavePolicy d) {
  return join(RuleKind::all_of, {a, b, c, d});
}

}  // namespace policies
}  // namespace CAIRN_ABI

namespace checkpointer {
namespace {

bool is_leaf(const SaveRule& rule) {
  return rule.kind != RuleKind::any_of && rule.kind != RuleKind::all_of;
}

Knows knows(RuleKind kind) {
  switch (kind) {
    case RuleKind::on_signal:
      return Knows::any_rank;
    case RuleKind::every:
    case RuleKind::on_file:
    case RuleKind::before_deadline:
    case RuleKind::young_daly:
    case RuleKind::overhead_below:
      return Knows::primary;
    case RuleKind::function:
      return Knows::primary_now;
    default:
      return Knows::every_rank;
  }
}

/// Ends once there are more than `most_leaves`: rules that share children may have any number of them.
void collect(const SaveRule& rule, std::vector<Leaf>& leaves) {
  if (leaves.size() > most_leaves) return;
  if (is_leaf(rule)) leaves.push_back({&rule, knows(rule.kind)});
  for (const auto& child : rule.children) collect(*child, leaves);
}

bool evaluate(const SaveRule& rule, std::uint64_t answers, unsigned& leaf) {
  if (is_leaf(rule)) return (answers >> leaf++ & 1) != 0;
  bool any = false, all = true;
  for (const auto& child : rule.children) {
    const bool value = evaluate(*child, answers, leaf);
    any = any || value;
    all = all && value;
  }
  return rule.kind == RuleKind::any_of ? any : all;
}

void check(const SaveRule& leaf, Problems& problems) {
  switch (leaf.kind) {
    case RuleKind::every_steps:
      return check_count(problems, "every_steps", leaf.n);
    case RuleKind::at_steps:
      return check_steps(problems, "at_steps", leaf.steps);
    case RuleKind::every:
      return check_duration(problems, "every", leaf.seconds, "the period");
    case RuleKind::young_daly:
      return check_duration(problems, "young_daly", leaf.seconds, "the mean time between failures");
    case RuleKind::on_signal:
      if (can_watch(leaf.signal)) return;
      return add_problem(problems, "on_signal", std::to_string(leaf.signal),
                         "a program cannot go on after this signal, or there is none of this number");
    case RuleKind::on_file:
      if (!leaf.path.empty()) return;
      return add_problem(problems, "on_file", "\"\"", "give the name of a file");
    case RuleKind::overhead_below:
      if (leaf.fraction > 0 && leaf.fraction <= 1) return;
      return add_problem(problems, "overhead_below", to_text(leaf.fraction),
                         "the fraction must be more than 0 and at most 1");
    case RuleKind::function:
      if (leaf.call) return;
      return add_problem(problems, "SavePolicy", "call", "the function is empty");
    default:
      return;
  }
}

bool is_multiple_or_passed(std::int64_t n, const Facts& facts) {
  const std::int64_t step = facts.info.step;
  return step % n == 0 || (facts.previous_step && step / n > *facts.previous_step / n);
}

bool is_worth_it(const StepInfo& info, double mean_time_between_failures_s) {
  return info.save_s <= 0 ||
         info.since_last_save_s >= daly_interval_s(info.save_s, mean_time_between_failures_s);
}

bool is_affordable(double fraction, const Facts& facts) {
  return facts.info.save_s <= 0 || facts.saving_s + facts.info.save_s <= fraction * facts.run_s;
}

/// In doubles, since the clock's own numbers overflow at the ends of time.
double seconds_of(system_clock::time_point time) {
  return Seconds(time.time_since_epoch()).count();
}

std::optional<system_clock::time_point> end_of_job() {
  const char* text = std::getenv("SLURM_JOB_END_TIME");
  if (text == nullptr) return std::nullopt;
  const std::string_view digits(text);
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  constexpr auto last = std::chrono::floor<std::chrono::seconds>(system_clock::time_point::max());
  if (seconds <= 0 || seconds > last.time_since_epoch().count()) return std::nullopt;
  return system_clock::time_point(std::chrono::seconds(seconds));
}

}  // namespace

std::vector<Leaf> leaves_of(const SavePolicy& policy) {
  std::vector<Leaf> leaves;
  if (const auto& rule = SaveRule::of(policy)) collect(*rule, leaves);
  return leaves;
}

bool evaluate(const SavePolicy& policy, std::uint64_t answers) {
  const auto& rule = SaveRule::of(policy);
  unsigned leaf = 0;
  return rule && evaluate(*rule, answers, leaf);
}

std::vector<std::string> problems_of(const SavePolicy& policy) {
  const auto leaves = leaves_of(policy);
  if (leaves.size() > most_leaves) {
    return {"any_of, all_of: more than " + std::to_string(most_leaves) + " rules in one policy"};
  }
  Problems problems;
  for (const auto& leaf : leaves) check(*leaf.rule, problems);
  return problems;
}

bool answer(const SaveRule& leaf, const Facts& facts) {
  const auto& info = facts.info;
  switch (leaf.kind) {
    case RuleKind::every_steps:
      return is_multiple_or_passed(leaf.n, facts);
    case RuleKind::at_steps:
      return std::find(leaf.steps.begin(), leaf.steps.end(), info.step) != leaf.steps.end();
    case RuleKind::first_step:
      return !info.last_saved;
    case RuleKind::every:
      return info.since_last_save_s >= leaf.seconds;
    case RuleKind::on_file:
      return facts.file_exists;
    case RuleKind::before_deadline: {
      const auto deadline = deadline_of(leaf);
      return deadline && !facts.deadline_saved && is_due(*deadline, facts);
    }
    case RuleKind::young_daly:
      return is_worth_it(info, leaf.seconds);
    case RuleKind::overhead_below:
      return is_affordable(leaf.fraction, facts);
    case RuleKind::function:
      return leaf.call(info);
    case RuleKind::on_signal:
    case RuleKind::any_of:
    case RuleKind::all_of:
      return false;
  }
  return false;
}

std::optional<system_clock::time_point> deadline_of(const SaveRule& leaf) {
  return leaf.deadline ? leaf.deadline : end_of_job();
}

bool is_due(system_clock::time_point deadline, const Facts& facts) {
  constexpr double reserve_s = 30;
  const double lead_s = reserve_s + 2 * facts.longest_save_s + 2 * facts.info.step_s;
  return seconds_of(facts.now) + lead_s >= seconds_of(deadline);
}

double daly_interval_s(double save_s, double mean_time_between_failures_s) {
  const double twice_s = 2 * mean_time_between_failures_s;
  if (save_s >= twice_s) return mean_time_between_failures_s;
  const double part = save_s / twice_s;
  return std::sqrt(save_s * twice_s) * (1 + std::sqrt(part) / 3 + part / 9) - save_s;
}

}  // namespace checkpointer
}  // namespace cairn
