#pragma once

#include "workload.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace cairn::bench {

/// A copy of a rank's workload in the memory of a device, and what its staging is compared with. Without CUDA
/// in the build there is none (device_memory_stub.cpp). Failures of the runtime are Error(device).
class DeviceMemory {
 public:
  static bool is_available();

  /// Rank r takes device r modulo the number of devices. `host` must outlive this.
  DeviceMemory(const Workload& host, int rank);
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory&) = delete;

  /// The workload with its pieces in device memory, which only Cairn may be given.
  const Workload& workload() const noexcept;
  /// Copies all of the host's workload to the device, and the reverse.
  void upload();
  void download();
  /// One copy from the device to pinned memory, which has been touched, of as many bytes as are saved.
  void copy_to_pinned(std::uint64_t bytes);

  /// Watches how much memory of the device is taken, once a millisecond.
  void start_watching();
  /// How much more was taken than when it began, at the most.
  std::uint64_t stop_watching();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cairn::bench
