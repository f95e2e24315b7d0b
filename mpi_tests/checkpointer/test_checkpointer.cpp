#include "base/storage.hpp"
#include "checkpointer/manual_time.hpp"
#include "checkpointer/root_setting.hpp"
#include "comm/communicator.hpp"

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

using namespace mpi_test;
using namespace cairn::policies;

TEST_CASE("a run saves, is gone, and the next one restores the newest step") {
  RootSetting s;
  {
    auto checkpoints = s.open();
    CHECK_FALSE(checkpoints.restore_latest(s.state.tree));
    CHECK(checkpoints.steps().empty());
    CHECK_FALSE(checkpoints.latest());
    CHECK(s.save(checkpoints, 10, {.metrics = {{"loss", 0.5}}, .custom_metadata = {{"lr", 1e-3}}}));
    CHECK(s.save(checkpoints, 20, {.metrics = {{"loss", 0.25}}}));
    s.state.fill(30);
    CHECK(checkpoints.save_async(30, s.state.tree, {.metrics = {{"loss", 0.75}}}));
    s.state.fill(0);
    checkpoints.wait();
    CHECK(checkpoints.steps() == Steps{10, 20, 30});
    CHECK(checkpoints.best("loss") == 20);
    CHECK(checkpoints.best("loss", cairn::Best::highest) == 30);
    CHECK_FALSE(checkpoints.best("accuracy"));
    CHECK(checkpoints.metadata(10).custom_metadata.value().at("lr") == 1e-3);
    CHECK(checkpoints.metadata(20).metrics == cairn::Metrics{{"loss", 0.25}});
  }
  auto checkpoints = s.open();
  CHECK(checkpoints.steps() == Steps{10, 20, 30});
  CHECK(checkpoints.best("loss") == 20);
  CHECK(checkpoints.restore_latest(s.state.tree) == 30);
  CHECK(s.state.is(30));
  checkpoints.load(10, s.state.tree);
  CHECK(s.state.is(10));
  check_error(common([&] { checkpoints.load(15, s.state.tree); }), ErrorCode::not_found, "10, 20, 30");
  check_error(common([&] { checkpoints.metadata(-1); }), ErrorCode::not_found, "no step -1");
}

TEST_CASE("things of several kinds are saved and restored by step") {
  RootSetting s;
  nlohmann::json config = {{"lr", 0.5}};
  auto checkpoints = s.open();
  s.state.fill(1);
  CHECK(checkpoints.save_checkpointables(1, {{"model", s.state.tree}, {"config", config}}));
  s.state.fill(2);
  config["lr"] = 0.25;
  CHECK(checkpoints.save_checkpointables_async(2, {{"model", s.state.tree}, {"config", config}}));
  checkpoints.load_checkpointables(1, {{"config", config}});
  CHECK(config.at("lr") == 0.5);
  CHECK(checkpoints.restore_latest({{"model", s.state.tree}, {"config", config}}) == 2);
  CHECK(s.state.is(2));
  CHECK(config.at("lr") == 0.25);
  check_error(common([&] {
                checkpoints.restore_latest({{"weights", s.state.tree}});
              }),
              ErrorCode::not_found, "it has: config, model");
}

TEST_CASE("a step that exists, or comes before the latest, is never saved without a word") {
  RootSetting s;
  auto checkpoints = s.open();
  s.save(checkpoints, 10);
  s.save(checkpoints, 20);
  check_error(common([&] { s.save(checkpoints, 20); }), ErrorCode::already_exists, "step 20");
  check_error(common([&] { s.save(checkpoints, 10, {.force = true}); }), ErrorCode::already_exists,
              "step 10");
  check_error(common([&] { s.save(checkpoints, 15); }), ErrorCode::invalid_argument,
              "comes before the latest, 20");
  check_error(common([&] { checkpoints.save_async(15, s.state.tree); }), ErrorCode::invalid_argument, "20");
  check_error(common([&] { s.save(checkpoints, -1); }), ErrorCode::invalid_argument, "negative");
  CHECK(checkpoints.steps() == Steps{10, 20});
  CHECK(s.save(checkpoints, 15, {.overwrite = true}));
  s.state.fill(77);
  CHECK(checkpoints.save(10, s.state.tree, {.overwrite = true}));
  CHECK(checkpoints.steps() == Steps{10, 15, 20});
  checkpoints.load(10, s.state.tree);
  CHECK(s.state.is(77));
  CHECK(checkpoints.restore_latest(s.state.tree) == 20);
  // The restored one is there: a loop that begins with it goes on.
  CHECK_FALSE(s.save(checkpoints, 20));
  CHECK(s.save(checkpoints, 21));
}

