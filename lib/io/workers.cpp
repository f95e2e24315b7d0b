#include "io/workers.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include <pthread.h>
#include <signal.h>

namespace cairn::io {
namespace {

/// Blocks every signal in this thread, so that threads started meanwhile inherit that.
class WithoutSignals {
 public:
  WithoutSignals() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~WithoutSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  WithoutSignals(const WithoutSignals&) = delete;
  WithoutSignals& operator=(const WithoutSignals&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

void run_workers(int threads, std::size_t units,
                 const std::function<void(std::size_t worker, std::size_t unit)>& work) {
  std::atomic<std::size_t> next{0};
  std::atomic<bool> stop{false};
  std::exception_ptr failure;
  std::mutex failure_mutex;
  const auto run = [&](std::size_t worker) noexcept {
    while (!stop.load(std::memory_order_relaxed)) {
      const auto unit = next.fetch_add(1);
      if (unit >= units) return;
      try {
        work(worker, unit);
      } catch (...) {
        const std::lock_guard lock(failure_mutex);
        if (!failure) failure = std::current_exception();
        stop = true;
      }
    }
  };

  {
    const auto helpers = std::min<std::size_t>(units, static_cast<std::size_t>(std::max(threads, 1)));
    std::vector<std::jthread> started;
    started.reserve(helpers);
    try {
      const WithoutSignals guard;
      for (std::size_t worker = 1; worker < helpers; ++worker) started.emplace_back(run, worker);
    } catch (const std::system_error&) {
      // No more threads to be had: those that there are do it all.
    }
    run(0);
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace cairn::io
