#include "plan/diagnosis.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <set>

/// Overlaps and gaps among the boxes of one array.
namespace cairn::plan {
namespace {

using tree::Box;

std::int64_t end_of(const Box& box, std::size_t dim) noexcept {
  return box.start[dim] + box.count[dim];
}

bool share_elements(const Box& a, const Box& b) noexcept {
  return !tree::is_empty(tree::intersect(a, b));
}

bool starts_before(const Box& a, const Box& b) noexcept {
  return std::lexicographical_compare(a.start.begin(), a.start.end(), b.start.begin(), b.start.end());
}

/// The dimension along which the boxes begin at the most different places: few are then open at once.
std::size_t sweep_dimension(const std::vector<Box>& boxes, std::size_t ndims) {
  std::size_t best = 0, most = 0;
  for (std::size_t dim = 0; dim < ndims; ++dim) {
    std::set<std::int64_t> starts;
    for (const auto& box : boxes) starts.insert(box.start[dim]);
    if (starts.size() > most) {
      most = starts.size();
      best = dim;
    }
  }
  return best;
}

/// The face of `box` inside `region` that halves the boxes best, as a dimension and a place.
struct Face {
  std::size_t dim = 0;
  std::int64_t at = 0;
};
std::optional<Face> best_face(const Box& region, const Box& box, const std::vector<const Box*>& inside) {
  std::optional<Face> best;
  std::size_t fewest = 0;
  for (std::size_t dim = 0; dim < region.ndims(); ++dim) {
    for (const auto at : {box.start[dim], end_of(box, dim)}) {
      if (at <= region.start[dim] || at >= end_of(region, dim)) continue;
      std::size_t below = 0, above = 0;
      for (const auto* other : inside) {
        if (other->start[dim] < at) ++below;
        if (end_of(*other, dim) > at) ++above;
      }
      if (!best || std::max(below, above) < fewest) {
        best = Face{dim, at};
        fewest = std::max(below, above);
      }
    }
  }
  return best;
}

/// A part of `region` that no box reaches into: halved along faces until a box holds all of a part, or none
/// any of it. `inside` are the boxes that share elements with the region.
std::optional<Box> gap_in(const Box& region, const std::vector<const Box*>& inside) {
  if (inside.empty()) return region;
  for (const auto* box : inside)
    if (tree::contains(*box, region)) return std::nullopt;
  // A box that shares elements with the region and does not hold it has a face inside.
  const auto face = best_face(region, *inside[inside.size() / 2], inside);
  for (const bool upper : {false, true}) {
    Box half = region;
    if (upper) half.start[face->dim] = face->at;
    half.count[face->dim] = (upper ? end_of(region, face->dim) : face->at) - half.start[face->dim];
    std::vector<const Box*> part;
    for (const auto* box : inside)
      if (share_elements(*box, half)) part.push_back(box);
    if (auto gap = gap_in(half, part)) return gap;
  }
  return std::nullopt;
}

/// Moves the faces of `gap` outwards, one dimension after another, up to the next box.
Box grow(Box gap, const Dims& shape, const std::vector<Box>& boxes) {
  for (std::size_t dim = 0; dim < gap.ndims(); ++dim) {
    Box beam = gap;
    beam.start[dim] = 0;
    beam.count[dim] = shape[dim];
    std::int64_t low = 0, high = shape[dim];
    for (const auto& box : boxes) {
      if (!share_elements(box, beam)) continue;
      if (end_of(box, dim) <= gap.start[dim]) low = std::max(low, end_of(box, dim));
      if (box.start[dim] >= end_of(gap, dim)) high = std::min(high, box.start[dim]);
    }
    gap.start[dim] = low;
    gap.count[dim] = high - low;
  }
  return gap;
}

}  // namespace

std::optional<Overlap> find_overlap(const std::vector<Box>& boxes) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < boxes.size(); ++i)
    if (!tree::is_empty(boxes[i])) order.push_back(i);
  if (order.size() < 2) return std::nullopt;
  const auto ndims = boxes[order.front()].ndims();
  if (ndims == 0) return Overlap{order[0], order[1], boxes[order[0]]};

  const auto dim = sweep_dimension(boxes, ndims);
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return boxes[a].start[dim] < boxes[b].start[dim]; });
  std::optional<Overlap> first;
  std::vector<std::size_t> open;
  for (const auto i : order) {
    std::erase_if(open, [&](auto j) { return end_of(boxes[j], dim) <= boxes[i].start[dim]; });
    for (const auto j : open) {
      const auto common = tree::intersect(boxes[i], boxes[j]);
      if (tree::is_empty(common)) continue;
      if (!first || starts_before(common, first->box))
        first = Overlap{std::min(i, j), std::max(i, j), common};
    }
    if (first) return first;
    open.push_back(i);
  }
  return first;
}

std::optional<Box> find_gap(const Dims& shape, const std::vector<Box>& boxes) {
  const auto whole = tree::whole(shape);
  if (tree::is_empty(whole)) return std::nullopt;
  std::vector<const Box*> inside;
  for (const auto& box : boxes)
    if (!tree::is_empty(box)) inside.push_back(&box);
  std::sort(inside.begin(), inside.end(), [](const Box* a, const Box* b) { return starts_before(*a, *b); });
  auto gap = gap_in(whole, inside);
  if (gap) gap = grow(*gap, shape, boxes);
  return gap;
}

}  // namespace cairn::plan