TEST_CASE("ranks at different steps are told, and none is left waiting") {
  if (cairn::testing::size() == 1) return;
  RootSetting s;
  s.context.ranks.timeout_s = 20;
  for (const bool save_on_both : {true, false}) {
    auto checkpoints = s.open({.save_when = every_steps(2)});
    const std::int64_t step = is_last_rank() ? (save_on_both ? 4 : 3) : 2;
    const auto error = outcome([&] {
      checkpoints.should_save(step);
      checkpoints.should_save(step + 2);
    });
    check_error(error, ErrorCode::mismatch, "different steps: one is at step 2, another at step ");
    MPI_Barrier(MPI_COMM_WORLD);
  }
  auto checkpoints = s.open();
  s.save(checkpoints, 1);
  s.save(checkpoints, 2);
  check_error(common([&] { checkpoints.load(is_last_rank() ? 1 : 2, s.state.tree); }), ErrorCode::mismatch,
              "at step 1, another at step 2");
  check_error(common([&] { is_last_rank() ? checkpoints.pin(1) : checkpoints.remove(1); }),
              ErrorCode::mismatch, "different functions");
  CHECK(checkpoints.steps() == Steps{1, 2});
}

TEST_CASE("a damaged step is passed over, reported, kept, and makes way for a new one of its number") {
  RootSetting s;
  {
    auto checkpoints = s.open();
    for (const std::int64_t step : {1, 2, 3, 4, 5}) s.save(checkpoints, step);
  }
  s.damage(5);                     // its data
  s.damage(4, "checkpoint.json");  // its metadata
  MPI_Barrier(MPI_COMM_WORLD);
  if (cairn::testing::rank() == 0) std::filesystem::remove(s.root / "3" / "commit");
  MPI_Barrier(MPI_COMM_WORLD);
  auto checkpoints = s.open({.keep = latest(2)});
  CHECK(checkpoints.steps() == Steps{1, 2, 5});
  CHECK(checkpoints.damaged() == Steps{3, 4});
  CHECK(checkpoints.restore_latest(s.state.tree) == 2);
  CHECK(s.state.is(2));
  CHECK(checkpoints.steps() == Steps{1, 2});
  CHECK(checkpoints.damaged() == Steps{3, 4, 5});
  CHECK(s.save(checkpoints, 3));
  CHECK(checkpoints.steps() == Steps{2, 3});
  CHECK(s.save(checkpoints, 6));
  CHECK(checkpoints.steps() == Steps{3, 6});
  CHECK(checkpoints.damaged() == Steps{4, 5});
  // Looking again does not make it sound.
  checkpoints.reload();
  CHECK(checkpoints.damaged() == Steps{4, 5});
  checkpoints.remove(4);
  checkpoints.remove(5);
  checkpoints.wait();
  MPI_Barrier(MPI_COMM_WORLD);
  if (cairn::testing::rank() == 0) {
    CHECK(std::filesystem::exists(s.root / "3.damaged"));
    CHECK_FALSE(std::filesystem::exists(s.root / "4"));
    CHECK_FALSE(std::filesystem::exists(s.root / "5"));
  }
}

TEST_CASE("steps that are all damaged are an error, not a fresh start") {
  RootSetting s;
  {
    auto checkpoints = s.open();
    s.save(checkpoints, 1);
    s.save(checkpoints, 2);
  }
  s.damage(1);
  s.damage(2, "checkpoint.json");
  auto checkpoints = s.open();
  check_error(common([&] { checkpoints.restore_latest(s.state.tree); }), ErrorCode::corrupt,
              "1 (damaged), 2 (damaged)");
  CHECK(checkpoints.damaged() == Steps{1, 2});
}

