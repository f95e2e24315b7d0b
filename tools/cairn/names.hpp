#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cairn::command {

/// "; did you mean `step`?", else nothing: the end of a message about a name that is none of these.
std::string nearest_text(std::string_view wanted, const std::vector<std::string_view>& names);
/// The same, but where nothing is near (or nothing is wanted) "; there are: a, b" (the first ones of many).
std::string suggestion(std::string_view wanted, const std::vector<std::string_view>& names);

}  // namespace cairn::command
