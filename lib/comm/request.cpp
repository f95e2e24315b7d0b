#include "comm/request.hpp"

#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <thread>

#include <sched.h>

namespace cairn::comm {
namespace {

/// How long to wait between two looks at a request. Ranks that spin would take the cores that write-back
/// needs.
class Backoff {
 public:
  void pause() {
    ++looks_;
    if (looks_ < kSpins) return;
    if (looks_ < kSpins + kYields) {
      ::sched_yield();
      return;
    }
    std::this_thread::sleep_for(sleep_);
    if (sleep_ < kLongest) sleep_ += sleep_ / 8 + std::chrono::microseconds(1);
  }

 private:
  static constexpr int kSpins = 64, kYields = 64;
  static constexpr std::chrono::nanoseconds kLongest = std::chrono::microseconds(200);
  int looks_ = 0;
  std::chrono::nanoseconds sleep_ = std::chrono::microseconds(5);
};

std::string mpi_text(int code) {
  std::array<char, MPI_MAX_ERROR_STRING + 1> text{};
  int length = 0;
  if (MPI_Error_string(code, text.data(), &length) != MPI_SUCCESS) return "error " + std::to_string(code);
  return std::string(text.data(), static_cast<std::size_t>(length));
}

std::string seconds_text(double seconds) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3g s", seconds);
  return text.data();
}

[[noreturn]] void poison(Duplicate& duplicate, Error error) {
  duplicate.poison = std::make_shared<const Error>(
      error.code(),
      "an earlier operation left this communicator unusable for checkpoints; go on with a new one, or "
      "restart the job",
      0, duplicate.rank);
  throw error;
}

}  // namespace

std::unique_ptr<Request> finish(Duplicate& duplicate, std::unique_ptr<Request> request,
                                std::string_view stage, double timeout_s) {
  const auto start = std::chrono::steady_clock::now();
  Backoff backoff;
  while (true) {
    int complete = 0;
    const int code = MPI_Test(&request->handle, &complete, MPI_STATUS_IGNORE);
    if (code != MPI_SUCCESS) {
      static_cast<void>(request.release());
      check(duplicate, code, stage);
    }
    if (complete) return request;
    const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - start;
    if (waited.count() > timeout_s) {
      static_cast<void>(request.release());
      poison(duplicate, Error(ErrorCode::timeout,
                              "rank " + std::to_string(duplicate.rank) + " waited " +
                                  seconds_text(timeout_s) + " in the stage `" + std::string(stage) +
                                  "` for the other ranks; one of them is late, dead or not in the same call. "
                                  "RankOptions::timeout_s (CAIRN_RANKS_TIMEOUT_S) sets how long to wait",
                              0, duplicate.rank));
    }
    backoff.pause();
  }
}

void check(Duplicate& duplicate, int mpi_code, std::string_view stage) {
  if (mpi_code == MPI_SUCCESS) return;
  poison(duplicate, Error(ErrorCode::mpi,
                          "MPI failed on rank " + std::to_string(duplicate.rank) + " in the stage `" +
                              std::string(stage) + "`: " + mpi_text(mpi_code),
                          0, duplicate.rank));
}

}  // namespace cairn::comm
