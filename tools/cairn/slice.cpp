#include "slice.hpp"

#include "cairn/error.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

namespace cairn::command {
namespace {

[[noreturn]] void refuse(std::string_view part, const std::string& why) {
  throw Error(ErrorCode::invalid_argument, "--slice: `" + std::string(part) + "` " + why);
}

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = text.find(separator);
    parts.push_back(trim(text.substr(0, end)));
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<std::int64_t> parse_number(std::string_view part, std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    refuse(part, "is no slice: write START:STOP:STEP or an index, such as 0:10, 3 or ::2");
  return number;
}

Range parse_index(std::string_view part, std::int64_t extent) {
  const auto index = parse_number(part, part);
  if (!index) refuse(part, "is empty: write : for a whole dimension");
  if (*index < -extent || *index >= extent)
    refuse(part, "is out of range: the dimension has " + std::to_string(extent));
  return {*index < 0 ? *index + extent : *index, 1, 1, false};
}

Range parse_range(std::string_view part, std::int64_t extent) {
  const auto parts = split(part, ':');
  if (parts.size() > 3) refuse(part, "has more than START:STOP:STEP");
  const auto step = parts.size() == 3 ? parse_number(part, parts[2]).value_or(1) : 1;
  if (step == 0) refuse(part, "has a step of 0");
  const std::int64_t low = step > 0 ? 0 : -1, high = step > 0 ? extent : extent - 1;
  const auto bound = [&](std::string_view text, std::int64_t otherwise) {
    const auto number = parse_number(part, text);
    if (!number) return otherwise;
    return std::clamp(*number < 0 ? *number + extent : *number, low, high);
  };
  const auto start = bound(parts[0], step > 0 ? low : high), stop = bound(parts[1], step > 0 ? high : low);
  Range range{start, 0, step, true};
  // Unsigned: a step of -2^63 has no counterpart.
  const auto stride = step > 0 ? static_cast<std::uint64_t>(step) : 0 - static_cast<std::uint64_t>(step);
  const auto length = step > 0 ? stop - start : start - stop;
  if (length > 0)
    range.count = static_cast<std::int64_t>((static_cast<std::uint64_t>(length) - 1) / stride) + 1;
  if (range.count <= 1) range.step = 1;
  return range;
}

}  // namespace

std::vector<Range> parse_slice(std::string_view text, const Dims& shape) {
  std::vector<std::string_view> parts;
  if (!trim(text).empty()) parts = split(text, ',');
  const auto dots = std::find(parts.begin(), parts.end(), "...");
  const std::size_t given = parts.size() - (dots == parts.end() ? 0 : 1);
  if (given > shape.ndims())
    refuse(text, "has " + std::to_string(given) + " parts, and the array " + std::to_string(shape.ndims()) +
                     " dimensions");
  const std::size_t before = static_cast<std::size_t>(dots - parts.begin());
  const std::size_t whole = shape.ndims() - given;
  std::vector<Range> ranges;
  for (std::size_t dim = 0, part = 0; dim < shape.ndims(); ++dim) {
    if (dim >= before && dim < before + whole) {
      ranges.push_back({0, shape[dim], 1, true});
      continue;
    }
    if (part == before) ++part;
    const auto written = parts[part++];
    ranges.push_back(written.find(':') == written.npos ? parse_index(written, shape[dim])
                                                       : parse_range(written, shape[dim]));
  }
  return ranges;
}

}  // namespace cairn::command
