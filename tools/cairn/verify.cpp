#include "load/verify.hpp"

#include "base/clock.hpp"
#include "cairn/metadata.hpp"
#include "commands.hpp"
#include "nearby.hpp"
#include "text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <mpi.h>
#include <unistd.h>

namespace cairn::command {
namespace {

/// MPI for the length of one command.
class Mpi {
 public:
  Mpi(int* argc, char*** argv) {
    int provided = 0;
    MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
  }
  ~Mpi() { MPI_Finalize(); }
  Mpi(const Mpi&) = delete;
  Mpi& operator=(const Mpi&) = delete;
  int rank() const noexcept { return rank_; }
  int size() const noexcept { return size_; }

 private:
  int rank_ = 0, size_ = 1;
};

/// A line that says how far the work has come, how fast it goes and how long it will take; written over again
/// on a terminal, else a line every few seconds.
class Progress {
 public:
  Progress(std::string what, std::uint64_t bytes, bool asked)
      : what_(std::move(what)),
        bytes_(static_cast<double>(bytes)),
        on_terminal_(isatty(STDERR_FILENO) != 0),
        shown_(asked || on_terminal_) {}
  ~Progress() {
    if (shown_ && on_terminal_) std::cerr << "\r\033[K" << std::flush;
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void operator()(std::uint64_t done, std::uint64_t all) {
    const double now = clock_.seconds();
    const bool ends = done >= all;
    if (!shown_ || (!ends && now - last_ < (on_terminal_ ? 0.2 : 5))) return;
    last_ = now;
    const double part = all == 0 ? 1 : static_cast<double>(done) / static_cast<double>(all);
    std::cerr << (on_terminal_ ? "\r\033[K" : "") << what_ << ": " << std::llround(std::floor(100 * part))
              << " %, " << rate_text(part, now) << (on_terminal_ ? "" : "\n") << std::flush;
  }

 private:
  /// Of all ranks: each has its share.
  std::string rate_text(double part, double now) const {
    const double rate = part * bytes_ / std::max(now, 1e-6);
    std::string text = bytes_text(static_cast<std::uint64_t>(rate)) + "/s";
    if (part > 0 && part < 1) text += ", " + age_text(now * (1 - part) / part) + " left";
    return text;
  }

  std::string what_;
  double bytes_;
  bool on_terminal_, shown_;
  base::Clock clock_;
  double last_ = 0;
};

std::uint64_t total_bytes(const Metadata& metadata) {
  std::uint64_t bytes = 0;
  for (const auto& [name, info] : metadata.checkpointables) bytes += info.bytes;
  return bytes;
}

nlohmann::json to_json(const VerifyRequest& request, const std::vector<Error>& errors, std::uint64_t bytes,
                       int ranks) {
  auto problems = nlohmann::json::array();
  for (const Error& error : errors) problems.push_back(error.what());
  return {{"path", request.path.string()},
          {"sound", errors.empty()},
          {"bytes", bytes},
          {"ranks", ranks},
          {"problems", std::move(problems)}};
}

/// What was found, told by rank 0; the exit status.
int report(const Mpi& mpi, const VerifyRequest& request, const std::vector<Error>& errors,
           std::uint64_t bytes) {
  const int status = errors.empty() ? sound : damaged;
  if (mpi.rank() != 0) return status;
  if (request.as_json) {
    print_json(to_json(request, errors, bytes, mpi.size()));
  } else if (errors.empty()) {
    std::cout << request.path.string() << ": " << bytes_text(bytes) << ", sound\n";
  } else {
    std::cout << request.path.string() << ": damaged\n";
    for (const Error& error : errors) std::cout << "  " << error.what() << '\n';
  }
  return status;
}

/// On every rank; only rank 0 prints. What it throws, it throws on every rank.
int verify_on_all(const Mpi& mpi, const VerifyRequest& request) {
  const Context context(MPI_COMM_WORLD);
  const auto bytes = total_bytes(cairn::metadata(context, request.path));
  std::vector<Error> errors;
  {
    Progress progress("verifying " + request.path.string() + ": " + bytes_text(bytes) + " on " +
                          count_text(static_cast<std::uint64_t>(mpi.size()), "rank"),
                      bytes, request.progress);
    errors =
        load_stages::verify_checkpoint(context, request.path, [&](std::uint64_t done, std::uint64_t all) {
          if (mpi.rank() == 0) progress(done, all);
        });
  }
  return report(mpi, request, errors, bytes);
}

}  // namespace

int verify(int argc, char** argv, const VerifyRequest& request) {
  const Mpi mpi(&argc, &argv);
  try {
    return verify_on_all(mpi, request);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::corrupt) return report(mpi, request, {error}, 0);
    if (mpi.rank() == 0) std::cerr << "cairn verify: " << text_with_neighbours(error) << '\n';
    return unusable;
  }
}

}  // namespace cairn::command
