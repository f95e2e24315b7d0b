#include "checkpointer/step_name.hpp"

#include <limits>

#include <catch2/catch.hpp>

using namespace cairn;
using checkpointer::parse_step;
using checkpointer::problem_of;
using checkpointer::to_name;

namespace {

constexpr std::int64_t highest = std::numeric_limits<std::int64_t>::max();

}  // namespace

TEST_CASE("a step's name is the prefix and its number, with zeros before it") {
  CHECK(to_name(100, {}) == "100");
  CHECK(to_name(0, {}) == "0");
  CHECK(to_name(100, {"step_", 8}) == "step_00000100");
  CHECK(to_name(123456, {"s", 3}) == "s123456");
  CHECK(to_name(highest, {"", 19}) == "9223372036854775807");
}

TEST_CASE("a step is read in its own format, as a plain number, and as step_NUMBER") {
  const StepName own{"ckpt-", 4};
  CHECK(parse_step("ckpt-0100", own) == 100);
  CHECK(parse_step("100", own) == 100);
  CHECK(parse_step("step_100", own) == 100);
  CHECK(parse_step("step_100", {}) == 100);
  CHECK(parse_step("0", own) == 0);
  for (const std::int64_t step : {std::int64_t{0}, std::int64_t{7}, highest}) {
    CHECK(parse_step(to_name(step, own), own) == step);
    CHECK(parse_step(to_name(step, {}), {}) == step);
  }
}

TEST_CASE("any number of zeros may be before a step") {
  const StepName own{"ckpt-", 4};
  CHECK(parse_step("ckpt-1", own) == 1);
  CHECK(parse_step("ckpt-" + std::string(40, '0') + "1", own) == 1);
  CHECK(parse_step("0001", own) == 1);
  CHECK(parse_step("step_0001", own) == 1);
  CHECK(parse_step("000", own) == 0);
}

TEST_CASE("other names are no steps") {
  const StepName own{"ckpt-", 4};
  for (const char* name : {"",
                           "ckpt-",
                           "step_",
                           "ckpt--1",
                           "ckpt-+1",
                           "-1",
                           "+1",
                           " 1",
                           "1 ",
                           "1.",
                           "100.tmp",
                           "step_1a",
                           "0x10",
                           "1e3",
                           "step-1",
                           "Step_1",
                           "ckpt-step_1",
                           "step_ckpt-1",
                           ".1",
                           ".ckpt-1",
                           "other_1",
                           "9223372036854775808",
                           "99999999999999999999999"}) {
    INFO(name);
    CHECK_FALSE(parse_step(name, own));
  }
  CHECK_FALSE(parse_step(std::string("1\0", 2), own));
}

TEST_CASE("a prefix that looks like one of the others is read as what it is") {
  CHECK(parse_step("step_7", {"step_", 0}) == 7);
  CHECK(parse_step("step_x7", {"step_x", 0}) == 7);
  CHECK(parse_step("step_7", {"step_x", 0}) == 7);
}

TEST_CASE("a step name that cannot be used says why") {
  for (const StepName& name :
       {StepName{}, StepName{"step_", 8}, StepName{"_", 0}, StepName{"a.b", 19}, StepName{"run 7 step ", 1},
        StepName{"\xc3\xa9tape", 0}, StepName{std::string(150, 'p'), 19}}) {
    INFO(name.prefix);
    CHECK_FALSE(problem_of(name));
  }
  const auto says = [](const StepName& name, std::string_view text) {
    INFO(problem_of(name).value_or("nothing"));
    CHECK(problem_of(name).value_or("").find(text) != std::string::npos);
  };
  says({".step", 0}, "dot");
  says({"a/b", 0}, "slash");
  says({"a\nb", 0}, "control");
  says({"a\x7f", 0}, "control");
  says({std::string("a\0b", 3), 0}, "control");
  says({"v2", 0}, "digit");
  says({std::string(151, 'p'), 0}, "151 bytes");
  says({"step_", -1}, "-1 digits");
  says({"step_", 20}, "20 digits");
}
