#pragma once

#include <chrono>

namespace cairn::base {

/// Seconds since it was made, by the monotonic clock.
class Clock {
 public:
  double seconds() const noexcept { return since(start_); }
  /// Seconds since the last lap, or since it was made.
  double lap() noexcept {
    const double seconds = since(lap_);
    lap_ = Monotonic::now();
    return seconds;
  }

 private:
  using Monotonic = std::chrono::steady_clock;
  static double since(Monotonic::time_point from) noexcept {
    return std::chrono::duration<double>(Monotonic::now() - from).count();
  }
  Monotonic::time_point start_ = Monotonic::now();
  Monotonic::time_point lap_ = start_;
};

}  // namespace cairn::base
