#pragma once

#include "checkpointer/time.hpp"

namespace mpi_test {

/// Time that goes on when the test says so, and while somebody sleeps, for as long as it lives.
class ManualTime final : public cairn::checkpointer::TimeSource {
 public:
  ManualTime() : before_(cairn::checkpointer::set_time_source(this)) {}
  ~ManualTime() override { cairn::checkpointer::set_time_source(before_); }
  ManualTime(const ManualTime&) = delete;
  ManualTime& operator=(const ManualTime&) = delete;

  double monotonic_s() override { return seconds_; }
  std::chrono::system_clock::time_point now() override {
    return start_ + std::chrono::duration_cast<std::chrono::system_clock::duration>(
                        std::chrono::duration<double>(seconds_));
  }
  void sleep(double seconds) override { pass(seconds); }
  void pass(double seconds) { seconds_ += seconds; }

 private:
  cairn::checkpointer::TimeSource* before_;
  std::chrono::system_clock::time_point start_ = std::chrono::system_clock::now();
  double seconds_ = 1000;
};

}  // namespace mpi_test
