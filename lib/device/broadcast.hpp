#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace cairn::device {

/// Broadcasts from device to device over the program's own ncclComm_t (`device.nccl`), on a stream of ours.
/// `nccl.cpp` does it; `nccl_stub.cpp`, without NCCL in the build, can not.
class Broadcast {
 public:
  /// Whether this communicator serves: it has these ranks, and this one has this number in it. False for
  /// null, and without NCCL in the build. Not collective.
  static bool serves(void* nccl, int rank, int ranks) noexcept;

  /// For a communicator that serves. Not collective.
  Broadcast(void* nccl, void* caller_stream);
  ~Broadcast();
  Broadcast(const Broadcast&) = delete;
  Broadcast& operator=(const Broadcast&) = delete;

  /// Starts to send the root's bytes to all others; all on one device of each rank. Collective over the
  /// communicator. Error(device) on this rank alone.
  void start(std::byte* memory, std::uint64_t bytes, int root);
  /// Until all that was started is done. Error(device); Error(timeout) after so many seconds, on this rank
  /// alone: another rank did not take part. The program's communicator is then of no more use.
  void wait(double timeout_s);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cairn::device
