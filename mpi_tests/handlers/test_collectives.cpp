#include "folder.hpp"
#include "generation.hpp"
#include "plan/count_collectives.hpp"

#include <functional>
#include <optional>

#include <catch2/catch.hpp>

using namespace mpi_test;
using nlohmann::json;

namespace {

int counted(const std::function<void()>& call) {
  const int before = cairn::testing::collectives_started();
  call();
  return cairn::testing::collectives_started() - before;
}

struct State {
  long value = 3;
  long save_state() const { return value; }
  void load_state(long state) { value = state; }
};

}  // namespace

// The numbers of docs/collectives.md.
TEST_CASE("calls for several things take as many collectives as is written down") {
  SharedFolder folder(MPI_COMM_WORLD);
  cairn::Context context(MPI_COMM_WORLD);
  context.io.fsync = false;
  std::vector<int> values(5, cairn::testing::rank());
  cairn::Tree tree;
  tree["x"] = cairn::sharded(
      values, {.shape = {5 * cairn::testing::size()}, .start = {5 * cairn::testing::rank()}, .count = {5}});
  json config = {{"lr", 0.5}};
  State state;
  const cairn::Checkpointables trees = {{"a", tree}, {"b", tree}};
  const cairn::Checkpointables all = {{"a", tree},
                                      {"config", config},
                                      {"state", cairn::stateful(state)},
                                      {"shared", cairn::stateful(state, cairn::StateScope::replicated)},
                                      {"file", cairn::file("/proc/version")}};
  const auto path = folder.path() / "x";
  const auto save = [&](const cairn::Checkpointables& things) {
    return counted([&] { cairn::save_checkpointables(context, path, things, {.overwrite = true}); });
  };
  const auto load = [&](const cairn::Checkpointables& things) {
    return counted([&] { cairn::load_checkpointables(context, path, things); });
  };
  const auto thing = [&](const cairn::Checkpointable& each) {
    const cairn::Checkpointables things = {{"thing", each}};
    const int saved = save(things);
    return std::pair(saved, load(things));
  };
  using Counts = std::pair<int, int>;
  cairn::save(context, path, tree);  // makes the duplicate
  CHECK(save(trees) == 7 + 2 * 4);
  CHECK(load(trees) == 3 + 2 * 7);
  CHECK(load({{"a", tree}}) == 3 + 7);
  CHECK(thing(config) == Counts(7 + 4 + 3, 3 + 2 + 2));
  CHECK(thing(cairn::stateful(state)) == Counts(7 + 4 + 5, 3 + 2 + 2));
  CHECK(thing(cairn::stateful(state, cairn::StateScope::replicated)) == Counts(7 + 4 + 4, 3 + 2 + 2));
  CHECK(save({{"thing", cairn::file("/proc/version")}}) == 7 + 4 + 2);
  CHECK(load({{"thing", cairn::file(folder.path() / "out")}}) == 3 + 2 + 2);
  CHECK(save(all) == 7 + 4 + 4 + 3 + 5 + 4 + 2);
  const auto other = folder.path() / "partial";
  CHECK(counted([&] { cairn::partial::save(context, other, tree); }) == 12);
  CHECK(counted([&] { cairn::partial::save(context, other, tree, {.checkpointable_name = "b"}); }) == 12);
  CHECK(counted([&] { cairn::partial::finalize(context, other); }) == 3);
  cairn::Tree more;
  more["y"] = 1;
  cairn::partial::save(context, folder.path() / "merged", tree);
  cairn::partial::save(context, folder.path() / "merged", more);
  CHECK(counted([&] { cairn::partial::finalize(context, folder.path() / "merged"); }) == 3 + 7);
}

TEST_CASE("a Checkpointer's calls take as many collectives as is written down") {
  SharedFolder folder(MPI_COMM_WORLD);
  cairn::Context context(MPI_COMM_WORLD);
  context.io.fsync = false;
  std::vector<int> values(5);
  cairn::Tree tree;
  tree["x"] = cairn::per_rank(values);
  const auto root = folder.path() / "root";
  cairn::is_checkpoint(context, root);  // makes the duplicate
  std::optional<cairn::Checkpointer> checkpoints;
  CHECK(counted([&] {
          checkpoints.emplace(context, root, cairn::CheckpointerOptions{cairn::every_steps(2)});
        }) == 3);
  CHECK(counted([&] { checkpoints->save(1, tree); }) == 1);
  CHECK(counted([&] { checkpoints->should_save(3); }) == 1);
  CHECK(counted([&] { checkpoints->should_save(3); }) == 0);
  CHECK(counted([&] { checkpoints->save(4, tree); }) == 4 + 10);
  CHECK(counted([&] { checkpoints->save(6, tree); }) == 3 + 10);
  CHECK(counted([&] { checkpoints->save_async(8, tree); }) == 2 + 7);
  CHECK(counted([&] { checkpoints->wait(); }) == 3);
  CHECK(counted([&] { checkpoints->wait(); }) == 0);
  CHECK(counted([&] { checkpoints->should_stop(); }) == 0);
  CHECK(counted([&] { checkpoints->should_stop(); }) == 1);
  CHECK(counted([&] { checkpoints->load(4, tree); }) == 2 + 7);
  CHECK(counted([&] { checkpoints->metadata(4); }) == 2 + 2);
  CHECK(counted([&] { checkpoints->restore_latest(tree); }) == 1 + 7);
  CHECK(counted([&] { checkpoints->pin(4); }) == 2);
  CHECK(counted([&] { checkpoints->remove(6); }) == 2);
  CHECK(counted([&] { checkpoints->reload(); }) == 1);
  CHECK(counted([&] { checkpoints->close(); }) == 0);
  CHECK(counted([&] { cairn::wait_for_new_checkpoint(context, root); }) == 3);
}
