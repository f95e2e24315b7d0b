#pragma once

#include <condition_variable>
#include <functional>
#include <list>
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

  using Jobs = std::list<std::function<void()>>;
  /// One job, which must not throw.
  static Jobs make_job(std::function<void()> job) {
    Jobs jobs;
    jobs.push_back(std::move(job));
    return jobs;
  }
  /// Where no thread can be started, the jobs are done before this returns.
  void submit(Jobs jobs) noexcept;
  void submit(std::function<void()> job) { submit(make_job(std::move(job))); }
  /// Returns when every job that was given is done.
  void wait_idle();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  Jobs jobs_;  // the first is being done
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace cairn::async
