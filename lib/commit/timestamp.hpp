#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace cairn::commit {

/// `2024-02-29T23:59:59.123456789Z`: UTC, always with nine digits of a second. Years 1678 to 2261, which is
/// what the clock can hold.
std::string to_timestamp(std::chrono::system_clock::time_point time);
std::optional<std::chrono::system_clock::time_point> parse_timestamp(std::string_view text);

}  // namespace cairn::commit
