#include "async/worker.hpp"

#include <atomic>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>
#include <pthread.h>
#include <signal.h>

using cairn::async::Worker;

TEST_CASE("jobs are done one at a time, in the order in which they are given") {
  std::vector<int> done;
  std::atomic<int> at_once{0}, most{0};
  {
    Worker worker;
    for (int i = 0; i < 200; ++i)
      worker.submit([&, i] {
        most = std::max(most.load(), ++at_once);
        done.push_back(i);
        --at_once;
      });
    worker.wait_idle();
    CHECK(done.size() == 200);
    worker.submit([&] { done.push_back(200); });
  }
  REQUIRE(done.size() == 201);
  for (int i = 0; i <= 200; ++i) CHECK(done[static_cast<std::size_t>(i)] == i);
  CHECK(most == 1);
}

TEST_CASE("what a job holds is gone when the worker is idle") {
  Worker worker;
  const auto held = std::make_shared<int>(1);
  worker.submit([held] {});
  worker.wait_idle();
  CHECK(held.use_count() == 1);
}

TEST_CASE("the worker is another thread, and takes no signals") {
  Worker worker;
  worker.wait_idle();
  std::thread::id thread;
  bool blocked = false;
  worker.submit([&] {
    thread = std::this_thread::get_id();
    sigset_t set;
    pthread_sigmask(SIG_SETMASK, nullptr, &set);
    blocked = sigismember(&set, SIGUSR1) == 1 && sigismember(&set, SIGTERM) == 1;
  });
  worker.wait_idle();
  CHECK(thread != std::this_thread::get_id());
  CHECK(blocked);
}
