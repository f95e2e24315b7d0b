#include "tree/path.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace cairn::tree {
namespace {

constexpr std::size_t kNamesShown = 3;
constexpr std::size_t kLongestCompared = 256;  // characters; the distance costs their square

/// How many single-character changes turn one text into the other.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string_view last_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  for (std::size_t i = 0; i < text.size();) {
    const std::uint8_t first = byte(i++);
    if (first < 0x80) continue;
    const std::size_t more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
    if (first < 0xC2 || first > 0xF4 || text.size() - i < more) return false;
    const std::uint8_t second = byte(i);
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
        (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F))
      return false;
    for (const std::size_t end = i + more; i < end; ++i)
      if ((byte(i) & 0xC0) != 0x80) return false;
  }
  return true;
}

std::string path_problem(std::string_view path) {
  if (path.empty()) return "has an empty path: give it a name";
  if (path.find('\0') != path.npos) return "has a zero byte in its path";
  if (!is_utf8(path)) return "has a path that is not UTF-8";
  if (path.front() == '/' || path.back() == '/' || path.find("//") != path.npos)
    return "has an empty name in its path: write it as a/b/c, with no '/' at either end and none doubled";
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const auto name = path.substr(begin, end - begin);
    if (name == "." || name == "..") return "has `.` or `..` for a name in its path, which HDF5 cannot store";
    if (begin == 0 && name == "_cairn") return "is under the reserved name `_cairn`: choose another";
    begin = end + 1;
  }
  return {};
}

std::vector<std::string> nearest_names(std::string_view wanted, const std::vector<std::string_view>& names) {
  wanted = wanted.substr(0, kLongestCompared);
  std::vector<std::pair<std::size_t, std::string_view>> ranked;
  for (const auto name : names) {
    const auto compared = name.substr(0, kLongestCompared);
    std::size_t distance = edit_distance(wanted, compared);
    if (!wanted.empty() && last_name(compared) == last_name(wanted))
      distance = std::min<std::size_t>(distance, 1);
    if (distance <= std::max<std::size_t>(2, wanted.size() / 2)) ranked.emplace_back(distance, name);
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::string> nearest;
  for (std::size_t i = 0; i < std::min(ranked.size(), kNamesShown); ++i)
    nearest.emplace_back(ranked[i].second);
  return nearest;
}

}  // namespace cairn::tree
