#pragma once

#include <cstddef>
#include <functional>

#include <cuda_runtime_api.h>

/// A CUDA runtime without a device. Streams are threads that do what they are given in order and late; device
/// memory is memory that faults when the host touches it. Any thread.
namespace simulated {

constexpr int kDevices = 2;

/// Where the host may look at device memory: what a kernel sees at `memory`.
std::byte* inside(void* memory);

/// A kernel: done on this stream, in its turn. nullptr: the default stream of the current device.
void launch(cudaStream_t stream, std::function<void()> kernel);

/// Makes the call of the runtime with this number from now (0: the next) fail; a negative one: none.
void fail_call(int call, cudaError_t error = cudaErrorIllegalAddress);
/// Calls since `fail_call`.
int calls();
/// Whether a call needed a context on this device since `forget_contexts`.
bool has_context(int device);
void forget_contexts();
/// Whether the driver tells of memory by itself; it does not at first.
void start_driver(bool started);
/// Whether the devices can run the kernel that packs; they can at first.
void let_pack(bool packs);
/// How many copies of each kind, and kernels, were started since `reset_counts`.
struct Counts {
  int linear = 0, planar = 0, cubic = 0, kernels = 0;
};
Counts counts();
void reset_counts();

/// Streams, events and registered ranges of the host that are there now: what was not given back.
struct Alive {
  int streams = 0, events = 0, registered = 0;
};
Alive alive();

/// Device memory of `count` values; freed by the destructor.
template <class Value>
class DeviceArray {
 public:
  explicit DeviceArray(std::size_t count, int device = 0) {
    int before = 0;
    cudaGetDevice(&before);
    cudaSetDevice(device);
    void* memory = nullptr;
    cudaMalloc(&memory, count * sizeof(Value));
    cudaSetDevice(before);
    data_ = static_cast<Value*>(memory);
  }
  ~DeviceArray() { cudaFree(data_); }
  DeviceArray(const DeviceArray&) = delete;
  Value* data() const { return data_; }
  Value* inside() const { return reinterpret_cast<Value*>(simulated::inside(data_)); }

 private:
  Value* data_ = nullptr;
};

}  // namespace simulated
