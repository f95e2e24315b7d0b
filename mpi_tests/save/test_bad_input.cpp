#include "folder.hpp"
#include "generation.hpp"

#include <catch2/catch.hpp>
#include <unistd.h>

using namespace mpi_test;

namespace {

/// Each rank in turn is given something bad, on top of a state that is right; the error must be the same
/// everywhere, the older checkpoint must stand, nothing may be left behind, and the next save must work.
void expect(cairn::ErrorCode code, const std::string& words,
            const std::function<void(cairn::Tree&, bool bad)>& spoil, int least_ranks = 1) {
  const int rank = cairn::testing::rank(), size = cairn::testing::size();
  if (size < least_ranks) return;
  SharedFolder folder(MPI_COMM_WORLD);
  const cairn::Path path = folder.path() / "checkpoint";
  Generation state(MPI_COMM_WORLD);
  state.fill(7);
  cairn::save(MPI_COMM_WORLD, path, state.tree);
  for (int victim = 0; victim < size; ++victim) {
    cairn::Tree tree = state.tree;
    spoil(tree, rank == victim);
    const auto error =
        common_outcome(MPI_COMM_WORLD, [&] { cairn::save(MPI_COMM_WORLD, path, tree, {.overwrite = true}); });
    REQUIRE(error);
    INFO(error->what());
    CHECK(error->code() == code);
    CHECK(std::string(error->what()).find(words) != std::string::npos);
    CHECK(stored_generation(MPI_COMM_WORLD, path) == 7);
    if (rank == 0) CHECK(folder.hidden().empty());
    MPI_Barrier(MPI_COMM_WORLD);
  }
  cairn::save(MPI_COMM_WORLD, path, state.tree, {.overwrite = true});
}

}  // namespace

TEST_CASE("a null pointer on one rank") {
  expect(cairn::ErrorCode::invalid_argument, "bad", [](cairn::Tree& tree, bool bad) {
    static double value[4];
    tree["bad"] = cairn::replicated(bad ? static_cast<double*>(nullptr) : value, {4});
  });
}

TEST_CASE("a box outside its array on one rank") {
  expect(cairn::ErrorCode::invalid_argument, "bad", [](cairn::Tree& tree, bool bad) {
    static double value[4];
    int rank = 0, size = 1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    tree["bad"] =
        cairn::sharded(value, {.shape = {4 * size}, .start = {bad ? 4 * size : 4 * rank}, .count = {4}});
  });
}

TEST_CASE("a leaf too many on one rank") {
  expect(
      cairn::ErrorCode::mismatch, "surplus",
      [](cairn::Tree& tree, bool bad) {
        if (bad) tree["surplus"] = 1;
      },
      2);
}

TEST_CASE("a type that differs on one rank") {
  expect(
      cairn::ErrorCode::mismatch, "kind",
      [](cairn::Tree& tree, bool bad) {
        if (bad)
          tree["kind"] = 1.0;
        else
          tree["kind"] = 1;
      },
      2);
}

TEST_CASE("a shape that differs on one rank") {
  expect(
      cairn::ErrorCode::mismatch, "bad",
      [](cairn::Tree& tree, bool bad) {
        static double value[8];
        tree["bad"] = cairn::replicated(&value[0], {bad ? 8 : 4});
      },
      2);
}

TEST_CASE("a replicated value that differs on one rank") {
  static std::int64_t value = 0;
  expect(
      cairn::ErrorCode::mismatch, "value",
      [](cairn::Tree& tree, bool bad) {
        value = bad ? 6 : 5;
        tree["value"] = cairn::ref(value);
      },
      2);
}

