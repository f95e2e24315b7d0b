#include "load/verify.hpp"

#include "cairn/metadata.hpp"
#include "commands.hpp"
#include "text.hpp"

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

/// A line on the terminal that says how far the work has come; where stderr is no terminal, nothing.
class Progress {
 public:
  explicit Progress(std::string what) : what_(std::move(what)), shown_(isatty(STDERR_FILENO) != 0) {}
  ~Progress() {
    if (last_ >= 0) std::cerr << "\r\033[K" << std::flush;
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void operator()(std::uint64_t done, std::uint64_t all) {
    const int percent = all == 0 ? 100 : static_cast<int>(100 * done / all);
    if (!shown_ || percent == last_) return;
    last_ = percent;
    std::cerr << '\r' << what_ << ": " << percent << " %" << std::flush;
  }

 private:
  std::string what_;
  bool shown_;
  int last_ = -1;
};

std::uint64_t total_bytes(const Metadata& metadata) {
  std::uint64_t bytes = 0;
  for (const auto& [name, info] : metadata.checkpointables) bytes += info.bytes;
  return bytes;
}

/// Whether an error says that something is wrong with a checkpoint that is there.
bool means_damage(const Error& error) noexcept {
  return error.code() == ErrorCode::corrupt;
}

int print_damage(const std::filesystem::path& path, const std::vector<Error>& errors) {
  std::cout << path.string() << ": damaged\n";
  for (const Error& error : errors) std::cout << "  " << error.what() << '\n';
  return damaged;
}

/// On every rank; only rank 0 prints. What it throws, it throws on every rank.
int verify_on_all(const Mpi& mpi, const std::filesystem::path& path) {
  const Context context(MPI_COMM_WORLD);
  const Metadata metadata = cairn::metadata(context, path);
  const std::string what = path.string() + ": " + bytes_text(total_bytes(metadata));
  const std::string ranks = std::to_string(mpi.size()) + (mpi.size() == 1 ? " rank" : " ranks");
  std::vector<Error> errors;
  {
    Progress progress("verifying " + what + " on " + ranks);
    errors = load_stages::verify_checkpoint(context, path, [&](std::uint64_t done, std::uint64_t all) {
      if (mpi.rank() == 0) progress(done, all);
    });
  }
  if (!errors.empty()) return mpi.rank() == 0 ? print_damage(path, errors) : damaged;
  if (mpi.rank() == 0) std::cout << what << ", sound\n";
  return sound;
}

}  // namespace

int verify(int argc, char** argv, const std::filesystem::path& path) {
  const Mpi mpi(&argc, &argv);
  try {
    return verify_on_all(mpi, path);
  } catch (const Error& error) {
    if (means_damage(error)) return mpi.rank() == 0 ? print_damage(path, {error}) : damaged;
    if (mpi.rank() == 0) std::cerr << "cairn verify: " << error.what() << '\n';
    return unusable;
  }
}

}  // namespace cairn::command
