#include "device/pack.hpp"

#include <algorithm>

namespace cairn::device {
namespace {

/// Enough to keep the bus busy, and few, since the program computes meanwhile.
constexpr unsigned kThreads = 256, kMostBlocks = 64;

#if (defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 700) || CUDART_VERSION < 11070
#define CAIRN_IN_PLACE
#else
#define CAIRN_IN_PLACE __grid_constant__
#endif
__global__ void pack_kernel(const CAIRN_IN_PLACE PackBatch batch) {
  pack_words(batch, blockIdx.x * blockDim.x + threadIdx.x, gridDim.x * blockDim.x);
}

}  // namespace

bool can_pack() noexcept {
  cudaFuncAttributes attributes{};
  if (cudaFuncGetAttributes(&attributes, pack_kernel) == cudaSuccess) return true;
  cudaGetLastError();  // no code for this device
  return false;
}

cudaError_t launch_pack(const PackBatch& batch, cudaStream_t stream) {
  const auto blocks = std::min((batch.words + kThreads - 1) / kThreads, kMostBlocks);
  void* arguments[] = {const_cast<PackBatch*>(&batch)};
  return cudaLaunchKernel(reinterpret_cast<const void*>(pack_kernel), dim3(blocks), dim3(kThreads), arguments,
                          0, stream);
}

}  // namespace cairn::device
