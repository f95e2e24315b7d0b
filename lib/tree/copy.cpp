#include "tree/box.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

namespace cairn::tree {
namespace {

/// One dimension of a copy, strides in bytes.
struct Step {
  std::int64_t count = 1, from = 0, to = 0;
};

/// A copy with its dimensions of one index dropped and those that follow one another joined.
struct Steps {
  std::array<Step, 8> dims{};
  std::size_t ndims = 0;

  void push(const Step& step) {
    if (step.count == 1) return;
    if (ndims > 0) {
      auto& outer = dims[ndims - 1];
      if (outer.from == step.from * step.count && outer.to == step.to * step.count) {
        outer = {outer.count * step.count, step.from, step.to};
        return;
      }
    }
    dims[ndims++] = step;
  }
};

/// Calls `body(from, to)` for each index of the first `ndims` dimensions.
template <class Body>
void for_each_index(const Step* dims, std::size_t ndims, const std::byte* from, std::byte* to,
                    const Body& body) {
  std::array<std::int64_t, 8> index{};
  while (true) {
    body(from, to);
    std::size_t dim = ndims;
    while (dim > 0) {
      const auto& step = dims[dim - 1];
      from += step.from;
      to += step.to;
      if (++index[dim - 1] < step.count) break;
      from -= step.from * step.count;
      to -= step.to * step.count;
      index[dim - 1] = 0;
      --dim;
    }
    if (dim == 0) return;
  }
}

/// Copies a plane of elements of a size that the compiler knows, so that each copy is one load and store.
template <std::size_t kBytes>
void copy_plane(const std::byte* from, std::byte* to, const Step& outer, const Step& inner, std::size_t) {
  // Squares of 32 by 32 keep both sides in the cache where one side runs across the other.
  constexpr std::int64_t kSide = 32;
  const bool crossed = std::abs(outer.from) < std::abs(inner.from) || std::abs(outer.to) < std::abs(inner.to);
  const auto side_outer = crossed ? kSide : outer.count;
  const auto side_inner = crossed ? kSide : inner.count;
  for (std::int64_t o = 0; o < outer.count; o += side_outer)
    for (std::int64_t i = 0; i < inner.count; i += side_inner) {
      const auto end_o = std::min(o + side_outer, outer.count);
      const auto end_i = std::min(i + side_inner, inner.count);
      for (auto row = o; row < end_o; ++row) {
        const auto* source = from + row * outer.from + i * inner.from;
        auto* target = to + row * outer.to + i * inner.to;
        for (auto column = i; column < end_i; ++column, source += inner.from, target += inner.to)
          std::memcpy(target, source, kBytes);
      }
    }
}

void copy_plane_any(const std::byte* from, std::byte* to, const Step& outer, const Step& inner,
                    std::size_t bytes) {
  for (std::int64_t row = 0; row < outer.count; ++row)
    for (std::int64_t column = 0; column < inner.count; ++column)
      std::memcpy(to + row * outer.to + column * inner.to, from + row * outer.from + column * inner.from,
                  bytes);
}

using Plane = void (*)(const std::byte*, std::byte*, const Step&, const Step&, std::size_t);

Plane plane_for(std::size_t bytes) noexcept {
  switch (bytes) {
    case 1:
      return copy_plane<1>;
    case 2:
      return copy_plane<2>;
    case 4:
      return copy_plane<4>;
    case 8:
      return copy_plane<8>;
    case 16:
      return copy_plane<16>;
    default:
      return copy_plane_any;
  }
}

}  // namespace

void copy_strided(const std::byte* from, const Dims& from_strides, std::byte* to, const Dims& to_strides,
                  const Dims& count, std::uint64_t element_bytes) {
  if (product(count) == 0 || element_bytes == 0) return;
  const auto bytes = static_cast<std::int64_t>(element_bytes);
  Steps steps;
  for (std::size_t dim = 0; dim < count.ndims(); ++dim)
    steps.push({count[dim], from_strides[dim] * bytes, to_strides[dim] * bytes});
  if (steps.ndims == 0) {
    std::memcpy(to, from, element_bytes);
    return;
  }

  auto& dims = steps.dims;
  const auto& last = dims[steps.ndims - 1];
  if (last.from == bytes && last.to == bytes) {
    const auto row = static_cast<std::size_t>(last.count * bytes);
    for_each_index(dims.data(), steps.ndims - 1, from, to,
                   [&](const std::byte* source, std::byte* target) { std::memcpy(target, source, row); });
    return;
  }

  // The plane of the innermost dimension and of the one in which either side runs fastest.
  const auto pace = [](const Step& step) { return std::min(std::abs(step.from), std::abs(step.to)); };
  const auto inner = last;
  Step outer;
  std::size_t ndims = steps.ndims - 1;
  if (ndims > 0) {
    const auto fastest = std::min_element(dims.begin(), dims.begin() + static_cast<std::ptrdiff_t>(ndims),
                                          [&](const Step& a, const Step& b) { return pace(a) < pace(b); });
    outer = *fastest;
    std::move(fastest + 1, dims.begin() + static_cast<std::ptrdiff_t>(ndims), fastest);
    --ndims;
  }
  const auto plane = plane_for(element_bytes);
  for_each_index(dims.data(), ndims, from, to, [&](const std::byte* source, std::byte* target) {
    plane(source, target, outer, inner, element_bytes);
  });
}

void list_runs(std::byte* data, const Dims& strides, const Dims& count, std::uint64_t element_bytes,
               std::uint64_t shortest, std::vector<std::span<std::byte>>& runs) {
  runs.clear();
  if (product(count) == 0 || element_bytes == 0) return;
  const auto bytes = static_cast<std::int64_t>(element_bytes);
  Steps steps;
  for (std::size_t dim = 0; dim < count.ndims(); ++dim)
    steps.push({count[dim], strides[dim] * bytes, strides[dim] * bytes});
  auto length = element_bytes;
  if (steps.ndims > 0 && steps.dims[steps.ndims - 1].from == bytes)
    length *= static_cast<std::uint64_t>(steps.dims[--steps.ndims].count);
  if (length < shortest) return;
  for_each_index(steps.dims.data(), steps.ndims, data, data,
                 [&](const std::byte*, std::byte* run) { runs.emplace_back(run, length); });
}

}  // namespace cairn::tree
