#include "async/worker.hpp"

#include "base/thread.hpp"

#include <system_error>
#include <utility>

namespace cairn::async {

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Worker::submit(Jobs jobs) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (!thread_.joinable()) {
      try {
        const base::WithoutSignals guard;
        thread_ = std::thread([this] { run(); });
      } catch (const std::system_error&) {
        // Done below.
      }
    }
    if (thread_.joinable()) {
      jobs_.splice(jobs_.end(), jobs);
      changed_.notify_all();
      return;
    }
  }
  for (auto& job : jobs) job();
}

void Worker::wait_idle() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return jobs_.empty(); });
}

void Worker::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return !jobs_.empty() || ending_; });
    if (jobs_.empty()) return;
    auto job = std::move(jobs_.front());
    lock.unlock();
    job();
    job = nullptr;  // what it holds goes outside the lock
    lock.lock();
    jobs_.pop_front();
    changed_.notify_all();
  }
}

}  // namespace cairn::async
