#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>

namespace cairn::io {

/// How fast a background save may write, and whether it should go on. Any threads at once.
class Pace {
 public:
  /// `bytes_per_s` 0: as fast as it can. Refers to `cancelled`.
  Pace(std::uint64_t bytes_per_s, const std::atomic<bool>& cancelled);

  /// Before so many bytes are written: waits until they may be. Error(cancelled).
  void before(std::uint64_t bytes);

 private:
  using Time = std::chrono::steady_clock::time_point;

  std::uint64_t bytes_per_s_;
  const std::atomic<bool>* cancelled_;
  std::mutex mutex_;
  Time next_;  // when the next bytes may be written
};

}  // namespace cairn::io
