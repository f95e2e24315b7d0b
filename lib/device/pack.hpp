#pragma once

#include "device/pack_words.hpp"

#include <cuda_runtime_api.h>

/// The kernel that packs boxes, compiled by nvcc (pack.cu); without nvcc there is none (pack_stub.cpp).
namespace cairn::device {

/// Whether there is a kernel that the current device can run. Any thread.
bool can_pack() noexcept;
/// Launches it on a stream of the current device. The batch is copied; both sides of its boxes must be memory
/// that the device can address.
cudaError_t launch_pack(const PackBatch& batch, cudaStream_t stream);

}  // namespace cairn::device
