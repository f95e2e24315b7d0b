#pragma once

#include "cairn/slab.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace cairn::command {

/// Which indices of a dimension: start, start + step, ..., `count` of them, all within the array.
struct Range {
  std::int64_t start = 0, count = 0, step = 1;
  bool kept = true;  // false: an index, whose dimension is gone from the result
};

/// Python's slices: `0:10, 3, ::2, -1, ...`, as many as the array has dimensions or fewer. Error
/// (invalid_argument) names the part that is wrong.
std::vector<Range> parse_slice(std::string_view text, const Dims& shape);

}  // namespace cairn::command
