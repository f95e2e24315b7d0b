#pragma once

#include "cairn/policies.hpp"

#include <string>
#include <string_view>
#include <vector>

/// Checks of what policies are made with. Each adds to `problems` a text that names the maker, such as
/// `every_steps(0): n must be 1 or more`. Not collective; any thread.
namespace cairn::checkpointer {

using Problems = std::vector<std::string>;

/// The shortest text that reads back as this number.
std::string to_text(double number);

void add_problem(Problems& problems, std::string_view maker, std::string_view argument, std::string_view why);
void check_count(Problems& problems, std::string_view maker, std::int64_t n);
/// `what` it is: the period.
void check_duration(Problems& problems, std::string_view maker, double seconds, std::string_view what);
void check_steps(Problems& problems, std::string_view maker, const Steps& steps);

}  // namespace cairn::checkpointer
