#pragma once

#include <chrono>

namespace cairn::checkpointer {

/// The clocks that policies go by, so that a test can set them.
class TimeSource {
 public:
  virtual ~TimeSource() = default;
  virtual double monotonic_s() = 0;
  virtual std::chrono::system_clock::time_point now() = 0;
  virtual void sleep(double seconds) = 0;
};
/// Sets the process's time source and returns the one before; null: the system's. For tests only.
TimeSource* set_time_source(TimeSource* source) noexcept;

/// The one that is set, or the system's.
TimeSource& time_source() noexcept;

}  // namespace cairn::checkpointer
