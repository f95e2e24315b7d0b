#pragma once

#include "device/memory.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace cairn::device {

/// A box as the runtime's copies see it: runs of consecutive bytes, in rows, in planes; what is left over is
/// gone through by the host. Dimensions of one index are dropped, and those that follow one another joined.
struct CopyShape {
  struct Dim {
    std::int64_t count = 1, stride = 0;  // in bytes
  };
  std::uint64_t run_bytes = 0;
  Dim rows, planes;            // of a count of 1 where there are none
  std::array<Dim, 8> outer{};  // the slowest first
  std::size_t outer_dims = 0;

  std::uint64_t plane_bytes() const noexcept { return run_bytes * static_cast<std::uint64_t>(rows.count); }
  /// Of all of one 3-D copy, packed.
  std::uint64_t cube_bytes() const noexcept {
    return plane_bytes() * static_cast<std::uint64_t>(planes.count);
  }
  /// From the first byte to the last of one 3-D copy, with what lies between. Only for strides that are not
  /// negative.
  std::uint64_t enclosing_bytes() const noexcept {
    return static_cast<std::uint64_t>((planes.count - 1) * planes.stride + (rows.count - 1) * rows.stride) +
           run_bytes;
  }
};

CopyShape shape_of(const Box& box);
/// The same with rows and planes that lie in any way to one another, backwards too.
CopyShape any_shape_of(const Box& box);

/// Calls `cube(offset from box.data, offset in the packed bytes)` for each 3-D copy of the shape.
template <class Cube>
void for_each_cube(const CopyShape& shape, const Cube& cube) {
  std::array<std::int64_t, 8> index{};
  std::int64_t offset = 0;
  std::uint64_t packed = 0;
  while (true) {
    cube(offset, packed);
    packed += shape.cube_bytes();
    std::size_t dim = shape.outer_dims;
    while (dim > 0) {
      const auto& step = shape.outer[dim - 1];
      offset += step.stride;
      if (++index[dim - 1] < step.count) break;
      offset -= step.stride * step.count;
      index[dim - 1] = 0;
      --dim;
    }
    if (dim == 0) return;
  }
}

}  // namespace cairn::device
