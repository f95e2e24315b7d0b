#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>

namespace cairn::io {

/// How fast a background save may write, and whether it should go on. Any threads at once.
class Pace {
 public:
  /// `bytes_per_s` 0: as fast as it can. Refers to `cancelled`. `given_up`, which may be null, is asked now
  /// and then.
  Pace(std::uint64_t bytes_per_s, const std::atomic<bool>& cancelled,
       std::function<bool()> given_up = nullptr);

  /// Before so many bytes are written: waits until they may be. Error(cancelled) where they should not be.
  void before(std::uint64_t bytes);

 private:
  bool should_stop();

  using Time = std::chrono::steady_clock::time_point;

  std::uint64_t bytes_per_s_;
  const std::atomic<bool>* cancelled_;
  std::mutex mutex_;
  Time next_;  // when the next bytes may be written
  std::function<bool()> given_up_;
  Time asked_;  // given_up
  bool stop_ = false;
};

}  // namespace cairn::io
