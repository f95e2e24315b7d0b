#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace cairn::async {

/// One thread that does jobs in the order in which they are given. It is started by the first job, and takes
/// no signals. Any thread.
class Worker {
 public:
  Worker() = default;
  ~Worker();  // after the last job
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// `job` must not throw. Where no thread can be started, it is done before this returns.
  void submit(std::function<void()> job);
  /// Returns when every job that was given is done.
  void wait_idle();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;  // the first is being done
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace cairn::async
