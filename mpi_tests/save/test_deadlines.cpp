#include "comm/communicator.hpp"
#include "folder.hpp"
#include "generation.hpp"

#include <chrono>
#include <set>
#include <thread>

#include <catch2/catch.hpp>

using namespace mpi_test;

namespace {

constexpr double kTimeout = 0.15;

/// Notes the stages of an operation, and is late before one of them.
class Late : public cairn::comm::CommHook {
 public:
  explicit Late(int stage) : stage_(stage) {}
  void before(std::string_view) override {
    if (count_++ == stage_) std::this_thread::sleep_for(std::chrono::duration<double>(3 * kTimeout));
  }
  int count() const { return count_; }

 private:
  int stage_, count_ = 0;
};

/// A communicator that no other case has poisoned. Not freed: requests may be pending on its duplicate.
MPI_Comm fresh_comm() {
  MPI_Comm comm;
  MPI_Comm_dup(MPI_COMM_WORLD, &comm);
  return comm;
}

int count_stages(const cairn::Path& path, Generation& state) {
  Late counter(-1);
  cairn::comm::set_comm_hook(&counter);
  cairn::save(fresh_comm(), path, state.tree, {.overwrite = true});
  cairn::comm::set_comm_hook(nullptr);
  return counter.count();
}

}  // namespace

TEST_CASE("a rank that is late at any stage: all ranks save, or none does, and the disk says the same") {
  const int rank = cairn::testing::rank(), size = cairn::testing::size();
  SharedFolder folder(MPI_COMM_WORLD);
  Generation state(MPI_COMM_WORLD);
  const cairn::Path path = folder.path() / "checkpoint";
  std::int64_t generation = 1;
  state.fill(generation);
  cairn::save(fresh_comm(), path, state.tree);
  const int stages = count_stages(path, state);
  CHECK(stages >= 6);
  int given_up = 0;
  for (int stage = 0; stage < stages; ++stage) {
    for (int victim = 0; victim < size; ++victim) {
      const std::int64_t before = stored_generation(MPI_COMM_WORLD, path);
      state.fill(++generation);
      cairn::Context context(fresh_comm());
      context.ranks.timeout_s = kTimeout;
      context.ranks.slowest_bytes_per_s = 1e12;
      Late late(rank == victim ? stage : -1);
      MPI_Barrier(MPI_COMM_WORLD);
      cairn::comm::set_comm_hook(&late);
      const auto error = outcome([&] { cairn::save(context, path, state.tree, {.overwrite = true}); });
      cairn::comm::set_comm_hook(nullptr);
      int saved = error ? 0 : 1, fewest = 0, most = 0;
      MPI_Allreduce(&saved, &fewest, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
      MPI_Allreduce(&saved, &most, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
      INFO("stage " << stage << ", late: rank " << victim << ": " << (error ? error->what() : "saved"));
      CHECK(fewest == most);
      if (error) CHECK(error->code() == cairn::ErrorCode::timeout);
      CHECK(stored_generation(MPI_COMM_WORLD, path) == (most ? generation : before));
      given_up += most ? 0 : 1;
      if (error) {
        const auto again = outcome([&] { cairn::save(context, path, state.tree, {.overwrite = true}); });
        REQUIRE(again);  // at once: the communicator has lost a collective, and says so
        CHECK(again->code() == cairn::ErrorCode::timeout);
      }
      MPI_Barrier(MPI_COMM_WORLD);
      state.fill(++generation);
      cairn::save(fresh_comm(), path, state.tree, {.overwrite = true});
      CHECK(stored_generation(MPI_COMM_WORLD, path) == generation);
      if (rank == 0) CHECK(folder.hidden().empty());
      MPI_Barrier(MPI_COMM_WORLD);
    }
  }
  CHECK(given_up > 0);
}