TEST_CASE("names of several forms are read, and new steps get the run's own") {
  RootSetting s;
  {
    auto plain = s.open();
    s.save(plain, 1);
    auto padded = s.open({.step_name = {"step_", 8}});
    plain.close();
    s.save(padded, 2);
  }
  MPI_Barrier(MPI_COMM_WORLD);
  auto checkpoints = s.open({.step_name = {"epoch-", 3}});
  CHECK(checkpoints.steps() == Steps{1, 2});
  s.save(checkpoints, 3);
  CHECK(checkpoints.restore_latest(s.state.tree) == 3);
  checkpoints.load(2, s.state.tree);
  CHECK(s.state.is(2));
  // Overwritten under the name that it has.
  s.state.fill(22);
  checkpoints.save(2, s.state.tree, {.overwrite = true});
  checkpoints.wait();
  if (cairn::testing::rank() == 0)
    CHECK(s.names() == std::vector<std::string>{"1", "epoch-003", "step_00000002"});
  MPI_Barrier(MPI_COMM_WORLD);
}

TEST_CASE("one job saves in a root at a time, others may look, and a dead one's lock is taken over") {
  RootSetting s;
  auto first = s.open(), second = s.open();
  s.save(first, 1);
  check_error(common([&] { s.save(second, 2); }), ErrorCode::locked, "another job saves in ");
  check_error(common([&] { second.remove(1); }), ErrorCode::locked, "another job saves in ");
  CHECK(second.restore_latest(s.state.tree) == 1);
  CHECK(second.steps() == Steps{1});
  s.save(first, 2);
  second.reload();
  CHECK(second.steps() == Steps{1, 2});
  first.close();
  CHECK(s.save(second, 3));
  check_error(common([&] { s.save(first, 4); }), ErrorCode::invalid_argument, "closed");
  auto moved = std::move(second);
  check_error(common([&] { second.wait(); }), ErrorCode::invalid_argument, "moved");  // NOLINT
  CHECK(s.save(moved, 4));
  // Saved by another job since this one looked: nothing is lost.
  auto late = s.open();
  s.save(moved, 5);
  moved.close();
  check_error(common([&] { s.save(late, 5); }), ErrorCode::already_exists, "step 5");
  CHECK(late.steps().back() == 5);
}

TEST_CASE(
    "what a save in the background meets is thrown by wait or by the next save, and its step is not there") {
  struct Fail : cairn::base::StorageHook {
    int before(cairn::base::Op op, std::string_view name, std::uint64_t, std::uint64_t) override {
      return op == cairn::base::Op::write && name.find("votes") != std::string_view::npos ? ENOSPC : 0;
    }
  } fail;
  RootSetting s;
  auto checkpoints = s.open();
  s.save(checkpoints, 1);
  for (const bool by_wait : {true, false}) {
    if (is_last_rank()) cairn::base::set_storage_hook(&fail);
    CHECK(checkpoints.save_async(2, s.state.tree, {.force = true}));
    const auto error = common([&] {
      if (by_wait)
        checkpoints.wait();
      else
        s.save(checkpoints, 3, {.force = true});
    });
    cairn::base::set_storage_hook(nullptr);
    check_error(error, ErrorCode::no_space, "saving step 2 in the background: ");
    CHECK(checkpoints.steps() == Steps{1});
    checkpoints.wait();  // told once
  }
  CHECK(s.save(checkpoints, 3, {.force = true}));
  CHECK(checkpoints.steps() == Steps{1, 3});
}

TEST_CASE(
    "a checkpointer that goes with a save pending leaves the save to go on, and the next waits for it") {
  struct Slow : cairn::base::StorageHook {  // so that whoever does not wait is seen
    int before(cairn::base::Op op, std::string_view name, std::uint64_t, std::uint64_t) override {
      if (op == cairn::base::Op::write && name.find("votes") != std::string_view::npos)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      return 0;
    }
  } slow;
  RootSetting s;
  std::optional<cairn::Checkpointer> checkpoints(s.open()), other(s.open());
  cairn::base::set_storage_hook(&slow);
  const auto leave = [&](std::int64_t step) {
    s.state.fill(step);
    CHECK(checkpoints->save_async(step, s.state.tree));
    checkpoints.reset();
  };
  leave(1);
  checkpoints.emplace(s.open());
  CHECK(checkpoints->latest() == 1);
  leave(2);
  CHECK(other->restore_latest(s.state.tree) == 2);
  CHECK(s.state.is(2));
  checkpoints.emplace(s.open());
  leave(3);
  other->reload();
  CHECK(other->latest() == 3);
  checkpoints.emplace(s.open());
  leave(4);
  other->pin(4);
  checkpoints.emplace(s.open());
  leave(5);
  other->load(5, s.state.tree);
  CHECK(s.state.is(5));
  checkpoints.emplace(s.open());
  leave(6);
  other->remove(6);
  CHECK(other->steps() == Steps{1, 2, 3, 4, 5});
  other.reset();
  checkpoints.emplace(s.open()), other.emplace(s.open());
  leave(7);
  CHECK(s.save(*other, 8));
  CHECK(other->steps() == Steps{1, 2, 3, 4, 5, 7, 8});
  cairn::base::set_storage_hook(nullptr);
}

