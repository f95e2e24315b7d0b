#include "cairn/slab.hpp"

namespace cairn {
inline namespace CAIRN_ABI {

Dims::Dims(std::initializer_list<Extent> extents) noexcept {
  for (const auto& extent : extents) push_back(extent);
}

void Dims::push_back(Extent extent) noexcept {
  if (ndims_ < extents_.size()) extents_[ndims_] = extent.value;
  ++ndims_;
}

bool operator==(const Dims& a, const Dims& b) noexcept {
  return a.ndims() == b.ndims() && std::equal(a.begin(), a.end(), b.begin());
}
bool operator!=(const Dims& a, const Dims& b) noexcept {
  return !(a == b);
}

}  // namespace CAIRN_ABI
}  // namespace cairn
