#include "tree/memory.hpp"

#include "tree/box.hpp"

#include <algorithm>
#include <limits>

namespace cairn::tree {
namespace {

constexpr std::size_t kMostDims = 8;

bool is_empty(const Dims& extents) {
  return std::find(extents.begin(), extents.end(), 0) != extents.end();
}

std::string elements(std::int64_t count) {
  return std::to_string(count) + (count == 1 ? " element" : " elements");
}

/// Offsets of the first, the lowest and the highest element of a box, in elements; false where one passes 64
/// bits.
struct Reach {
  std::int64_t first = 0, lowest = 0, highest = 0;
};
bool reach_of(const Dims& start, const Dims& count, const Dims& strides, Reach& reach) {
  bool overflow = false;
  std::int64_t lowest = 0, highest = 0;
  for (std::size_t dim = 0; dim < count.ndims(); ++dim) {
    std::int64_t before = 0, across = 0;
    overflow |= __builtin_mul_overflow(start[dim], strides[dim], &before);
    overflow |= __builtin_mul_overflow(count[dim] - 1, strides[dim], &across);
    overflow |= __builtin_add_overflow(reach.first, before, &reach.first);
    auto& end = across < 0 ? lowest : highest;
    overflow |= __builtin_add_overflow(end, across, &end);
  }
  overflow |= __builtin_add_overflow(reach.first, lowest, &reach.lowest);
  overflow |= __builtin_add_overflow(reach.first, highest, &reach.highest);
  return !overflow;
}

/// The strides of a container's dimensions for extents that are the same but for dimensions of one element.
bool match_extents(const Dims& own, const Dims& own_strides, const Dims& wanted, Dims& strides) {
  std::size_t next = 0;
  for (const auto extent : wanted) {
    while (next < own.ndims() && own[next] == 1 && extent != 1) ++next;
    if (next < own.ndims() && own[next] == extent) {
      strides.push_back(own_strides[next++]);
    } else if (extent == 1) {
      strides.push_back(0);
    } else {
      return false;
    }
  }
  while (next < own.ndims() && own[next] == 1) ++next;
  return next == own.ndims();
}

class Placer {
 public:
  Placer(const detail::View& view, const Dims& count, const Memory& memory, std::uint64_t element_bytes)
      : view_(view), count_(count), memory_(memory), element_bytes_(element_bytes) {}

  std::string place(PlacedBox& placed) {
    std::string problem = allocation();
    if (problem.empty()) problem = strides();
    if (problem.empty()) problem = bounds();
    if (problem.empty()) problem = address(placed);
    return problem;
  }

 private:
  /// Whether the container says how large the memory is.
  bool is_shaped() const { return view_.form == detail::Form::shaped; }

  std::string allocation() {
    const bool by_container = memory_.shape.ndims() == 0 && memory_.start.ndims() != 0 && is_shaped();
    shape_ = memory_.shape.ndims() != 0 ? memory_.shape : by_container ? view_.extents : count_;
    start_ = memory_.start;
    if (start_.ndims() == 0) start_ = whole(shape_).start;
    if (auto problem = extents_problem("memory.shape", shape_, element_bytes_); !problem.empty())
      return problem;
    if (shape_.ndims() != count_.ndims() || start_.ndims() != count_.ndims())
      return "memory.shape " + to_string(shape_) + " and memory.start " + to_string(start_) +
             " must have the dimensions of the box, which has " + std::to_string(count_.ndims());
    return {};
  }

  std::string strides() {
    if (memory_.strides.ndims() != 0) {
      if (is_shaped() && view_.extents.ndims() != 0)
        return "memory.strides are given, but the container has strides of its own: leave them out";
      if (memory_.strides.ndims() != count_.ndims())
        return "memory.strides " + to_string(memory_.strides) + " must have one stride for each of the " +
               std::to_string(count_.ndims()) + " dimensions";
      strides_ = memory_.strides;
      return {};
    }
    strides_ = row_major_strides(shape_);
    return is_shaped() ? container_strides() : std::string();
  }

