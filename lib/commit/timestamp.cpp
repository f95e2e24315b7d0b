#include "commit/timestamp.hpp"

#include <cstdio>

namespace cairn::commit {

namespace {

using namespace std::chrono;

constexpr std::string_view pattern = "dddd-dd-ddTdd:dd:dd.dddddddddZ";

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

bool matches(std::string_view text) noexcept {
  if (text.size() != pattern.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (pattern[i] == 'd' ? !is_digit(text[i]) : text[i] != pattern[i]) return false;
  }
  return true;
}

int digits(std::string_view text, std::size_t at, std::size_t count) noexcept {
  int value = 0;
  for (const char c : text.substr(at, count)) value = value * 10 + (c - '0');
  return value;
}

}  // namespace

std::string to_timestamp(system_clock::time_point time) {
  const auto days_since = floor<days>(time);
  const year_month_day date(days_since);
  const hh_mm_ss<nanoseconds> clock(time - days_since);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%09lldZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()),
                static_cast<long long>(clock.subseconds().count()));
  return text;
}

std::optional<system_clock::time_point> parse_timestamp(std::string_view text) {
  if (!matches(text)) return std::nullopt;
  const year_month_day date(year(digits(text, 0, 4)), month(static_cast<unsigned>(digits(text, 5, 2))),
                            day(static_cast<unsigned>(digits(text, 8, 2))));
  const int hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  // What a 64-bit count of nanoseconds holds.
  if (date.year() < year(1678) || date.year() > year(2261)) return std::nullopt;
  return sys_days(date) + hours(hour) + minutes(minute) + seconds(second) + nanoseconds(digits(text, 20, 9));
}

}  // namespace cairn::commit
