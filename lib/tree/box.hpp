#pragma once

#include "cairn/slab.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace cairn::tree {

/// A box of an array: `start` and `count`, one entry a dimension, 0-based, in C order. With no
/// dimensions it is the one element of a scalar.
struct Box {
  Dims start = {};
  Dims count = {};

  std::size_t ndims() const noexcept { return count.ndims(); }
  bool operator==(const Box&) const = default;
};

/// The number of elements of `extents`; 1 with no dimensions. The caller has checked that it does not
/// overflow (see `checked_product`).
std::uint64_t product(const Dims& extents) noexcept;

/// The product of `extents` and `factor`, or false where one extent is negative or the product passes 2^63-1.
bool checked_product(const Dims& extents, std::uint64_t factor, std::uint64_t& result) noexcept;

/// The box of the whole of an array.
Box whole(const Dims& shape);

/// Strides, in elements, of a row-major array of this shape.
Dims row_major_strides(const Dims& shape);

/// The common part of two boxes of one array; its count holds a zero where they share nothing.
Box intersect(const Box& a, const Box& b);
bool contains(const Box& outer, const Box& inner) noexcept;
inline bool is_empty(const Box& box) noexcept {
  return product(box.count) == 0;
}

/// Whether the elements of `box` follow one another in a row-major array of this shape.
bool is_contiguous(const Box& box, const Dims& shape) noexcept;

/// The number of runs of consecutive elements that `box` makes in a row-major array of this shape.
std::uint64_t count_runs(const Box& box, const Dims& shape) noexcept;

/// The offset, in elements, of `index` in an array of these strides.
std::int64_t offset_of(const Dims& index, const Dims& strides) noexcept;
/// The same, from the element at `start` to the one at `index`.
std::int64_t offset_between(const Dims& start, const Dims& index, const Dims& strides) noexcept;

/// `[0:4, 2:8]` for messages: half-open, in C order.
std::string to_string(const Box& box);
std::string to_string(const Dims& extents);

/// Cuts `box` along its slowest dimensions into boxes of at most `max_elements` (at least 1), in row-major
/// order. Empty boxes give nothing.
std::vector<Box> cut(const Box& box, std::uint64_t max_elements);

/// Calls `run(first, elements)` for each run of consecutive elements of `box` in a row-major array of this
/// shape, in order; `first` is the linear index in the array. Neighbouring runs are joined.
void for_each_run(const Box& box, const Dims& shape,
                  const std::function<void(std::uint64_t first, std::uint64_t elements)>& run);

/// The runs of consecutive bytes that a box makes in a strided memory, in row-major order; none where they
/// would be shorter than `shortest`. `data` points at the box's first element.
void list_runs(std::byte* data, const Dims& strides, const Dims& count, std::uint64_t element_bytes,
               std::uint64_t shortest, std::vector<std::span<std::byte>>& runs);

/// Copies a box of elements between two strided memories. `from` and `to` point at the box's first element,
/// the strides are in elements and may be negative. The innermost unit-stride dimensions are copied as rows.
void copy_strided(const std::byte* from, const Dims& from_strides, std::byte* to, const Dims& to_strides,
                  const Dims& count, std::uint64_t element_bytes);

/// Whether a box of `count` elements with these strides is one run of memory, row-major.
bool is_packed(const Dims& count, const Dims& strides) noexcept;

}  // namespace cairn::tree
