#pragma once

#include "tree/box.hpp"

#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include <cairn/cairn.hpp>

/// Random arrays, random decompositions, and values that depend on the global index alone.
namespace mpi_test {

using cairn::Dims;
using cairn::tree::Box;
using Random = std::mt19937_64;

inline std::int64_t between(Random& random, std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(random);
}

inline std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9u;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/// The bytes of the element with this row-major index of array number `array`.
inline void put_value(std::uint64_t array, std::uint64_t index, cairn::Dtype dtype, std::byte* to) {
  const std::uint64_t words[2] = {mix(array * 1000003 + index), mix(index * 31 + array + 77)};
  if (dtype == cairn::Dtype::boolean) {
    *to = std::byte(words[0] & 1);
  } else {
    std::memcpy(to, words, cairn::size_of(dtype));
  }
}

/// A box of an array in an allocation with a margin around it.
struct Shard {
  Box box;
  cairn::Memory memory;
  std::vector<std::byte> bytes;
  std::size_t element_bytes = 0;

  static Shard make(Random& random, const Box& box, cairn::Dtype dtype, bool halo) {
    Shard shard{box, {}, {}, cairn::size_of(dtype)};
    std::uint64_t elements = 1;
    for (std::size_t d = 0; d < box.ndims(); ++d) {
      const auto low = halo ? between(random, 0, 2) : 0, high = halo ? between(random, 0, 2) : 0;
      shard.memory.start.push_back(low);
      shard.memory.shape.push_back(low + box.count[d] + high);
      elements *= static_cast<std::uint64_t>(low + box.count[d] + high);
    }
    shard.bytes.assign(elements * shard.element_bytes + 1, std::byte{0xa5});
    return shard;
  }

  /// Calls `visit(row-major index in the array, element's bytes)` for each element of the box.
  template <class Visit>
  void for_each(const Dims& shape, Visit&& visit) {
    if (cairn::tree::is_empty(box)) return;
    const auto strides = cairn::tree::row_major_strides(memory.shape);
    const auto global = cairn::tree::row_major_strides(shape);
    Dims at = box.count;
    for (std::size_t d = 0; d < at.ndims(); ++d) at[d] = 0;
    for (;;) {
      std::int64_t index = 0, offset = 0;
      for (std::size_t d = 0; d < at.ndims(); ++d) {
        index += (box.start[d] + at[d]) * global[d];
        offset += (memory.start[d] + at[d]) * strides[d];
      }
      visit(static_cast<std::uint64_t>(index),
            bytes.data() + static_cast<std::size_t>(offset) * element_bytes);
      std::size_t d = at.ndims();
      while (d > 0 && ++at[d - 1] == box.count[d - 1]) at[--d] = 0;
      if (d == 0) return;
    }
  }

  void fill(std::uint64_t array, const Dims& shape, cairn::Dtype dtype) {
    for_each(shape,
             [&](std::uint64_t index, std::byte* element) { put_value(array, index, dtype, element); });
  }
  bool holds(std::uint64_t array, const Dims& shape, cairn::Dtype dtype) {
    bool right = true;
    for_each(shape, [&](std::uint64_t index, std::byte* element) {
      std::byte expected[16];
      put_value(array, index, dtype, expected);
      right = right && std::memcmp(element, expected, element_bytes) == 0;
    });
    return right;
  }
};

/// Cuts an array into boxes by random planes.
inline std::vector<Box> random_boxes(Random& random, const Dims& shape, int pieces) {
  std::vector<Box> boxes = {cairn::tree::whole(shape)};
  for (int i = 1; i < pieces; ++i) {
    auto& box =
        boxes[static_cast<std::size_t>(between(random, 0, static_cast<std::int64_t>(boxes.size()) - 1))];
    const auto d = static_cast<std::size_t>(between(random, 0, static_cast<std::int64_t>(shape.ndims()) - 1));
    if (box.count[d] < 2) continue;
    const auto cut = between(random, 1, box.count[d] - 1);
    Box upper = box;
    upper.start[d] += cut;
    upper.count[d] -= cut;
    box.count[d] = cut;
    boxes.push_back(upper);
  }
  return boxes;
}

/// Equal boxes of a grid; those at the upper edges are smaller.
inline std::vector<Box> grid_boxes(const Dims& shape, const Dims& cell) {
  std::vector<Box> boxes;
  Box box = cairn::tree::whole(shape);
  for (std::size_t d = 0; d < shape.ndims(); ++d) box.start[d] = 0;
  for (;;) {
    for (std::size_t d = 0; d < shape.ndims(); ++d) box.count[d] = std::min(cell[d], shape[d] - box.start[d]);
    boxes.push_back(box);
    std::size_t d = shape.ndims();
    while (d > 0) {
      box.start[d - 1] += cell[d - 1];
      if (box.start[d - 1] < shape[d - 1]) break;
      box.start[--d] = 0;
    }
    if (d == 0) return boxes;
  }
}

}  // namespace mpi_test
