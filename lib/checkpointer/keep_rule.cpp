#include "checkpointer/keep_rule.hpp"

#include "checkpointer/parameters.hpp"

#include <algorithm>
#include <cmath>

namespace cairn {

using detail::KeepRule;
using RuleKind = KeepRule::Kind;
using Saved = std::vector<SavedStep>;
using Set = std::set<std::int64_t>;

namespace {

KeepPolicy make(KeepRule rule) {
  return KeepPolicy(std::make_shared<const KeepRule>(std::move(rule)));
}

KeepPolicy join(RuleKind kind, std::initializer_list<KeepPolicy> policies) {
  KeepRule joined{.kind = kind};
  for (const auto& policy : policies)
    if (KeepRule::of(policy)) joined.children.push_back(KeepRule::of(policy));
  if (joined.children.empty()) return {};
  return joined.children.size() == 1 ? KeepPolicy(joined.children.front()) : make(std::move(joined));
}

}  // namespace

inline namespace CAIRN_ABI {
namespace detail {

std::shared_ptr<const KeepRule> make_keep_rule(std::function<Steps(const std::vector<SavedStep>&)> call) {
  return std::make_shared<const KeepRule>(KeepRule{.kind = RuleKind::function, .call = std::move(call)});
}

}  // namespace detail

inline namespace policies {

KeepPolicy keep_all() {
  return make({.kind = RuleKind::all});
}
KeepPolicy latest(int n) {
  return make({.kind = RuleKind::latest, .n = n});
}
KeepPolicy best(std::string metric, int n, Best which) {
  return make({.kind = RuleKind::best, .n = n, .metric = std::move(metric), .which = which});
}
KeepPolicy keep_every_steps(std::int64_t n) {
  return make({.kind = RuleKind::every_steps, .n = n});
}
KeepPolicy keep_every(Seconds period) {
  return make({.kind = RuleKind::every, .seconds = period.count()});
}
KeepPolicy keep_steps(Steps steps) {
  return make({.kind = RuleKind::steps, .steps = std::move(steps)});
}
KeepPolicy any_of(KeepPolicy a, KeepPolicy b, KeepPolicy c, KeepPolicy d, KeepPolicy e, KeepPolicy f) {
  return join(RuleKind::any_of, {a, b, c, d, e, f});
}
KeepPolicy all_of(KeepPolicy a, KeepPolicy b, KeepPolicy c) {
  return join(RuleKind::all_of, {a, b, c});
}

}  // namespace policies
}  // namespace CAIRN_ABI

namespace checkpointer {
namespace {

template <class Wanted>
Set select(const Saved& saved, Wanted wanted) {
  Set steps;
  for (const auto& each : saved)
    if (wanted(each)) steps.insert(each.step);
  return steps;
}

Set listed(const Saved& saved, const Steps& steps) {
  const Set wanted(steps.begin(), steps.end());
  return select(saved, [&](const SavedStep& each) { return wanted.count(each.step) != 0; });
}

Set best_of(const Saved& saved, const KeepRule& rule) {
  std::vector<std::pair<double, std::int64_t>> found;  // ascending: the worst and oldest first
  for (const auto& each : saved) {
    const auto metric = each.metrics.find(rule.metric);
    if (metric == each.metrics.end() || std::isnan(metric->second)) continue;
    found.emplace_back(rule.which == Best::highest ? metric->second : -metric->second, each.step);
  }
  std::sort(found.rbegin(), found.rend());
  Set steps;
  for (const auto& [value, step] : found)
    if (static_cast<std::int64_t>(steps.size()) < rule.n) steps.insert(step);
  return steps;
}

Set spaced(const Saved& saved, double period_s) {
  std::optional<std::chrono::system_clock::time_point> last;
  return select(saved, [&](const SavedStep& each) {
    if (last && Seconds(each.time - *last).count() < period_s) return false;
    last = each.time;
    return true;
  });
}

Set kept_by(const KeepRule& rule, const Saved& saved);

Set joined(const KeepRule& rule, const Saved& saved) {
  std::map<std::int64_t, std::size_t> votes;
  for (const auto& child : rule.children)
    for (const std::int64_t step : kept_by(*child, saved)) ++votes[step];
  const std::size_t needed = rule.kind == RuleKind::any_of ? 1 : rule.children.size();
  Set steps;
  for (const auto& [step, count] : votes)
    if (count >= needed) steps.insert(step);
  return steps;
}

Set kept_by(const KeepRule& rule, const Saved& saved) {
  switch (rule.kind) {
    case RuleKind::any_of:
    case RuleKind::all_of:
      return joined(rule, saved);
    case RuleKind::all:
      return select(saved, [](const SavedStep&) { return true; });
    case RuleKind::latest: {
      const auto n = std::min<std::size_t>(static_cast<std::size_t>(rule.n), saved.size());
      return select({saved.end() - static_cast<std::ptrdiff_t>(n), saved.end()},
                    [](const SavedStep&) { return true; });
    }
    case RuleKind::best:
      return best_of(saved, rule);
    case RuleKind::every_steps:
      return select(saved, [&](const SavedStep& each) { return each.step % rule.n == 0; });
    case RuleKind::every:
      return spaced(saved, rule.seconds);
    case RuleKind::steps:
      return listed(saved, rule.steps);
    case RuleKind::function:
      return listed(saved, rule.call(saved));
  }
  return {};
}

void check(const KeepRule& rule, Problems& problems) {
  switch (rule.kind) {
    case RuleKind::any_of:
    case RuleKind::all_of:
      for (const auto& child : rule.children) check(*child, problems);
      return;
    case RuleKind::latest:
      return check_count(problems, "latest", rule.n);
    case RuleKind::best:
      if (rule.metric.empty()) add_problem(problems, "best", "\"\"", "give the name of a metric");
      return check_count(problems, "best", rule.n);
    case RuleKind::every_steps:
      return check_count(problems, "keep_every_steps", rule.n);
    case RuleKind::every:
      return check_duration(problems, "keep_every", rule.seconds, "the period");
    case RuleKind::steps:
      return check_steps(problems, "keep_steps", rule.steps);
    case RuleKind::function:
      if (rule.call) return;
      return add_problem(problems, "KeepPolicy", "call", "the function is empty");
    case RuleKind::all:
      return;
  }
}

}  // namespace

std::set<std::int64_t> kept(const KeepPolicy& policy, const std::vector<SavedStep>& saved) {
  const auto& rule = KeepRule::of(policy);
  return kept_by(rule ? *rule : KeepRule{.kind = RuleKind::all}, saved);
}

std::vector<std::string> problems_of(const KeepPolicy& policy) {
  Problems problems;
  if (const auto& rule = KeepRule::of(policy)) check(*rule, problems);
  return problems;
}

}  // namespace checkpointer
}  // namespace cairn
