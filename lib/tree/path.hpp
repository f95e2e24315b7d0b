#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Paths of leaves: names joined by '/'. Not collective; any thread.
namespace cairn::tree {

/// Why `path` cannot name a leaf (empty names, a slash at an end, ".", "..", a zero byte, text that is not
/// UTF-8, the reserved "_cairn"), and what to do; empty where it can.
std::string path_problem(std::string_view path);

bool is_utf8(std::string_view text) noexcept;

/// Up to three of `names` that are most like `wanted`, the nearest first; none that is nothing like it.
std::vector<std::string> nearest_names(std::string_view wanted, const std::vector<std::string_view>& names);

}  // namespace cairn::tree
