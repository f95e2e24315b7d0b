#include "cairn/policies.hpp"
#include "checkpointer/keep_rule.hpp"
#include "checkpointer/save_rule.hpp"

#include <cmath>
#include <cstdlib>
#include <limits>

#include <catch2/catch.hpp>
#include <signal.h>

using namespace std;
using namespace cairn::policies;
using cairn::Best;
using cairn::KeepPolicy;
using cairn::SavedStep;
using cairn::SavePolicy;
using cairn::Seconds;
using cairn::StepInfo;
using cairn::Steps;
using cairn::checkpointer::daly_interval_s;
using cairn::checkpointer::deadline_of;
using cairn::checkpointer::evaluate;
using cairn::checkpointer::Facts;
using cairn::checkpointer::is_due;
using cairn::checkpointer::kept;
using cairn::checkpointer::Knows;
using cairn::checkpointer::leaves_of;
using cairn::checkpointer::problems_of;
using chrono::system_clock;

namespace {

const double nan_value = numeric_limits<double>::quiet_NaN();
const double infinite = numeric_limits<double>::infinity();
using Set = set<int64_t>;

bool answer(const SavePolicy& policy, const Facts& facts) {
  const auto leaves = leaves_of(policy);
  REQUIRE(leaves.size() == 1);
  return cairn::checkpointer::answer(*leaves[0].rule, facts);
}

Facts at(int64_t step, optional<int64_t> previous = {}) {
  return {.info = {.step = step}, .previous_step = previous};
}

system_clock::time_point time_at(double seconds) {
  return system_clock::time_point(chrono::duration_cast<system_clock::duration>(Seconds(seconds)));
}

/// Steps 10, 20, ... saved at the same seconds.
vector<SavedStep> tens(int64_t highest) {
  vector<SavedStep> saved;
  for (int64_t step = 10; step <= highest; step += 10)
    saved.push_back({.step = step, .time = time_at(static_cast<double>(step))});
  return saved;
}

vector<SavedStep> with_losses(const vector<optional<double>>& losses) {
  vector<SavedStep> saved;
  for (const auto& loss : losses) {
    saved.push_back({.step = static_cast<int64_t>(saved.size())});
    if (loss) saved.back().metrics["loss"] = *loss;
  }
  return saved;
}

/// SLURM_JOB_END_TIME, for one test.
class JobEnd {
 public:
  explicit JobEnd(const char* text) { ::setenv("SLURM_JOB_END_TIME", text, 1); }
  ~JobEnd() { ::unsetenv("SLURM_JOB_END_TIME"); }
};

void check_problem(const vector<string>& problems, const string& start) {
  REQUIRE(problems.size() == 1);
  INFO(problems[0]);
  CHECK(problems[0].rfind(start, 0) == 0);
}

}  // namespace

TEST_CASE("who knows the answer of a rule") {
  const auto own = [](const StepInfo&) { return true; };
  const vector<pair<SavePolicy, Knows>> rules = {
      {every_steps(5), Knows::every_rank},   {at_steps({1}), Knows::every_rank},
      {first_step(), Knows::every_rank},     {on_signal(SIGUSR1), Knows::any_rank},
      {every(Seconds(1)), Knows::primary},   {on_file("stop"), Knows::primary},
      {before_deadline(), Knows::primary},   {young_daly(Seconds(1)), Knows::primary},
      {overhead_below(0.1), Knows::primary}, {own, Knows::primary_now},
  };
  for (const auto& [policy, knows] : rules) {
    const auto leaves = leaves_of(policy);
    REQUIRE(leaves.size() == 1);
    CHECK(leaves[0].knows == knows);
  }
}

TEST_CASE("an empty policy has no leaves, no problems, and never saves") {
  CHECK(leaves_of({}).empty());
  CHECK(problems_of(SavePolicy()).empty());
  CHECK_FALSE(evaluate({}, ~uint64_t{0}));
  CHECK_FALSE(evaluate(any_of(SavePolicy(), {}), ~uint64_t{0}));
  CHECK_FALSE(evaluate(all_of(SavePolicy(), {}), ~uint64_t{0}));
  CHECK(leaves_of(all_of(any_of(SavePolicy(), {}), {})).empty());
}

