#include "device/pack.hpp"

namespace cairn::device {

bool can_pack() noexcept {
  return false;
}
cudaError_t launch_pack(const PackBatch&, cudaStream_t) {
  return cudaErrorInvalidValue;
}

}  // namespace cairn::device
