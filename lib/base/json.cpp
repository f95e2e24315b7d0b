#include "base/json.hpp"

namespace cairn::base {

std::string json_problem(const Json& json) {
  const std::string& text = json.text();
  if (text.empty() || text.front() != detail::json_marker) return {};
  return "this JSON value cannot be written (" + text.substr(1) + "): give text as UTF-8";
}

}  // namespace cairn::base