TEST_CASE("a policy is evaluated from the answers of its leaves, in order") {
  const auto policy = any_of(every_steps(1), all_of(on_signal(SIGUSR1), at_steps({2})), on_file("stop"));
  const auto leaves = leaves_of(policy);
  REQUIRE(leaves.size() == 4);
  CHECK(leaves[0].rule->n == 1);
  CHECK(leaves[1].rule->signal == SIGUSR1);
  CHECK(leaves[2].rule->steps == Steps{2});
  CHECK(leaves[3].rule->path == "stop");
  for (uint64_t answers = 0; answers < 16; ++answers) {
    const bool expected = (answers & 1) != 0 || (answers & 6) == 6 || (answers & 8) != 0;
    CHECK(evaluate(policy, answers) == expected);
  }
  CHECK(evaluate(first_step(), 1));
  CHECK_FALSE(evaluate(first_step(), ~uint64_t{1}));
}

TEST_CASE("{} is left out where policies are joined") {
  CHECK(evaluate(all_of(first_step(), SavePolicy()), 1));
  CHECK_FALSE(evaluate(all_of(first_step(), {}, on_file("stop")), 1));
  CHECK(evaluate(all_of(first_step(), {}, on_file("stop")), 3));
  CHECK_FALSE(evaluate(any_of(first_step(), {}), 0));
}

TEST_CASE("a policy has at most 64 rules") {
  SavePolicy policy = every_steps(1);
  for (int i = 1; i < 64; ++i) policy = any_of(policy, at_steps({i}));
  CHECK(problems_of(policy).empty());
  CHECK(leaves_of(policy).size() == 64);
  CHECK(evaluate(policy, uint64_t{1} << 63));
  check_problem(problems_of(all_of(policy, first_step())), "any_of, all_of: more than 64");
  for (int i = 0; i < 60; ++i) policy = any_of(policy, policy);
  CHECK(problems_of(policy).size() == 1);
}

TEST_CASE("the rules of steps") {
  CHECK(answer(every_steps(10), at(20)));
  CHECK(answer(every_steps(10), at(0)));
  CHECK_FALSE(answer(every_steps(10), at(21)));
  CHECK(answer(every_steps(10), at(21, 19)));
  CHECK_FALSE(answer(every_steps(10), at(21, 20)));
  CHECK_FALSE(answer(every_steps(10), at(21, 45)));
  CHECK(answer(at_steps({3, 7}), at(7)));
  CHECK_FALSE(answer(at_steps({3, 7}), at(5, 2)));
  CHECK(answer(first_step(), at(5)));
  CHECK_FALSE(answer(first_step(), {.info = {.step = 5, .last_saved = 0}}));
}

TEST_CASE("every period since the last save") {
  CHECK(answer(every(chrono::minutes(1)), {.info = {.since_last_save_s = 60}}));
  CHECK_FALSE(answer(every(chrono::minutes(1)), {.info = {.since_last_save_s = 59.9}}));
}

TEST_CASE("a file and an own function are asked") {
  CHECK(answer(on_file("stop"), {.file_exists = true}));
  CHECK_FALSE(answer(on_file("stop"), {}));
  const SavePolicy own = [](const StepInfo& info) { return info.step == 5 && info.step_s > 1; };
  CHECK(answer(own, {.info = {.step = 5, .step_s = 2}}));
  CHECK_FALSE(answer(own, {.info = {.step = 5}}));
}

TEST_CASE("a deadline is due once what is left is 30 s, two saves and two steps") {
  const auto policy = before_deadline(time_at(1000));
  Facts facts = {.info = {.save_s = 500, .step_s = 3}, .longest_save_s = 10, .now = time_at(943)};
  CHECK_FALSE(answer(policy, facts));
  facts.now = time_at(944);
  CHECK(answer(policy, facts));
  facts.now = time_at(2000);
  CHECK(answer(policy, facts));
  facts.deadline_saved = true;
  CHECK_FALSE(answer(policy, facts));
  CHECK(is_due(time_at(1000), facts));
  CHECK(is_due(system_clock::time_point::min(), facts));
  CHECK_FALSE(is_due(system_clock::time_point::max(), facts));
}

