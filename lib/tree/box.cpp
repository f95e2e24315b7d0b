#include "tree/box.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace cairn::tree {
namespace {

/// How a box lies in a row-major array: the outermost dimension that its runs reach into, and their length.
struct RunShape {
  std::size_t outer = 0;  // dimensions [0, outer) are stepped over; the run covers the rest
  std::uint64_t elements = 1;
};

RunShape run_shape(const Box& box, const Dims& shape) noexcept {
  RunShape run{box.ndims(), 1};
  while (run.outer > 0) {
    const auto dim = --run.outer;
    run.elements *= static_cast<std::uint64_t>(box.count[dim]);
    if (box.count[dim] != shape[dim]) break;
  }
  while (run.outer > 0 && box.count[run.outer - 1] == 1 && shape[run.outer - 1] == 1) --run.outer;
  return run;
}

}  // namespace

std::uint64_t product(const Dims& extents) noexcept {
  std::uint64_t result = 1;
  for (const auto extent : extents) result *= static_cast<std::uint64_t>(extent);
  return result;
}

bool checked_product(const Dims& extents, std::uint64_t factor, std::uint64_t& result) noexcept {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  bool has_zero = factor == 0;
  for (const auto extent : extents) {
    if (extent < 0) return false;
    has_zero = has_zero || extent == 0;
  }
  if (has_zero) {
    result = 0;
    return true;
  }
  if (factor > kMost) return false;
  std::uint64_t total = factor;
  for (const auto extent : extents) {
    if (total > kMost / static_cast<std::uint64_t>(extent)) return false;
    total *= static_cast<std::uint64_t>(extent);
  }
  result = total;
  return true;
}

Box whole(const Dims& shape) {
  Box box;
  box.count = shape;
  for (std::size_t dim = 0; dim < shape.ndims(); ++dim) box.start.push_back(0);
  return box;
}

Dims row_major_strides(const Dims& shape) {
  Dims strides = shape;
  std::int64_t stride = 1;
  for (std::size_t dim = shape.ndims(); dim-- > 0;) {
    strides[dim] = stride;
    stride *= std::max<std::int64_t>(shape[dim], 1);
  }
  return strides;
}

Box intersect(const Box& a, const Box& b) {
  Box common = a;
  for (std::size_t dim = 0; dim < a.ndims(); ++dim) {
    const auto start = std::max(a.start[dim], b.start[dim]);
    const auto end = std::min(a.start[dim] + a.count[dim], b.start[dim] + b.count[dim]);
    common.start[dim] = start;
    common.count[dim] = std::max<std::int64_t>(end - start, 0);
  }
  return common;
}

bool contains(const Box& outer, const Box& inner) noexcept {
  if (outer.ndims() != inner.ndims()) return false;
  for (std::size_t dim = 0; dim < outer.ndims(); ++dim) {
    if (inner.start[dim] < outer.start[dim]) return false;
    if (inner.start[dim] + inner.count[dim] > outer.start[dim] + outer.count[dim]) return false;
  }
  return true;
}

std::uint64_t count_runs(const Box& box, const Dims& shape) noexcept {
  if (is_empty(box)) return 0;
  return product(box.count) / run_shape(box, shape).elements;
}

bool is_contiguous(const Box& box, const Dims& shape) noexcept {
  return count_runs(box, shape) <= 1;
}

std::int64_t offset_of(const Dims& index, const Dims& strides) noexcept {
  std::int64_t offset = 0;
  for (std::size_t dim = 0; dim < index.ndims(); ++dim) offset += index[dim] * strides[dim];
  return offset;
}

std::string to_string(const Box& box) {
  std::string text = "[";
  for (std::size_t dim = 0; dim < box.ndims(); ++dim) {
    if (dim > 0) text += ", ";
    text += std::to_string(box.start[dim]) + ":" + std::to_string(box.start[dim] + box.count[dim]);
  }
  return text + "]";
}

std::string to_string(const Dims& extents) {
  std::string text = "{";
  for (const auto extent : extents) text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
  return text + "}";
}

std::vector<Box> cut(const Box& box, std::uint64_t max_elements) {
  if (is_empty(box)) return {};
  max_elements = std::max<std::uint64_t>(max_elements, 1);

  // The dimension that is cut into pieces of several indices: what lies inside it fits, what lies outside
  // is cut into single indices.
  std::size_t cut_dim = box.ndims();
  std::uint64_t inside = 1;
  while (cut_dim > 0) {
    const auto extent = static_cast<std::uint64_t>(box.count[cut_dim - 1]);
    if (extent > max_elements / inside) break;
    inside *= extent;
    --cut_dim;
  }
  if (cut_dim == 0) return {box};
  --cut_dim;
  const auto step = std::max<std::int64_t>(static_cast<std::int64_t>(max_elements / inside), 1);

  std::vector<Box> pieces;
  Box piece = box;
  for (std::size_t dim = 0; dim < cut_dim; ++dim) piece.count[dim] = 1;
  const auto end_of = [&](std::size_t dim) { return box.start[dim] + box.count[dim]; };
  while (true) {
    for (auto at = box.start[cut_dim]; at < end_of(cut_dim); at += step) {
      piece.start[cut_dim] = at;
      piece.count[cut_dim] = std::min(step, end_of(cut_dim) - at);
      pieces.push_back(piece);
    }
    std::size_t dim = cut_dim;
    while (dim > 0 && ++piece.start[dim - 1] == end_of(dim - 1)) {
      piece.start[dim - 1] = box.start[dim - 1];
      --dim;
    }
    if (dim == 0) return pieces;
  }
}

void for_each_run(const Box& box, const Dims& shape,
                  const std::function<void(std::uint64_t first, std::uint64_t elements)>& run) {
  if (is_empty(box)) return;
  const auto lie = run_shape(box, shape);
  const auto strides = row_major_strides(shape);
  auto first = offset_of(box.start, strides);
  std::array<std::int64_t, 8> index{};
  while (true) {
    run(static_cast<std::uint64_t>(first), lie.elements);
    std::size_t dim = lie.outer;
    while (dim > 0) {
      first += strides[dim - 1];
      if (++index[dim - 1] < box.count[dim - 1]) break;
      first -= strides[dim - 1] * box.count[dim - 1];
      index[dim - 1] = 0;
      --dim;
    }
    if (dim == 0) return;
  }
}

std::int64_t offset_between(const Dims& start, const Dims& index, const Dims& strides) noexcept {
  std::int64_t offset = 0;
  for (std::size_t dim = 0; dim < index.ndims(); ++dim) offset += (index[dim] - start[dim]) * strides[dim];
  return offset;
}

bool is_packed(const Dims& count, const Dims& strides) noexcept {
  std::int64_t stride = 1;
  if (product(count) == 0) return true;
  for (std::size_t dim = count.ndims(); dim-- > 0;) {
    if (count[dim] == 1) continue;
    if (strides[dim] != stride) return false;
    stride *= count[dim];
  }
  return true;
}

}  // namespace cairn::tree
