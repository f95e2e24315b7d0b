#include "io/pace.hpp"

#include "cairn/error.hpp"

#include <algorithm>
#include <thread>

namespace cairn::io {

Pace::Pace(std::uint64_t bytes_per_s, const std::atomic<bool>& cancelled)
    : bytes_per_s_(bytes_per_s), cancelled_(&cancelled), next_(std::chrono::steady_clock::now()) {}

void Pace::before(std::uint64_t bytes) {
  using std::chrono::steady_clock;
  Time start = steady_clock::now();
  if (bytes_per_s_ > 0) {
    const std::lock_guard lock(mutex_);
    // What was not written in time is not made up for: bursts are what the bound is against.
    start = std::max(next_, start);
    const std::chrono::duration<double> takes(static_cast<double>(bytes) / static_cast<double>(bytes_per_s_));
    next_ = start + std::chrono::duration_cast<steady_clock::duration>(takes);
  }
  while (!*cancelled_ && steady_clock::now() < start)
    std::this_thread::sleep_for(
        std::min<steady_clock::duration>(start - steady_clock::now(), std::chrono::milliseconds(20)));
  if (*cancelled_) throw Error(ErrorCode::cancelled, "the save was cancelled");
}

}  // namespace cairn::io