TEST_CASE("without a deadline, the job's end is one") {
  const auto policy = before_deadline();
  const auto& rule = *leaves_of(policy)[0].rule;
  {
    const JobEnd end("1700000000");
    CHECK(deadline_of(rule) == time_at(1700000000));
    CHECK(answer(policy, {.now = time_at(1700000000 - 30)}));
    CHECK_FALSE(answer(policy, {.now = time_at(1700000000 - 31)}));
    CHECK(deadline_of(*leaves_of(before_deadline(time_at(5)))[0].rule) == time_at(5));
  }
  for (const char* text :
       {"", "soon", "12 h", "1e9", "0", "-5", "9223372036854775807", "99999999999999999999"}) {
    INFO(text);
    const JobEnd end(text);
    CHECK_FALSE(deadline_of(rule));
  }
  CHECK_FALSE(deadline_of(rule));
  CHECK_FALSE(answer(policy, {.now = time_at(4e9)}));
}

TEST_CASE("the interval of equation 37") {
  // C = 60 s, M = 1 day: 3219.94 * (1 + 0.018634/3 + 0.00034722/9) - 60
  CHECK(daly_interval_s(60, 86400) == Approx(3180.0621136).epsilon(1e-9));
  CHECK(daly_interval_s(1, 2) == Approx(2 * (1 + 1. / 6 + 1. / 36) - 1));
  CHECK(daly_interval_s(4, 2) == 2);
  CHECK(daly_interval_s(100, 2) == 2);
}

TEST_CASE("saves are as far apart as failures make worth it, and at once while their cost is unknown") {
  const auto policy = young_daly(Seconds(2));
  const double interval_s = daly_interval_s(1, 2);
  CHECK(answer(policy, {.info = {.since_last_save_s = 0}}));
  CHECK(answer(policy, {.info = {.since_last_save_s = interval_s, .save_s = 1}}));
  CHECK_FALSE(answer(policy, {.info = {.since_last_save_s = interval_s - 1e-6, .save_s = 1}}));
}

TEST_CASE("saves take at most a part of the run") {
  const auto policy = overhead_below(0.125);
  CHECK(answer(policy, {.run_s = 1}));
  CHECK(answer(policy, {.info = {.save_s = 2}, .run_s = 80, .saving_s = 8}));
  CHECK_FALSE(answer(policy, {.info = {.save_s = 2}, .run_s = 79, .saving_s = 8}));
}

TEST_CASE("wrong parameters of save policies are named with their maker") {
  check_problem(problems_of(every_steps(0)), "every_steps(0): n must be 1 or more");
  check_problem(problems_of(at_steps({1, -3, -4})), "at_steps(-3): ");
  for (const double seconds : {0., -1., nan_value, infinite}) {
    check_problem(problems_of(every(Seconds(seconds))), "every(");
    check_problem(problems_of(young_daly(Seconds(seconds))), "young_daly(");
  }
  check_problem(problems_of(every(Seconds(-1.5))), "every(-1.5 s): the period");
  check_problem(problems_of(on_signal(SIGKILL)), "on_signal(9): ");
  check_problem(problems_of(on_signal(0)), "on_signal(0): ");
  check_problem(problems_of(on_file("")), "on_file(\"\"): ");
  for (const double fraction : {0., -0.5, 1.5, nan_value}) {
    check_problem(problems_of(overhead_below(fraction)), "overhead_below(");
  }
  check_problem(problems_of(function<bool(const StepInfo&)>()), "SavePolicy(call): the function is empty");
  bool (*null)(const StepInfo&) = nullptr;
  check_problem(problems_of(null), "SavePolicy(call): ");
  CHECK(problems_of(any_of(every_steps(0), all_of(first_step(), overhead_below(2)))).size() == 2);
}

TEST_CASE("right parameters of save policies are no problem") {
  const auto own = [](const StepInfo&) { return true; };
  const auto first = any_of(every_steps(1), at_steps({}), at_steps({0}), first_step(), every(Seconds(1e-3)));
  CHECK(problems_of(all_of(first, on_signal(SIGTERM), on_file("stop"), own)).empty());
  CHECK(problems_of(any_of(before_deadline(), young_daly(Seconds(1)), overhead_below(1))).empty());
}