TEST_CASE("a gap, and an overlap, in the middle of an array") {
  for (int shift : {-1, 1}) {
    expect(cairn::ErrorCode::mismatch, "bad", [shift](cairn::Tree& tree, bool bad) {
      static double value[8];
      const int rank = cairn::testing::rank(), size = cairn::testing::size();
      const int start = 4 * rank + 2 + (bad ? shift : 0);
      tree["bad"] = cairn::sharded(&value[0], {.shape = {4 * size + 4}, .start = {start}, .count = {4}});
      if (rank == 0)
        tree["bad"] = cairn::sharded(&value[0], {.shape = {4 * size + 4}, .start = {start}, .count = {4}})
                          .also(&value[0], {.start = {0}, .count = {2}})
                          .also(&value[0], {.start = {4 * size + 2}, .count = {2}});
    });
  }
}

TEST_CASE("paths, names and options that differ or are wrong") {
  const int rank = cairn::testing::rank(), size = cairn::testing::size();
  SharedFolder folder(MPI_COMM_WORLD);
  Generation state(MPI_COMM_WORLD);
  state.fill(3);
  for (int victim = 0; victim < size && size > 1; ++victim) {
    const auto error = common_outcome(MPI_COMM_WORLD, [&] {
      cairn::save(MPI_COMM_WORLD, folder.path() / (rank == victim ? "a" : "b"), state.tree);
    });
    REQUIRE(error);
    CHECK(error->code() == cairn::ErrorCode::mismatch);
  }
  for (const char* name : {"", "a/b", ".hidden", "_own", "metrics"}) {
    const auto error = common_outcome(MPI_COMM_WORLD, [&] {
      cairn::save(MPI_COMM_WORLD, folder.path() / "c", state.tree, {.checkpointable_name = name});
    });
    REQUIRE(error);
    CHECK(error->code() == cairn::ErrorCode::invalid_argument);
  }
  const auto empty = common_outcome(MPI_COMM_WORLD,
                                    [&] { cairn::save(MPI_COMM_WORLD, folder.path() / "c", cairn::Tree()); });
  REQUIRE(empty);
  CHECK(empty->code() == cairn::ErrorCode::invalid_argument);
  for (int victim = 0; victim < size; ++victim) {
    cairn::Context context(MPI_COMM_WORLD);
    if (rank == victim) context.io.threads = -1;
    const auto error =
        common_outcome(MPI_COMM_WORLD, [&] { cairn::save(context, folder.path() / "c", state.tree); });
    REQUIRE(error);
    CHECK(error->code() == cairn::ErrorCode::invalid_argument);
  }
  if (rank == 0) CHECK(std::filesystem::is_empty(folder.path()));
  MPI_Barrier(MPI_COMM_WORLD);
  cairn::save(MPI_COMM_WORLD, folder.path() / "c", state.tree);
  const auto there =
      common_outcome(MPI_COMM_WORLD, [&] { cairn::save(MPI_COMM_WORLD, folder.path() / "c", state.tree); });
  REQUIRE(there);
  CHECK(there->code() == cairn::ErrorCode::already_exists);
  CHECK(stored_generation(MPI_COMM_WORLD, folder.path() / "c") == 3);
}

TEST_CASE("a folder that this user may not write") {
  SharedFolder folder(MPI_COMM_WORLD);
  const int rank = cairn::testing::rank();
  if (rank == 0) std::filesystem::permissions(folder.path(), std::filesystem::perms(0555));
  MPI_Barrier(MPI_COMM_WORLD);
  const uid_t user = geteuid();
  if (user == 0) REQUIRE(seteuid(65534) == 0);
  Generation state(MPI_COMM_WORLD);
  state.fill(3);
  const auto error =
      common_outcome(MPI_COMM_WORLD, [&] { cairn::save(MPI_COMM_WORLD, folder.path() / "no", state.tree); });
  if (user == 0) REQUIRE(seteuid(0) == 0);
  if (rank == 0) std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  MPI_Barrier(MPI_COMM_WORLD);
  REQUIRE(error);
  CHECK(error->code() == cairn::ErrorCode::io);
  CHECK(error->system_error() == EACCES);
  cairn::save(MPI_COMM_WORLD, folder.path() / "yes", state.tree);
}
