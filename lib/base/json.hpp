#pragma once

#include "cairn/json.hpp"

#include <string>

namespace cairn::base {

/// What is wrong with a Json that could not be made (text that is not UTF-8, no memory), for the next
/// collective call to report; empty where all is well. Not collective; any thread.
std::string json_problem(const Json& json);

}  // namespace cairn::base
