#include "io/workers.hpp"

#include "base/thread.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace cairn::io {

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
      const base::WithoutSignals guard;
      for (std::size_t worker = 1; worker < helpers; ++worker) started.emplace_back(run, worker);
    } catch (const std::system_error&) {
      // No more threads to be had: those that there are do it all.
    }
    run(0);
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace cairn::io
