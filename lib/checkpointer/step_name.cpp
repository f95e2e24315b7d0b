#include "checkpointer/step_name.hpp"

#include <algorithm>
#include <charconv>

namespace cairn::checkpointer {

namespace {

constexpr std::string_view usual_prefix = "step_";
constexpr std::size_t longest_prefix = 150;  // with its digits it is a name that commit::resolve_path takes
constexpr int most_digits = 19;              // of 2^63 - 1

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

std::optional<std::int64_t> parse_number(std::string_view text) {
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string to_name(std::int64_t step, const StepName& style) {
  const std::string number = std::to_string(step);
  const std::size_t digits = std::max(number.size(), static_cast<std::size_t>(style.digits));
  return style.prefix + std::string(digits - number.size(), '0') + number;
}

std::optional<std::int64_t> parse_step(std::string_view name, const StepName& own) {
  for (const std::string_view prefix : {std::string_view(own.prefix), usual_prefix, std::string_view()}) {
    if (!name.starts_with(prefix)) continue;
    if (const auto step = parse_number(name.substr(prefix.size()))) return step;
  }
  return std::nullopt;
}

std::optional<std::string> problem_of(const StepName& style) {
  const auto& prefix = style.prefix;
  const std::string shown = "the step name's prefix \"" + prefix + "\" ";
  if (prefix.size() > longest_prefix) {
    return "the step name's prefix has " + std::to_string(prefix.size()) + " bytes: use at most " +
           std::to_string(longest_prefix);
  }
  if (std::any_of(prefix.begin(), prefix.end(), is_control)) {
    return "the step name's prefix holds a control character";
  }
  if (prefix.find('/') != std::string::npos) return shown + "holds a slash: it is part of a directory's name";
  if (prefix.starts_with('.')) {
    return shown + "begins with a dot: such names are kept for checkpoints being written";
  }
  if (!prefix.empty() && is_digit(prefix.back())) {
    return shown + "ends in a digit: the step's own digits follow it";
  }
  if (style.digits < 0 || style.digits > most_digits) {
    return "the step name has " + std::to_string(style.digits) + " digits: use 0 to " +
           std::to_string(most_digits);
  }
  return std::nullopt;
}

}  // namespace cairn::checkpointer
