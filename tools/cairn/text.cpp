#include "text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <iostream>

namespace cairn::command {
namespace {

std::string format_time(std::chrono::system_clock::time_point time, const char* format) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), format, &utc);
  return text.data();
}

/// How many columns UTF-8 text takes, one a character.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::array units{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < units.size(); ++unit) value /= 1024;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f %s", value, units[unit]);
  return text.data();
}

std::string number_text(double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

std::string age_text(double seconds) {
  struct Unit {
    double seconds;
    const char* name;
  };
  constexpr std::array units{Unit{86400, "d"}, Unit{3600, "h"}, Unit{60, "min"}};
  seconds = std::max(seconds, 0.0);
  for (const auto& unit : units)
    if (seconds >= 2 * unit.seconds)
      return std::to_string(std::llround(std::floor(seconds / unit.seconds))) + ' ' + unit.name;
  return std::to_string(std::llround(std::floor(seconds))) + " s";
}

std::string count_text(std::uint64_t count, const std::string& what) {
  if (count == 1) return "1 " + what;
  const bool leaf = what.ends_with("leaf");
  return std::to_string(count) + ' ' + (leaf ? what.substr(0, what.size() - 1) + "ves" : what + 's');
}

std::string json_text(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void print_json(const nlohmann::json& json) {
  std::cout << json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

nlohmann::json number_json(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

nlohmann::json metrics_json(const Metrics& metrics) {
  auto json = nlohmann::json::object();
  for (const auto& [name, value] : metrics) json[name] = number_json(value);
  return json;
}

std::string shape_text(const Dims& shape) {
  if (shape.ndims() == 0) return "";
  std::string text = "[";
  for (const std::int64_t extent : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
  return text + "]";
}

std::string time_text(std::chrono::system_clock::time_point time) {
  return format_time(time, "%F %T UTC");
}
std::string iso_time_text(std::chrono::system_clock::time_point time) {
  return format_time(time, "%FT%TZ");
}

std::string kind_text(Kind kind) {
  switch (kind) {
    case Kind::value:
      return "value";
    case Kind::sharded:
      return "sharded";
    case Kind::replicated:
      return "replicated";
    case Kind::per_rank:
      return "per_rank";
    case Kind::appended:
      return "appended";
  }
  return "unknown";
}

std::string align(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t k = 0; k < row.size(); ++k) {
      if (k == widths.size()) widths.push_back(0);
      // A cell that ends its line makes no column wider.
      if (k + 1 < row.size()) widths[k] = std::max(widths[k], width(row[k]));
    }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t k = 0; k < row.size(); ++k) {
      line += row[k];
      if (k + 1 < row.size()) line.append(widths[k] - width(row[k]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

}  // namespace cairn::command
