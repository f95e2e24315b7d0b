#pragma once

#include "folder.hpp"

#include <fstream>

#include <catch2/catch.hpp>

/// What the tests of the Checkpointer share: a small state, a root directory, and ways to damage it.
namespace mpi_test {

using cairn::CheckpointerOptions;
using cairn::ErrorCode;
using cairn::StepOptions;
using cairn::Steps;

/// A small state whose values are all one number.
struct StepState {
  std::vector<double> rows = std::vector<double>(7);
  std::int64_t number = 0;
  cairn::Tree tree;
  StepState() {
    const int rank = cairn::testing::rank(), size = cairn::testing::size();
    tree["rows"] = cairn::sharded(rows, {.shape = {7 * size}, .start = {7 * rank}, .count = {7}});
    tree["number"] = cairn::ref(number);
  }
  StepState(const StepState&) = delete;
  StepState& operator=(const StepState&) = delete;
  void fill(std::int64_t value) {
    number = value;
    rows.assign(rows.size(), static_cast<double>(value));
  }
  bool is(std::int64_t value) const {
    for (double row : rows)
      if (row != static_cast<double>(value)) return false;
    return number == value;
  }
};

struct RootSetting {
  SharedFolder folder{MPI_COMM_WORLD};
  StepState state;
  cairn::Context context{MPI_COMM_WORLD};
  cairn::Path root = folder.path() / "run" / "checkpoints";
  RootSetting() { context.io.fsync = false; }

  cairn::Checkpointer open(CheckpointerOptions options = {}) { return {context, root, std::move(options)}; }
  /// Saves the step with its number for contents.
  bool save(cairn::Checkpointer& checkpoints, std::int64_t step, const StepOptions& options = {}) {
    state.fill(step);
    return checkpoints.save(step, state.tree, options);
  }
  /// The steps of 1 to `last` that the policy saves.
  Steps saved_by(const cairn::SavePolicy& policy, std::int64_t last, std::int64_t first = 1) {
    auto checkpoints = open({.save_when = policy});
    for (std::int64_t step = first; step <= last; ++step) save(checkpoints, step);
    return checkpoints.steps();
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(root))
      if (entry.path().filename() != ".cairn") names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }
  /// Changes a byte of the step's data, or of another file of it. On rank 0; all wait.
  void damage(std::int64_t step, const char* file = nullptr) {
    MPI_Barrier(MPI_COMM_WORLD);
    if (cairn::testing::rank() == 0) {
      const auto path = root / std::to_string(step) / (file ? file : "state.h5");
      std::fstream stream(path, std::ios::in | std::ios::out | std::ios::binary);
      std::string bytes(std::filesystem::file_size(path), '\0');
      stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
      const std::vector<double> data(7, static_cast<double>(step));
      const std::string_view pattern(reinterpret_cast<const char*>(data.data()), 7 * sizeof(double));
      const auto at = file ? bytes.size() / 2 : bytes.find(pattern);
      REQUIRE(at < bytes.size());
      stream.seekp(static_cast<std::streamoff>(at));
      stream.put(static_cast<char>(bytes[at] ^ 1));
    }
    MPI_Barrier(MPI_COMM_WORLD);
  }
};

inline void check_error(const std::shared_ptr<cairn::Error>& error, ErrorCode code, const std::string& part) {
  REQUIRE(error);
  INFO(error->what());
  CHECK(error->code() == code);
  CHECK(std::string(error->what()).find(part) != std::string::npos);
}

inline std::shared_ptr<cairn::Error> common(const std::function<void()>& operation) {
  return common_outcome(MPI_COMM_WORLD, operation);
}

inline bool is_last_rank() {
  return cairn::testing::rank() == cairn::testing::size() - 1;
}

}  // namespace mpi_test
