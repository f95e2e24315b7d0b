#include "checkpointer/time.hpp"

#include <atomic>
#include <thread>

namespace cairn::checkpointer {
namespace {

class SystemTime final : public TimeSource {
 public:
  double monotonic_s() override {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  }
  std::chrono::system_clock::time_point now() override { return std::chrono::system_clock::now(); }
  void sleep(double seconds) override { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }
};

std::atomic<TimeSource*> set = nullptr;

}  // namespace

TimeSource* set_time_source(TimeSource* source) noexcept {
  return set.exchange(source);
}

TimeSource& time_source() noexcept {
  static SystemTime system;
  auto* const source = set.load();
  return source ? *source : system;
}

}  // namespace cairn::checkpointer
