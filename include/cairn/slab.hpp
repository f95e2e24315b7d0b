#pragma once

#include "detail/traits.hpp"

namespace cairn {
inline namespace CAIRN_ABI {

class CAIRN_API Dims {  // up to 8 extents or offsets, of any integer type. Never throws: what is negative or
                        // too long, save and load report on all ranks
 public:
  struct Extent {
    std::int64_t value;
    template <class Int, detail::if_index<Int> = 0>
    constexpr Extent(Int v) noexcept : value(static_cast<std::int64_t>(v)) {}
  };
  Dims() = default;
  Dims(std::initializer_list<Extent> extents) noexcept;
  template <class Range, detail::if_range<Range> = 0>
  Dims(const Range& extents) noexcept {
    for (auto e : extents) push_back(e);
  }
  void push_back(Extent extent) noexcept;
  std::size_t ndims() const noexcept { return ndims_; }
  const std::int64_t* begin() const noexcept { return extents_.data(); }
  const std::int64_t* end() const noexcept { return begin() + std::min(ndims_, extents_.size()); }
  std::int64_t operator[](std::size_t dim) const noexcept { return extents_[dim]; }
  std::int64_t& operator[](std::size_t dim) noexcept { return extents_[dim]; }

 private:
  std::array<std::int64_t, 8> extents_{};
  std::size_t ndims_ = 0;
};
CAIRN_API bool operator==(const Dims&, const Dims&) noexcept, operator!=(const Dims&, const Dims&) noexcept;
struct Slab {
  Dims shape = {}, start = {}, count = {};  // start and count left out: all of it is this rank's
  int replica = 0, replicas = 1;
};  // the box is held by `replicas` ranks, of which this is number `replica`
struct Memory {
  Dims shape = {}, start = {}, strides = {};
};  // the allocation around the slab; strides in elements, {}: row-major

}  // namespace CAIRN_ABI
}  // namespace cairn
