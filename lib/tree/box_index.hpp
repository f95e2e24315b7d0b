#pragma once

#include "tree/box.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace cairn::tree {

/// Finds which of many boxes of one array touch a given one, in time that grows with the answer and not with
/// the number of boxes. Made once in n log n; a value that refers to nothing. Reading it is safe from any
/// thread.
class BoxIndex {
 public:
  BoxIndex() = default;
  explicit BoxIndex(const std::vector<Box>& boxes);

  /// The numbers of the boxes that share at least one element with `box`, ascending.
  std::vector<std::size_t> touching(const Box& box) const;

 private:
  struct Node {
    Box bounds = {};  // of all boxes below
    std::size_t first = 0, last = 0;
    std::size_t right = 0;  // the right child; the left one follows its parent. 0: no children
  };
  std::size_t build(const std::vector<Box>& boxes, std::size_t first, std::size_t last);

  std::vector<Node> nodes_;
  std::vector<std::size_t> order_;
  std::vector<Box> boxes_;  // in `order_`
};

}  // namespace cairn::tree