TEST_CASE("what a save met whose checkpointer is gone is thrown once, by the next that looks") {
  struct Fail : cairn::base::StorageHook {
    int before(cairn::base::Op op, std::string_view name, std::uint64_t, std::uint64_t) override {
      return op == cairn::base::Op::write && name.find("votes") != std::string_view::npos ? ENOSPC : 0;
    }
  } fail;
  RootSetting s;
  std::optional<cairn::Checkpointer> checkpoints(s.open());
  s.save(*checkpoints, 1);
  auto other = s.open();
  for (const bool by_restore : {true, false}) {
    if (is_last_rank()) cairn::base::set_storage_hook(&fail);
    CHECK(checkpoints->save_async(2, s.state.tree));
    checkpoints.reset();
    const auto error = common([&] {
      if (by_restore)
        other.restore_latest(s.state.tree);
      else
        s.open();
    });
    cairn::base::set_storage_hook(nullptr);
    check_error(error, ErrorCode::no_space, "checkpoints/2, whose result nobody has asked for: ");
    CHECK(other.restore_latest(s.state.tree) == 1);
    CHECK(other.damaged().empty());
    checkpoints.emplace(s.open());
    CHECK(checkpoints->steps() == Steps{1});
  }
}

TEST_CASE("a save whose checkpointer is gone has the root until it is over, whoever asks for it") {
  struct Gate : cairn::base::StorageHook {
    int before(cairn::base::Op op, std::string_view name, std::uint64_t, std::uint64_t) override {
      if (op == cairn::base::Op::write && name.find("votes") != std::string_view::npos) open.wait(false);
      return 0;
    }
    std::atomic<bool> open = false;
  } gate;
  RootSetting s;
  std::optional<cairn::Checkpointer> checkpoints(s.open());
  cairn::base::set_storage_hook(&gate);
  CHECK(checkpoints->save_async(1, s.state.tree));
  checkpoints.reset();
  // Over another communicator nobody waits for it.
  MPI_Comm comm = MPI_COMM_NULL;
  MPI_Comm_dup(MPI_COMM_WORLD, &comm);
  {
    cairn::Context context(comm);
    cairn::Checkpointer other(context, s.root);
    auto error = common([&] { other.save(2, s.state.tree); });
    gate.open = true;
    gate.open.notify_all();
    check_error(error, ErrorCode::locked, "another job saves in ");
    for (int attempt = 0; attempt < 1000; ++attempt) {
      error = common([&] { other.save(2, s.state.tree); });
      if (!error) break;
      REQUIRE(error->code() == ErrorCode::locked);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    CHECK_FALSE(error);
    CHECK(other.steps() == Steps{1, 2});
    cairn::base::set_storage_hook(nullptr);
  }
  MPI_Comm_free(&comm);
}

TEST_CASE("where another job removes the only step while it is restored, nothing was saved yet") {
  struct Remove : cairn::comm::CommHook {
    explicit Remove(cairn::Path of) : path(std::move(of)) {}
    void before(std::string_view stage) override {
      if (stage == "load" && cairn::testing::rank() == 0) std::filesystem::remove_all(path);
    }
    cairn::Path path;
  };
  RootSetting s;
  {
    auto checkpoints = s.open();
    s.save(checkpoints, 10);
  }
  auto checkpoints = s.open({.save_when = first_step()});
  CHECK(checkpoints.latest() == 10);
  Remove remove(s.root / "10");
  cairn::comm::set_comm_hook(&remove);
  CHECK_FALSE(checkpoints.restore_latest(s.state.tree));
  cairn::comm::set_comm_hook(nullptr);
  CHECK(checkpoints.steps().empty());
  CHECK(s.save(checkpoints, 11));
}

TEST_CASE("the root is the primary's alone, also while something else goes on in the background") {
  struct Watch : cairn::base::StorageHook {
    int before(cairn::base::Op, std::string_view name, std::uint64_t, std::uint64_t) override {
      if (name.find("/.cairn") != std::string_view::npos) seen = true;
      return 0;
    }
    std::atomic<bool> seen = false;
  } watch;
  RootSetting s;
  s.context.ranks.primary = cairn::testing::size() - 1;
  auto elsewhere = cairn::save_async(s.context, s.folder.path() / "elsewhere", s.state.tree);
  auto checkpoints = s.open();
  cairn::base::set_storage_hook(&watch);
  CHECK(s.save(checkpoints, 1));
  cairn::base::set_storage_hook(nullptr);
  CHECK(watch.seen == is_last_rank());
  elsewhere.result();
}

TEST_CASE("what cannot be a policy, a name or a root is one error on all ranks") {
  RootSetting s;
  const auto make = [&](CheckpointerOptions options) { return common([&] { s.open(std::move(options)); }); };
  check_error(make({.save_when = any_of(every_steps(0), at_steps({-1}))}), ErrorCode::invalid_argument,
              "every_steps(0)");
  check_error(make({.keep = latest(0)}), ErrorCode::invalid_argument, "latest(0)");
  check_error(make({.step_name = {"a/b", 0}}), ErrorCode::invalid_argument, "prefix");
  check_error(common([&] { cairn::Checkpointer(s.context, ""); }), ErrorCode::invalid_argument, "empty");
  if (cairn::testing::size() > 1) {
    check_error(make({.save_when = every_steps(is_last_rank() ? 2 : 3)}), ErrorCode::mismatch,
                "different save policies");
    check_error(common([&] { cairn::Checkpointer(s.context, is_last_rank() ? "a" : "b"); }),
                ErrorCode::mismatch, "the path");
  }
}

TEST_CASE("whoever evaluates in another job waits for the next step") {
  RootSetting s;
  ManualTime time;
  CHECK_FALSE(cairn::wait_for_new_checkpoint(s.context, s.root, -1, 5));
  auto checkpoints = s.open({.step_name = {"step_", 8}});
  s.save(checkpoints, 5);
  s.save(checkpoints, 7);
  CHECK(cairn::wait_for_new_checkpoint(s.context, s.root) == 7);
  CHECK(cairn::wait_for_new_checkpoint(s.context, s.root, 5, 0) == 7);
  CHECK_FALSE(cairn::wait_for_new_checkpoint(s.context, s.root, 7, 3));
  MPI_Barrier(MPI_COMM_WORLD);
  if (cairn::testing::rank() == 0) std::filesystem::remove(s.root / "step_00000007" / "commit");
  MPI_Barrier(MPI_COMM_WORLD);
  CHECK(cairn::wait_for_new_checkpoint(s.context, s.root, 2, 0) == 5);
  if (cairn::testing::size() > 1)
    check_error(common([&] { cairn::wait_for_new_checkpoint(s.context, s.root, is_last_rank() ? 1 : 2, 0); }),
                ErrorCode::mismatch, "wait for a step after");
}

TEST_CASE("each save is told of once, with what it took, as text and as JSON") {
  RootSetting s;
  std::vector<cairn::Report> reports;
  s.context.log.on_report = [&](const cairn::Report& report) { reports.push_back(report); };
  s.context.log.file = (s.folder.path() / "log").string();
  s.context.log.json = true;
  auto checkpoints = s.open();
  s.save(checkpoints, 1);
  checkpoints.save_async(2, s.state.tree);
  checkpoints.wait();
  REQUIRE(reports.size() == 2);
  CHECK(reports[1].operation == "save_async");
  CHECK(reports[1].bytes == 8u * (7u * static_cast<unsigned>(cairn::testing::size()) + 1));
  CHECK(reports[1].background_s > 0);
  CHECK(reports[1].slowest_rank >= 0);
  CHECK_FALSE(reports[1].slowest_host.empty());
  if (cairn::testing::rank() == 0) {
    std::ifstream log(s.folder.path() / "log");
    int lines = 0;
    for (std::string line; std::getline(log, line); ++lines)
      CHECK(nlohmann::json::parse(line).contains("blocked_s"));
    CHECK(lines == 2);
  }
  MPI_Barrier(MPI_COMM_WORLD);
}
