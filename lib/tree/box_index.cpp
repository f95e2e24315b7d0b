#include "tree/box_index.hpp"

#include <algorithm>
#include <numeric>

namespace cairn::tree {
namespace {

constexpr std::size_t kLeafBoxes = 8;

bool touch(const Box& a, const Box& b) noexcept {
  for (std::size_t dim = 0; dim < a.ndims(); ++dim)
    if (std::max(a.start[dim], b.start[dim]) >=
        std::min(a.start[dim] + a.count[dim], b.start[dim] + b.count[dim]))
      return false;
  return true;
}

void extend(Box& bounds, const Box& box) noexcept {
  for (std::size_t dim = 0; dim < bounds.ndims(); ++dim) {
    const auto end = std::max(bounds.start[dim] + bounds.count[dim], box.start[dim] + box.count[dim]);
    bounds.start[dim] = std::min(bounds.start[dim], box.start[dim]);
    bounds.count[dim] = end - bounds.start[dim];
  }
}

std::int64_t centre_of(const Box& box, std::size_t dim) noexcept {
  return box.start[dim] + box.count[dim] / 2;
}

}  // namespace

BoxIndex::BoxIndex(const std::vector<Box>& boxes) : order_(boxes.size()) {
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  std::erase_if(order_, [&](std::size_t box) { return is_empty(boxes[box]); });
  if (!order_.empty()) build(boxes, 0, order_.size());
  boxes_.reserve(order_.size());
  for (const auto box : order_) boxes_.push_back(boxes[box]);
}

std::size_t BoxIndex::build(const std::vector<Box>& boxes, std::size_t first, std::size_t last) {
  const auto number = nodes_.size();
  Node node{boxes[order_[first]], first, last, 0};
  for (auto at = first; at < last; ++at) extend(node.bounds, boxes[order_[at]]);
  nodes_.push_back(node);
  if (last - first <= kLeafBoxes || node.bounds.ndims() == 0) return number;

  // Halve where the centres spread the most.
  std::size_t split = 0;
  std::int64_t widest = -1;
  for (std::size_t dim = 0; dim < node.bounds.ndims(); ++dim) {
    auto low = centre_of(boxes[order_[first]], dim), high = low;
    for (auto at = first; at < last; ++at) {
      const auto centre = centre_of(boxes[order_[at]], dim);
      low = std::min(low, centre);
      high = std::max(high, centre);
    }
    if (high - low > widest) {
      widest = high - low;
      split = dim;
    }
  }
  const auto middle = first + (last - first) / 2;
  const auto at = [&](std::size_t place) { return order_.begin() + static_cast<std::ptrdiff_t>(place); };
  std::nth_element(at(first), at(middle), at(last), [&](std::size_t a, std::size_t b) {
    return centre_of(boxes[a], split) < centre_of(boxes[b], split);
  });
  build(boxes, first, middle);
  nodes_[number].right = build(boxes, middle, last);
  return number;
}

std::vector<std::size_t> BoxIndex::touching(const Box& box) const {
  std::vector<std::size_t> found, open;
  if (!nodes_.empty() && !is_empty(box)) open.push_back(0);
  while (!open.empty()) {
    const auto number = open.back();
    open.pop_back();
    const auto& node = nodes_[number];
    if (!touch(node.bounds, box)) continue;
    if (node.right != 0) {
      open.push_back(node.right);
      open.push_back(number + 1);
      continue;
    }
    for (auto place = node.first; place < node.last; ++place)
      if (touch(boxes_[place], box)) found.push_back(order_[place]);
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace cairn::tree
