#pragma once

#include <utility>

#include <cuda_runtime_api.h>

/// What the sources that use the CUDA runtime share.
namespace cairn::device {

/// Error(device) where a call did not succeed.
void check(cudaError_t result, const char* call);

/// Makes a device the current one while it lives.
class CurrentDevice {
 public:
  explicit CurrentDevice(int device);
  ~CurrentDevice();
  CurrentDevice(const CurrentDevice&) = delete;
  CurrentDevice& operator=(const CurrentDevice&) = delete;

 private:
  int before_ = 0;
  bool changed_ = false;
};

/// A stream of ours on one device, after what the caller's was given before (null: the device's default one).
class Stream {
 public:
  Stream(int device, cudaStream_t caller);
  Stream(Stream&& other) noexcept : device_(other.device_), stream_(std::exchange(other.stream_, nullptr)) {}
  Stream& operator=(Stream&&) = delete;
  ~Stream();

  int device() const noexcept { return device_; }
  cudaStream_t get() const noexcept { return stream_; }

 private:
  int device_;
  cudaStream_t stream_ = nullptr;
};

/// The device that memory is on, and whether it is managed, and so the host's as well.
struct Placement {
  int device = 0;
  bool managed = false;
};
Placement placement_of(const void* memory);

}  // namespace cairn::device
