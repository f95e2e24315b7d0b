#pragma once

#include "detail/traits.hpp"

/// \file
/// Extents, boxes, and the memory around a box.

namespace cairn {
inline namespace CAIRN_ABI {

/// Up to 8 extents or offsets, slowest dimension first, of any integer type: `{rows, cols}`, or a range of
/// integers. A bare number does not convert. Nothing here throws: what is negative or too long, the next
/// collective call reports on all ranks. Not collective; a plain value.
class CAIRN_API Dims {
 public:
  /// One extent, from an integer of any type (not bool, not a character).
  struct Extent {
    std::int64_t value;
    template <class Int, detail::if_index<Int> = 0>
    constexpr Extent(Int v) noexcept : value(static_cast<std::int64_t>(v)) {}
  };

  Dims() = default;  ///< no dimensions: a scalar
  Dims(std::initializer_list<Extent> extents) noexcept;
  template <class Range, detail::if_range<Range> = 0>
  Dims(const Range& extents) noexcept {
    for (auto e : extents) push_back(e);
  }

  /// Beyond the eighth, an extent is counted and not kept.
  void push_back(Extent extent) noexcept;
  /// How many were given, which may be more than 8.
  std::size_t ndims() const noexcept { return ndims_; }
  const std::int64_t* begin() const noexcept { return extents_.data(); }
  const std::int64_t* end() const noexcept { return begin() + std::min(ndims_, extents_.size()); }
  /// `dim` below 8.
  std::int64_t operator[](std::size_t dim) const noexcept { return extents_[dim]; }
  std::int64_t& operator[](std::size_t dim) noexcept { return extents_[dim]; }

 private:
  std::array<std::int64_t, 8> extents_{};
  std::size_t ndims_ = 0;
};
CAIRN_API bool operator==(const Dims& a, const Dims& b) noexcept;
CAIRN_API bool operator!=(const Dims& a, const Dims& b) noexcept;

/// One hyperslab of a global array: this rank's. In elements, 0-based, slowest dimension first.
struct Slab {
  Dims shape = {};   ///< of the whole array, over all ranks
  Dims start = {};   ///< start and count left out: all of it is this rank's
  Dims count = {};   ///< zeros are ordinary: this rank holds nothing
  int replica = 0;   ///< the box is held by `replicas` ranks, of which this is number `replica`
  int replicas = 1;  ///< each of them must hold the same bytes
};

/// The memory that a slab lies in, where it is more than the slab (halos, padding, another order). In
/// elements.
struct Memory {
  Dims shape = {};    ///< of the allocation; left out: the container's own extents, else the slab's count
  Dims start = {};    ///< where the slab begins in it; left out: zeros
  Dims strides = {};  ///< between neighbours, one a dimension; left out: row-major (or the container's own)
};

}  // namespace CAIRN_ABI
}  // namespace cairn
