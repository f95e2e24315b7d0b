#include "device/shape.hpp"

#include <algorithm>

namespace cairn::device {

namespace {

struct Dims8 {
  std::array<CopyShape::Dim, 8> dims{};
  std::size_t count = 0;
};

/// The dimensions outside the runs, whose length is set.
Dims8 outside_runs(const Box& box, std::uint64_t& run_bytes) {
  Dims8 result;
  auto& [dims, ndims] = result;
  const auto element = static_cast<std::int64_t>(box.element_bytes);
  for (std::size_t dim = 0; dim < box.count.ndims(); ++dim) {
    const CopyShape::Dim next{box.count[dim], box.strides[dim] * element};
    if (next.count == 1) continue;
    if (ndims > 0 && dims[ndims - 1].stride == next.stride * next.count)
      dims[ndims - 1] = {dims[ndims - 1].count * next.count, next.stride};
    else
      dims[ndims++] = next;
  }
  run_bytes = box.element_bytes;
  if (ndims > 0 && dims[ndims - 1].stride == element)
    run_bytes *= static_cast<std::uint64_t>(dims[--ndims].count);
  return result;
}

}  // namespace

CopyShape shape_of(const Box& box) {
  CopyShape shape;
  auto [dims, ndims] = outside_runs(box, shape.run_bytes);
  // A row must not begin before the one above it has ended, and planes are whole numbers of rows apart.
  const auto run = static_cast<std::int64_t>(shape.run_bytes);
  if (ndims > 0 && dims[ndims - 1].stride >= run) shape.rows = dims[--ndims];
  if (shape.rows.count > 1 && ndims > 0 && dims[ndims - 1].stride > 0 &&
      dims[ndims - 1].stride % shape.rows.stride == 0 &&
      dims[ndims - 1].stride >= shape.rows.stride * shape.rows.count)
    shape.planes = dims[--ndims];
  std::copy_n(dims.begin(), ndims, shape.outer.begin());
  shape.outer_dims = ndims;
  return shape;
}

CopyShape any_shape_of(const Box& box) {
  CopyShape shape;
  auto [dims, ndims] = outside_runs(box, shape.run_bytes);
  if (ndims > 0) shape.rows = dims[--ndims];
  if (ndims > 0) shape.planes = dims[--ndims];
  std::copy_n(dims.begin(), ndims, shape.outer.begin());
  shape.outer_dims = ndims;
  return shape;
}

}  // namespace cairn::device
