#include "checkpointer/parameters.hpp"

#include <charconv>
#include <cmath>

namespace cairn::checkpointer {

std::string to_text(double number) {
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  return {text.data(), end};
}

void add_problem(Problems& problems, std::string_view maker, std::string_view argument,
                 std::string_view why) {
  std::string text(maker);
  text.append("(").append(argument).append("): ").append(why);
  problems.push_back(std::move(text));
}

void check_count(Problems& problems, std::string_view maker, std::int64_t n) {
  if (n < 1) add_problem(problems, maker, std::to_string(n), "n must be 1 or more");
}

void check_duration(Problems& problems, std::string_view maker, double seconds, std::string_view what) {
  if (seconds > 0 && std::isfinite(seconds)) return;
  add_problem(problems, maker, to_text(seconds) + " s",
              std::string(what) + " must be more than 0, and finite");
}

void check_steps(Problems& problems, std::string_view maker, const Steps& steps) {
  const auto negative = std::find_if(steps.begin(), steps.end(), [](std::int64_t step) { return step < 0; });
  if (negative != steps.end()) {
    add_problem(problems, maker, std::to_string(*negative), "steps must be 0 or more");
  }
}

}  // namespace cairn::checkpointer
