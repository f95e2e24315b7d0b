#include "device/cuda_stream.hpp"

#include "cairn/error.hpp"

#include <string>

namespace cairn::device {

void check(cudaError_t result, const char* call) {
  if (result == cudaSuccess) return;
  cudaGetLastError();  // so that the program's next check does not find ours
  throw Error(ErrorCode::device, std::string(call) + " failed: " + cudaGetErrorName(result) + ", " +
                                     cudaGetErrorString(result) +
                                     "; see whether an earlier kernel of the program failed");
}

CurrentDevice::CurrentDevice(int device) {
  check(cudaGetDevice(&before_), "cudaGetDevice");
  if (before_ == device) return;  // the program's own context, if it made one, stays current
  check(cudaSetDevice(device), "cudaSetDevice");
  changed_ = true;
}

CurrentDevice::~CurrentDevice() {
  if (changed_ && cudaSetDevice(before_) != cudaSuccess) cudaGetLastError();
}

namespace {

/// Lets `stream` wait for what `caller` was given. The event must be of the caller's device, which is this
/// one or not.
cudaError_t order_after(cudaStream_t stream, cudaStream_t caller, int device) {
  const CurrentDevice current(device);
  cudaEvent_t event = nullptr;
  auto result = cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
  if (result == cudaSuccess) result = cudaEventRecord(event, caller);
  if (result == cudaSuccess) result = cudaStreamWaitEvent(stream, event, 0);
  if (event != nullptr) cudaEventDestroy(event);
  if (result != cudaSuccess) cudaGetLastError();
  return result;
}

}  // namespace

Stream::Stream(int device, cudaStream_t caller) : device_(device) {
  {
    const CurrentDevice current(device);
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  }
  try {
    auto result = order_after(stream_, caller, device);
    int devices = 0;
    if (result == cudaErrorInvalidResourceHandle) check(cudaGetDeviceCount(&devices), "cudaGetDeviceCount");
    for (int other = 0; other < devices && result == cudaErrorInvalidResourceHandle; ++other)
      if (other != device) result = order_after(stream_, caller, other);
    check(result, "ordering a stream after the caller's");
  } catch (...) {
    cudaStreamDestroy(stream_);
    throw;
  }
}

Stream::~Stream() {
  if (stream_ != nullptr) cudaStreamDestroy(stream_);
}

Placement placement_of(const void* memory) {
  cudaPointerAttributes attributes{};
  check(cudaPointerGetAttributes(&attributes, memory), "cudaPointerGetAttributes");
  return {attributes.device, attributes.type == cudaMemoryTypeManaged};
}

}  // namespace cairn::device
