#include "io/pace.hpp"

#include "cairn/error.hpp"

#include <algorithm>
#include <thread>

namespace cairn::io {

Pace::Pace(std::uint64_t bytes_per_s, const std::atomic<bool>& cancelled, std::function<bool()> given_up)
    : bytes_per_s_(bytes_per_s),
      cancelled_(&cancelled),
      next_(std::chrono::steady_clock::now()),
      given_up_(std::move(given_up)),
      asked_(next_) {}

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
  do {
    if (*cancelled_ || should_stop())
      throw Error(ErrorCode::cancelled,
                  *cancelled_ ? "the save was cancelled" : "another rank gave the save up");
    const auto now = steady_clock::now();
    if (now >= start) return;
    std::this_thread::sleep_for(std::min<steady_clock::duration>(start - now, std::chrono::milliseconds(20)));
  } while (true);
}

bool Pace::should_stop() {
  constexpr std::chrono::milliseconds pause{200};
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (given_up_ && !stop_ && now - asked_ >= pause) {
    asked_ = now;
    stop_ = given_up_();
  }
  return stop_;
}

}  // namespace cairn::io
