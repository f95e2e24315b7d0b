#pragma once

#include "harness.hpp"

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <cairn/cairn.hpp>

namespace mpi_test {

/// A fresh folder that every rank of a communicator sees; removed with what is in it by rank 0. Its making
/// and its end are collective.
class SharedFolder {
 public:
  explicit SharedFolder(MPI_Comm comm) : comm_(comm) {
    char name[4096] = {};
    if (cairn::testing::rank(comm) == 0) {
      const auto pattern = (std::filesystem::temp_directory_path() / "cairn-mpi-XXXXXX").string();
      pattern.copy(name, sizeof name - 1);
      if (!mkdtemp(name)) std::abort();
    }
    MPI_Bcast(name, sizeof name, MPI_CHAR, 0, comm);
    path_ = name;
  }
  ~SharedFolder() {
    MPI_Barrier(comm_);
    std::error_code ignored;
    if (cairn::testing::rank(comm_) == 0) std::filesystem::remove_all(path_, ignored);
    MPI_Barrier(comm_);
  }
  SharedFolder(const SharedFolder&) = delete;
  SharedFolder& operator=(const SharedFolder&) = delete;

  const cairn::Path& path() const noexcept { return path_; }

  /// Names that begin with a dot: what a save leaves behind when it fails to clean up. As rank 0 sees them.
  std::vector<std::string> hidden() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_))
      if (entry.path().filename().string().front() == '.') names.push_back(entry.path().filename().string());
    return names;
  }

 private:
  MPI_Comm comm_;
  cairn::Path path_;
};

/// What an operation threw: null where it returned.
inline std::shared_ptr<cairn::Error> outcome(const std::function<void()>& operation) {
  try {
    operation();
    return nullptr;
  } catch (const cairn::Error& error) {
    return std::make_shared<cairn::Error>(error);
  }
}

/// Whether every rank gives the same bytes.
inline bool same_everywhere(MPI_Comm comm, const std::string& text) {
  unsigned long long hash = std::hash<std::string>()(text), low = 0, high = 0;
  MPI_Allreduce(&hash, &low, 1, MPI_UNSIGNED_LONG_LONG, MPI_MIN, comm);
  MPI_Allreduce(&hash, &high, 1, MPI_UNSIGNED_LONG_LONG, MPI_MAX, comm);
  return low == high;
}

/// Runs a collective operation; it must return on every rank, or throw one and the same error on every rank,
/// which comes back.
inline std::shared_ptr<cairn::Error> common_outcome(MPI_Comm comm, const std::function<void()>& operation) {
  auto error = outcome(operation);
  const std::string text =
      error ? std::to_string(static_cast<int>(error->code())) + " " + std::to_string(error->rank()) + " " +
                  std::to_string(error->system_error()) + " " + error->path().string() + " " + error->what()
            : "returned";
  INFO("this rank: " << text);
  CHECK(same_everywhere(comm, text));
  return error;
}

}  // namespace mpi_test
