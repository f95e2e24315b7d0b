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
  if (before_ != device) check(cudaSetDevice(device), "cudaSetDevice");
}

CurrentDevice::~CurrentDevice() {
  if (cudaSetDevice(before_) != cudaSuccess) cudaGetLastError();
}

Stream::Stream(int device, cudaStream_t caller) : device_(device) {
  const CurrentDevice current(device);
  check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  cudaEvent_t event = nullptr;
  auto result = cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
  if (result == cudaSuccess) result = cudaEventRecord(event, caller);
  if (result == cudaSuccess) result = cudaStreamWaitEvent(stream_, event, 0);
  if (event != nullptr) cudaEventDestroy(event);
  if (result != cudaSuccess) {
    cudaGetLastError();
    cudaStreamDestroy(stream_);
    check(result, "ordering a stream after the caller's");
  }
}

Stream::~Stream() {
  if (stream_ != nullptr) cudaStreamDestroy(stream_);
}

int device_of(const void* memory) {
  cudaPointerAttributes attributes{};
  check(cudaPointerGetAttributes(&attributes, memory), "cudaPointerGetAttributes");
  return attributes.device;
}

}  // namespace cairn::device
