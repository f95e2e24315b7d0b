#pragma once

#include "cairn/detail/binding.hpp"
#include "cairn/slab.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace cairn::tree {

/// Where a box lies in a container's memory.
struct PlacedBox {
  std::byte* data = nullptr;  // its first element; null only where it has none
  Dims strides = {};          // in elements, one a dimension
  bool overlaps = false;      // several elements share memory (a stride of 0): it can be read only
};

/// Finds a box of `count` elements in the memory that `view` shows, with `memory` saying where in it. `count`
/// has been checked. A container with extents must have those of the memory (`memory.shape`, else `count`),
/// but for dimensions of one element; one with a size alone must have as many elements. Returns what is wrong
/// and what to do, or nothing.
std::string place_box(const detail::View& view, const Dims& count, const Memory& memory,
                      std::uint64_t element_bytes, PlacedBox& placed);

/// What is wrong with extents in themselves (more than 8, one negative, too many bytes), or nothing. `name`
/// is what they are called in the message.
std::string extents_problem(const char* name, const Dims& extents, std::uint64_t element_bytes);

}  // namespace cairn::tree