TEST_CASE("an empty policy and keep_all keep all") {
  CHECK(kept({}, tens(30)) == Set{10, 20, 30});
  CHECK(kept(keep_all(), tens(30)) == Set{10, 20, 30});
  CHECK(kept(any_of(KeepPolicy(), {}), tens(30)) == Set{10, 20, 30});
  CHECK(kept(keep_all(), {}).empty());
}

TEST_CASE("the latest steps") {
  CHECK(kept(latest(2), tens(40)) == Set{30, 40});
  CHECK(kept(latest(9), tens(20)) == Set{10, 20});
  CHECK(kept(latest(1), {}).empty());
}

TEST_CASE("the best steps have the metric, and of equal ones the higher steps") {
  const auto saved = with_losses({3, nullopt, 1, nan_value, 2, 1, infinite});
  CHECK(kept(best("loss", 1), saved) == Set{5});
  CHECK(kept(best("loss", 2), saved) == Set{2, 5});
  CHECK(kept(best("loss", 9), saved) == Set{0, 2, 4, 5, 6});
  CHECK(kept(best("loss", 2, Best::highest), saved) == Set{0, 6});
  CHECK(kept(best("loss", 4, Best::highest), saved) == Set{0, 4, 5, 6});
  CHECK(kept(best("accuracy", 2), saved).empty());
}

TEST_CASE("steps at multiples, and listed ones") {
  CHECK(kept(keep_every_steps(20), tens(50)) == Set{20, 40});
  CHECK(kept(keep_every_steps(7), with_losses({0, 0})) == Set{0});
  CHECK(kept(keep_steps({40, 10, 15}), tens(50)) == Set{10, 40});
}

TEST_CASE("steps a period apart, from the oldest on") {
  CHECK(kept(keep_every(Seconds(25)), tens(70)) == Set{10, 40, 70});
  CHECK(kept(keep_every(Seconds(20)), tens(50)) == Set{10, 30, 50});
  CHECK(kept(keep_every(Seconds(1)), tens(30)) == Set{10, 20, 30});
}

TEST_CASE("an own function keeps what is there of what it says") {
  const KeepPolicy own = [](const vector<SavedStep>& saved) { return Steps{saved.back().step, 11, 10}; };
  CHECK(kept(own, tens(30)) == Set{10, 30});
  const KeepPolicy none = [](const auto&) { return Steps(); };
  CHECK(kept(none, tens(30)).empty());
}

TEST_CASE("joined keep policies are the union and the intersection") {
  CHECK(kept(any_of(latest(1), keep_every_steps(20)), tens(50)) == Set{20, 40, 50});
  CHECK(kept(all_of(latest(2), keep_every_steps(20)), tens(50)) == Set{40});
  CHECK(kept(all_of(latest(1), keep_steps({10})), tens(50)).empty());
  CHECK(kept(any_of(latest(1), KeepPolicy()), tens(50)) == Set{50});
  CHECK(kept(all_of(latest(1), {}, latest(2)), tens(50)) == Set{50});
  CHECK(kept(any_of(latest(1), keep_all()), tens(20)) == Set{10, 20});
  CHECK(kept(any_of(all_of(latest(3), best("loss", 1)), keep_steps({0})), with_losses({1, 2, 0, 4})) ==
        Set{0, 2});
}

TEST_CASE("pins are no matter of the policy") {
  auto saved = tens(20);
  saved[0].pinned = true;
  CHECK(kept(latest(1), saved) == Set{20});
}

TEST_CASE("wrong parameters of keep policies are named with their maker") {
  check_problem(problems_of(latest(0)), "latest(0): n must be 1 or more");
  check_problem(problems_of(best("loss", -1)), "best(-1): ");
  check_problem(problems_of(best("", 1)), "best(\"\"): ");
  check_problem(problems_of(keep_every_steps(0)), "keep_every_steps(0): ");
  check_problem(problems_of(keep_every(Seconds(0))), "keep_every(0 s): the period");
  check_problem(problems_of(keep_steps({-1})), "keep_steps(-1): ");
  check_problem(problems_of(function<Steps(const vector<SavedStep>&)>()), "KeepPolicy(call): ");
  CHECK(problems_of(all_of(latest(0), any_of(keep_steps({-1}), keep_all()))).size() == 2);
  CHECK(problems_of(any_of(keep_all(), latest(1), keep_steps({}), best("loss", 1))).empty());
  CHECK(problems_of(KeepPolicy()).empty());
}
