#include "fault.hpp"
#include "folder.hpp"
#include "generation.hpp"

#include <cerrno>
#include <fstream>

#include <catch2/catch.hpp>
#include <unistd.h>

using namespace mpi_test;

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr long kStride = 5;  // slow there
#else
constexpr long kStride = 1;
#endif

using Save = void (*)(const cairn::Path&, const cairn::Tree&, const cairn::SaveOptions&);

void fail_every_call(bool overwrite, int system_error, Save save) {
  const int rank = cairn::testing::rank(), size = cairn::testing::size();
  SharedFolder folder(MPI_COMM_WORLD);
  Generation state(MPI_COMM_WORLD);
  cairn::Context quick(MPI_COMM_WORLD);  // for the saves that are not under test
  quick.io.fsync = false;
  std::int64_t generation = 1;
  for (int victim = 0; victim < size; ++victim) {
    int failures = 0, failures_after_decision = 0;
    for (long call = 0;; call += kStride) {
      const cairn::Path path =
          folder.path() /
          (overwrite ? "over" : "first-" + std::to_string(victim) + "-" + std::to_string(call));
      if (overwrite) {
        state.fill(generation);
        cairn::save(quick, path, state.tree, {.overwrite = true});
      }
      const std::int64_t before = overwrite ? generation : 0;
      state.fill(++generation);
      Fault fault;
      MPI_Barrier(MPI_COMM_WORLD);
      if (rank == victim) fault.arm(call, system_error);
      const auto error =
          common_outcome(MPI_COMM_WORLD, [&] { save(path, state.tree, {.overwrite = overwrite}); });
      int fired = fault.disarm() ? 1 : 0;
      MPI_Bcast(&fired, 1, MPI_INT, victim, MPI_COMM_WORLD);

      INFO("victim " << victim << ", call " << call << " (" << fault.where()
                     << "): " << (error ? error->what() : "returned"));
      const auto found = stored_generation(MPI_COMM_WORLD, path);
      // From the decision on, what was saved is complete: the error says so, and the next save puts it in
      // place.
      const bool complete =
          error && std::string(error->what()).find("what was saved is complete") != std::string::npos;
      if (error) {
        ++failures;
        failures_after_decision += complete;
        CHECK((found == before || (complete && found == generation)));
        CHECK(error->system_error() == system_error);
        CHECK((error->code() == cairn::ErrorCode::io || error->code() == cairn::ErrorCode::no_space));
        CHECK(error->rank() == victim);
      } else {
        CHECK(found == generation);
      }
      if (rank == 0 && error && !complete) CHECK(folder.hidden().empty());
      MPI_Barrier(MPI_COMM_WORLD);

      state.fill(++generation);
      cairn::save(quick, path, state.tree, {.overwrite = true});
      CHECK(stored_generation(MPI_COMM_WORLD, path) == generation);
      if (rank == 0) CHECK(folder.hidden().empty());
      MPI_Barrier(MPI_COMM_WORLD);
      if (!fired) break;
      REQUIRE(call < 1000);
    }
    CHECK(failures > 3);
    CHECK(failures_after_decision <= 16);
  }
}

void save_now(const cairn::Path& path, const cairn::Tree& tree, const cairn::SaveOptions& options) {
  cairn::save(MPI_COMM_WORLD, path, tree, options);
}

/// With one thing of each kind that is no tree: each has files of its own to be written.
cairn::Checkpointables with_others(const cairn::Tree& tree) {
  static const struct Source {
    cairn::Path path =
        std::filesystem::temp_directory_path() / ("cairn-faults-" + std::to_string(::getpid()) + ".txt");
    Source() { std::ofstream(path) << "a file"; }
    ~Source() { std::filesystem::remove(path); }
  } source;
  return {{"state", tree}, {"config", nlohmann::json{{"lr", 1e-3}}}, {"notes", cairn::file(source.path)}};
}

void save_several(const cairn::Path& path, const cairn::Tree& tree, const cairn::SaveOptions& options) {
  cairn::save_checkpointables(MPI_COMM_WORLD, path, with_others(tree), options);
}

void save_several_in_background(const cairn::Path& path, const cairn::Tree& tree,
                                const cairn::SaveOptions& options) {
  cairn::save_checkpointables_async(MPI_COMM_WORLD, path, with_others(tree), options).result();
}

void save_in_background(const cairn::Path& path, const cairn::Tree& tree, const cairn::SaveOptions& options) {
  cairn::save_async(MPI_COMM_WORLD, path, tree, options).result();
}

}  // namespace

TEST_CASE(
    "a file-system call that fails on any rank in a first save: one error everywhere, nothing left, and the "
    "next save works") {
  fail_every_call(false, EIO, save_now);
}

TEST_CASE("a file-system call that fails on any rank in an overwrite: the old checkpoint stands") {
  fail_every_call(true, ENOSPC, save_now);
}

TEST_CASE("the same in a save of several things") {
  fail_every_call(true, EIO, save_several);
  fail_every_call(true, ENOSPC, save_several_in_background);
}

TEST_CASE("the same in a save in the background") {
  fail_every_call(false, ENOSPC, save_in_background);
  fail_every_call(true, EIO, save_in_background);
}
