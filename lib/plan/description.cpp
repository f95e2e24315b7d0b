#include "plan/description.hpp"

#include "base/pack.hpp"
#include "plan/coverage.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace cairn::plan {
namespace {

constexpr std::size_t kMostRanges = 8;
constexpr std::size_t kMostVariants = 4;
constexpr std::size_t kMostWordBytes = 300;

const char* kind_text(Kind kind) noexcept {
  switch (stored_kind(kind)) {
    case Kind::sharded:
      return "sharded";
    case Kind::per_rank:
      return "per_rank";
    case Kind::appended:
      return "appended";
    default:
      return "replicated";
  }
}

std::string leaf_text(const tree::LocalLeaf& leaf) {
  if (leaf.dtype == Dtype::string)
    return std::string(kind_text(leaf.kind)) + " string of " + std::to_string(leaf.element_bytes) + " bytes";
  return std::string(kind_text(leaf.kind)) + " " + to_string(leaf.dtype) + " " + tree::to_string(leaf.shape) +
         (leaf.kind == Kind::appended ? " a row" : "") + (leaf.fortran_order ? " in Fortran's order" : "");
}

/// Names and what is said of them; the ones that are not leaves first.
using Points = std::vector<std::pair<std::string_view, std::string_view>>;
struct Description {
  Points request, leaves;
};

Description unpack(std::string_view text) {
  Description result;
  base::Unpacker unpacker(text);
  auto requests = unpacker.u64();
  while (!unpacker.empty()) {
    const auto name = unpacker.str();
    const auto value = unpacker.str();
    (requests > 0 ? result.request : result.leaves).emplace_back(name, value);
    if (requests > 0) --requests;
  }
  return result;
}

/// A difference: sorted by where it is.
struct Difference {
  std::uint64_t part = 0;  // 0: the request, 1: a leaf
  std::string name, mine, first;
};

std::string pack(const Difference& difference) {
  const auto bounded = [](const std::string& text) { return text.substr(0, kMostWordBytes); };
  base::Packer packer;
  packer.u64(difference.part);
  packer.str(bounded(difference.name));
  packer.str(bounded(difference.mine));
  packer.str(bounded(difference.first));
  return std::move(packer).text();
}

Difference unpack_difference(std::string_view text) {
  base::Unpacker unpacker(text);
  Difference result;
  result.part = unpacker.u64();
  result.name = unpacker.str();
  result.mine = unpacker.str();
  result.first = unpacker.str();
  return result;
}

}  // namespace

base::Digest agreed_digest(const SaveRequest& request, int primary, std::span<const tree::LocalLeaf> leaves) {
  std::string bytes;
  std::size_t estimate = 256;
  for (const auto& leaf : leaves) estimate += leaf.path.size() + 64;
  bytes.reserve(estimate);
  const auto word = [&](std::uint64_t value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  const auto text = [&](std::string_view value) {
    word(value.size());
    bytes.append(value);
  };
  text(request.operation);
  text(request.path.native());
  text(request.checkpointable_name);
  word(static_cast<std::uint64_t>(primary));
  word(request.contents.size());
  for (const auto& [name, what] : request.contents) {
    text(name);
    text(what);
  }
  for (const auto& leaf : leaves) {
    text(leaf.path);
    word(static_cast<std::uint64_t>(leaf.fortran_order) << 16 |
         static_cast<std::uint64_t>(stored_kind(leaf.kind)) << 8 | static_cast<std::uint64_t>(leaf.dtype));
    word(leaf.element_bytes);
    word(leaf.shape.ndims());
    for (const auto extent : leaf.shape) word(static_cast<std::uint64_t>(extent));
  }
  return base::digest(bytes);
}

std::string describe(const SaveRequest& request, int primary, std::span<const tree::LocalLeaf> leaves) {
  const std::vector<std::pair<std::string, std::string>> points = {
      {"the operation", request.operation},
      {"the path", request.path.native()},
      {"the name of the checkpointable", request.checkpointable_name},
      {"the primary rank (ranks.primary)", std::to_string(primary)}};
  base::Packer packer;
  packer.u64(points.size());
  for (const auto& [name, value] : points) {
    packer.str(name);
    packer.str(value);
  }
  for (const auto& [name, what] : request.contents) {
    packer.str(name);
    packer.str(what);
  }
  for (const auto& leaf : leaves) {
    packer.str(leaf.path);
    packer.str(leaf_text(leaf));
  }
  return std::move(packer).text();
}

std::string first_difference(std::string_view mine, std::string_view first) {
  const auto here = unpack(mine), there = unpack(first);
  for (std::size_t i = 0; i < here.request.size(); ++i) {
    const auto& [name, value] = here.request[i];
    const auto& other = there.request[i].second;
    if (value != other) return pack({0, std::string(name), std::string(value), std::string(other)});
  }
  auto a = here.leaves.begin(), b = there.leaves.begin();
  while (a != here.leaves.end() || b != there.leaves.end()) {
    const bool only_here = b == there.leaves.end() || (a != here.leaves.end() && a->first < b->first);
    const bool only_there = a == here.leaves.end() || (b != there.leaves.end() && b->first < a->first);
    if (only_here) return pack({1, std::string(a->first), std::string(a->second), "missing"});
    if (only_there) return pack({1, std::string(b->first), "missing", std::string(b->second)});
    if (a->second != b->second)
      return pack({1, std::string(a->first), std::string(a->second), std::string(b->second)});
    ++a;
    ++b;
  }
  return {};
}

std::string explain(const std::vector<std::string>& differences, int& rank) {
  std::vector<std::pair<int, Difference>> found;
  for (std::size_t i = 0; i < differences.size(); ++i)
    if (!differences[i].empty()) found.emplace_back(static_cast<int>(i), unpack_difference(differences[i]));
  if (found.empty()) return "the ranks do not save the same: their trees changed while they were compared";

  const auto& first =
      std::min_element(found.begin(), found.end(), [](const auto& a, const auto& b) {
        return std::tie(a.second.part, a.second.name) < std::tie(b.second.part, b.second.name);
      })->second;
  std::map<std::string, std::vector<int>> variants;  // what is said -> by whom
  for (const auto& [who, difference] : found)
    if (difference.part == first.part && difference.name == first.name)
      variants[difference.mine].push_back(who);
  rank = static_cast<int>(differences.size());
  for (const auto& [said, ranks] : variants) rank = std::min(rank, ranks.front());

  std::string text = "the ranks do not save the same: ";
  text += first.part == 0 ? first.name : "`" + first.name + "`";
  text += " is " + first.first + " on rank 0";
  std::size_t listed = 0;
  for (const auto& [said, ranks] : variants) {
    if (++listed > kMostVariants) return text + ", and something else again on others";
    text += ", " + said + " on " + ranks_text(ranks);
  }
  return text;
}

std::string ranks_text(const std::vector<int>& ranks) {
  std::string text;
  std::size_t ranges = 0;
  for (std::size_t i = 0; i < ranks.size();) {
    std::size_t end = i + 1;
    while (end < ranks.size() && ranks[end] == ranks[end - 1] + 1) ++end;
    if (ranges++ == kMostRanges)
      return "ranks " + text + ", ... (" + std::to_string(ranks.size()) + " in all)";
    if (!text.empty()) text += ", ";
    text += std::to_string(ranks[i]);
    if (end - i > 1) text += (end - i > 2 ? "-" : ", ") + std::to_string(ranks[end - 1]);
    i = end;
  }
  return (ranks.size() == 1 ? "rank " : "ranks ") + text;
}

}  // namespace cairn::plan
