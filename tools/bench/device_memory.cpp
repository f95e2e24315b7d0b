#include "device_memory.hpp"

#include "cairn/error.hpp"
#include "device/memory.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>

#include <cuda_runtime_api.h>

namespace cairn::bench {
namespace {

void check(cudaError_t result, const char* call) {
  if (result != cudaSuccess)
    throw Error(ErrorCode::device, std::string(call) + " failed: " + cudaGetErrorString(result));
}

struct FreeOnDevice {
  void operator()(std::byte* memory) const noexcept { cudaFree(memory); }
};
using OnDevice = std::unique_ptr<std::byte, FreeOnDevice>;

OnDevice allocate(std::uint64_t bytes) {
  void* memory = nullptr;
  check(cudaMalloc(&memory, std::max<std::uint64_t>(bytes, 1)), "cudaMalloc");
  return OnDevice(static_cast<std::byte*>(memory));
}

std::uint64_t free_bytes() {
  std::size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  return free;
}

}  // namespace

struct DeviceMemory::State {
  const Workload* host;
  int device = 0;
  Workload on_device;
  std::vector<OnDevice> memory;  // of each allocation of the host's
  OnDevice one;                  // what is copied at once
  std::vector<std::byte> target;
  device::Pinned pinned;
  cudaStream_t stream = nullptr;
  std::uint64_t free_before = 0;
  std::atomic<std::uint64_t> least_free{0};
  std::atomic<bool> watching{false};
  std::thread watcher;

  void copy_all(const std::function<void(std::byte* device, std::byte* host, std::uint64_t bytes)>& copy) {
    for (std::size_t i = 0; i < memory.size(); ++i) {
      auto& bytes = const_cast<std::vector<std::byte>&>(host->memory[i]);
      if (!bytes.empty()) copy(memory[i].get(), bytes.data(), bytes.size());
    }
    check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
  }
  /// Where on the device the byte lies that lies here on the host.
  std::byte* twin(const std::byte* data) const {
    for (std::size_t i = 0; i < memory.size(); ++i) {
      const auto& bytes = host->memory[i];
      if (std::less_equal<>()(bytes.data(), data) && std::less<>()(data, bytes.data() + bytes.size()))
        return memory[i].get() + (data - bytes.data());
    }
    return nullptr;  // a piece without elements
  }
};

bool DeviceMemory::is_available() {
  return device::is_available();
}

DeviceMemory::DeviceMemory(const Workload& host, int rank) : state_(std::make_unique<State>()) {
  auto& s = *state_;
  s.host = &host;
  int devices = 0;
  check(cudaGetDeviceCount(&devices), "cudaGetDeviceCount");
  s.device = rank % std::max(devices, 1);
  check(cudaSetDevice(s.device), "cudaSetDevice");
  check(cudaStreamCreateWithFlags(&s.stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  std::uint64_t all = 0;
  for (const auto& bytes : host.memory) {
    s.memory.push_back(allocate(bytes.size()));
    all += bytes.size();
  }
  s.one = allocate(all);
  s.target.resize(all);
  s.pinned = device::Pinned(s.target);
  s.on_device.name = host.name;
  s.on_device.fields = host.fields;
  for (auto& field : s.on_device.fields)
    for (auto& piece : field.pieces) piece.data = s.twin(piece.data);
  upload();
}

DeviceMemory::~DeviceMemory() {
  if (state_->watcher.joinable()) {
    state_->watching = false;
    state_->watcher.join();
  }
  if (state_->stream != nullptr) cudaStreamDestroy(state_->stream);
}

const Workload& DeviceMemory::workload() const noexcept {
  return state_->on_device;
}

void DeviceMemory::upload() {
  state_->copy_all([this](std::byte* device, std::byte* host, std::uint64_t bytes) {
    check(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, state_->stream), "cudaMemcpyAsync");
  });
}

void DeviceMemory::download() {
  state_->copy_all([this](std::byte* device, std::byte* host, std::uint64_t bytes) {
    check(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, state_->stream), "cudaMemcpyAsync");
  });
}

void DeviceMemory::copy_to_pinned(std::uint64_t bytes) {
  bytes = std::min<std::uint64_t>(bytes, state_->target.size());
  check(cudaMemcpyAsync(state_->target.data(), state_->one.get(), bytes, cudaMemcpyDeviceToHost,
                        state_->stream),
        "cudaMemcpyAsync");
  check(cudaStreamSynchronize(state_->stream), "cudaStreamSynchronize");
}

void DeviceMemory::start_watching() {
  auto& s = *state_;
  s.free_before = s.least_free = free_bytes();
  s.watching = true;
  s.watcher = std::thread([&s] {
    cudaSetDevice(s.device);
    while (s.watching) {
      std::size_t free = 0, total = 0;
      if (cudaMemGetInfo(&free, &total) == cudaSuccess && free < s.least_free) s.least_free = free;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
}

std::uint64_t DeviceMemory::stop_watching() {
  state_->watching = false;
  state_->watcher.join();
  return state_->free_before - state_->least_free;
}

}  // namespace cairn::bench