  std::string container_strides() {
    if (auto problem = extents_problem("the container's shape", view_.extents, element_bytes_);
        !problem.empty())
      return problem;
    if (is_empty(view_.extents) && is_empty(shape_)) return {};
    Dims own = view_.strides;
    if (own.ndims() == 0) own = row_major_strides(view_.extents);
    if (own.ndims() != view_.extents.ndims())
      return "the container's strides " + to_string(own) + " do not go with its shape " +
             to_string(view_.extents);
    Dims strides;
    if (!match_extents(view_.extents, own, shape_, strides))
      return "the container has the shape " + to_string(view_.extents) + ", and " + to_string(shape_) +
             " was given: they must be the same, slowest dimension first (name a larger container's shape as "
             "memory.shape, and where the box begins in it as memory.start)";
    strides_ = strides;
    return {};
  }

  std::string bounds() const {
    for (std::size_t dim = 0; dim < count_.ndims(); ++dim)
      if (start_[dim] < 0 || count_[dim] > shape_[dim] || start_[dim] > shape_[dim] - count_[dim])
        return "in memory, " + to_string(count_) + " elements from " + to_string(start_) +
               " on are not within memory.shape " + to_string(shape_);
    if (view_.form != detail::Form::flat || memory_.strides.ndims() != 0) return {};
    const auto needed = static_cast<std::int64_t>(product(shape_));
    if (view_.extents[0] == needed) return {};
    return "the container has " + elements(view_.extents[0]) + ", and " + to_string(shape_) + " needs " +
           std::to_string(needed) + ": make both the same (name a larger container's shape as memory.shape)";
  }

  std::string address(PlacedBox& placed) {
    placed.strides = strides_;
    if (is_empty(count_)) return {};
    if (view_.data == nullptr)
      return "the pointer is null, and " + to_string(count_) + " elements are expected behind it";
    Reach reach;
    std::int64_t bytes = 0;
    if (!reach_of(start_, count_, strides_, reach) ||
        __builtin_mul_overflow(reach.first, static_cast<std::int64_t>(element_bytes_), &bytes))
      return "the strides " + to_string(strides_) + " reach past 2^63 bytes";
    if (view_.form == detail::Form::flat && (reach.lowest < 0 || reach.highest >= view_.extents[0]))
      return "the strides " + to_string(strides_) + " reach elements " + std::to_string(reach.lowest) +
             " to " + std::to_string(reach.highest) + " of a container of " +
             std::to_string(view_.extents[0]);
    placed.data = const_cast<std::byte*>(static_cast<const std::byte*>(view_.data) + bytes);
    for (std::size_t dim = 0; dim < count_.ndims(); ++dim)
      placed.overlaps |= count_[dim] > 1 && strides_[dim] == 0;
    return {};
  }

  const detail::View& view_;
  const Dims& count_;
  const Memory& memory_;
  std::uint64_t element_bytes_;
  Dims shape_, start_, strides_;
};

}  // namespace

std::string extents_problem(const char* name, const Dims& extents, std::uint64_t element_bytes) {
  if (extents.ndims() > kMostDims)
    return std::string(name) + " has " + std::to_string(extents.ndims()) + " dimensions, and at most " +
           std::to_string(kMostDims) + " can be stored";
  if (std::any_of(extents.begin(), extents.end(), [](std::int64_t extent) { return extent < 0; }))
    return std::string(name) + " " + to_string(extents) + " has a negative extent";
  std::uint64_t bytes = 0;
  if (!checked_product(extents, element_bytes, bytes))
    return std::string(name) + " " + to_string(extents) + " has more than 2^63 - 1 bytes";
  return {};
}

std::string place_box(const detail::View& view, const Dims& count, const Memory& memory,
                      std::uint64_t element_bytes, PlacedBox& placed) {
  return Placer(view, count, memory, element_bytes).place(placed);
}

}  // namespace cairn::tree
