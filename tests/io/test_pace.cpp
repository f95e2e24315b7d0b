#include "cairn/error.hpp"
#include "io/pace.hpp"

#include <thread>

#include <catch2/catch.hpp>

using namespace cairn;
using Clock = std::chrono::steady_clock;

TEST_CASE("bytes wait for those before them, over all threads together") {
  const std::atomic<bool> cancelled{false};
  io::Pace pace(1000000, cancelled);
  const auto start = Clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int k = 0; k < 5; ++k) pace.before(10000);
    });
  for (auto& thread : threads) thread.join();
  // 20 times 10 ms, of which the last is not waited for.
  CHECK(Clock::now() - start >= std::chrono::milliseconds(189));
}

TEST_CASE("without a rate nothing waits, and a cancelled save does not go on") {
  std::atomic<bool> cancelled{false};
  io::Pace free(0, cancelled), slow(1, cancelled);
  for (int i = 0; i < 1000; ++i) free.before(std::uint64_t{1} << 40);
  slow.before(1000000);
  cancelled = true;
  for (auto* pace : {&free, &slow}) {
    try {
      pace->before(1);
      FAIL("it went on");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::cancelled);
    }
  }
}
