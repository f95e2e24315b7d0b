#include "base/storage.hpp"
#include "checkpointer/manual_time.hpp"
#include "folder.hpp"

#include <csignal>
#include <fstream>
#include <optional>

#include <catch2/catch.hpp>

using namespace mpi_test;
using namespace cairn::policies;
using namespace std::chrono_literals;
using cairn::CheckpointerOptions;
using cairn::ErrorCode;
using cairn::StepOptions;
using cairn::Steps;

namespace {

/// A small state whose values are all one number.
struct State {
  std::vector<double> rows = std::vector<double>(7);
  std::int64_t number = 0;
  cairn::Tree tree;
  State() {
    const int rank = cairn::testing::rank(), size = cairn::testing::size();
    tree["rows"] = cairn::sharded(rows, {.shape = {7 * size}, .start = {7 * rank}, .count = {7}});
    tree["number"] = cairn::ref(number);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
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

struct Setting {
  SharedFolder folder{MPI_COMM_WORLD};
  State state;
  cairn::Context context{MPI_COMM_WORLD};
  cairn::Path root = folder.path() / "run" / "checkpoints";
  Setting() { context.io.fsync = false; }

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

void check_error(const std::shared_ptr<cairn::Error>& error, ErrorCode code, const std::string& part) {
  REQUIRE(error);
  INFO(error->what());
  CHECK(error->code() == code);
  CHECK(std::string(error->what()).find(part) != std::string::npos);
}

std::shared_ptr<cairn::Error> common(const std::function<void()>& operation) {
  return common_outcome(MPI_COMM_WORLD, operation);
}

bool is_last_rank() {
  return cairn::testing::rank() == cairn::testing::size() - 1;
}

/// What a program's own handler was called with.
volatile std::sig_atomic_t chained = 0;
void own_handler(int signal) {
  chained = signal;
}

}  // namespace

TEST_CASE("a run saves, is gone, and the next one restores the newest step") {
  Setting s;
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
  Setting s;
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
  Setting s;
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
  Setting s;
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

TEST_CASE("policies that count steps save exactly at them") {
  const auto saved = [](const cairn::SavePolicy& policy, std::int64_t last, std::int64_t first = 1) {
    return Setting().saved_by(policy, last, first);
  };
  CHECK(saved(every_steps(3), 10, 0) == Steps{0, 3, 6, 9});
  CHECK(saved(at_steps({2, 5, 99}), 8) == Steps{2, 5});
  CHECK(saved(first_step(), 5) == Steps{1});
  CHECK(saved({}, 3).empty());
  CHECK(saved(any_of(at_steps({2}), every_steps(4)), 9) == Steps{2, 4, 8});
  CHECK(saved(all_of(every_steps(2), every_steps(3)), 12) == Steps{6, 12});
}

TEST_CASE("an own function decides on the primary, for all, at its very step") {
  Setting s;
  s.context.ranks.primary = cairn::testing::size() - 1;
  int calls = 0;
  const cairn::SavePolicy odd = [&](const cairn::StepInfo& info) {
    ++calls;
    return info.step % 2 == 1 && (!info.last_saved || *info.last_saved < info.step);
  };
  CHECK(s.saved_by(odd, 6) == Steps{1, 3, 5});
  CHECK(calls == (is_last_rank() ? 6 : 0));
  const cairn::SavePolicy broken = [](const cairn::StepInfo&) -> bool {
    throw std::runtime_error("no idea");
  };
  s.root += "-2";
  check_error(common([&] { s.saved_by(broken, 1); }), ErrorCode::internal, "no idea");
}

TEST_CASE("the primary's clock decides for all, one call later") {
  Setting s;
  ManualTime time;
  auto checkpoints = s.open({.save_when = every(10min)});
  std::int64_t step = 0;
  const auto next = [&](double seconds) {
    // Clocks of other ranks do not count.
    if (cairn::testing::rank() == 0) time.pass(seconds);
    return s.save(checkpoints, ++step);
  };
  CHECK_FALSE(next(0));
  CHECK_FALSE(next(599));
  CHECK_FALSE(next(2));  // it is time from here on
  CHECK(next(1));        // and all know
  CHECK_FALSE(next(0));
  CHECK_FALSE(next(601));
  CHECK(next(0));
  CHECK(checkpoints.steps() == Steps{4, 7});
}

TEST_CASE("a signal of any rank saves on all one call later, and those that end a run ask for it") {
  for (const int signal : {SIGUSR1, SIGTERM}) {
    Setting s;
    chained = 0;
    std::signal(signal, own_handler);
    {
      auto checkpoints = s.open({.save_when = any_of(on_signal(SIGUSR1), on_signal(SIGTERM))});
      CHECK_FALSE(s.save(checkpoints, 1));
      CHECK_FALSE(checkpoints.should_stop());
      if (is_last_rank()) raise(signal);
      CHECK(chained == (is_last_rank() ? signal : 0));
      CHECK_FALSE(s.save(checkpoints, 2));
      CHECK(s.save(checkpoints, 3));
      CHECK(checkpoints.exit_status() == cairn::exit_done);  // the program does not know it yet
      CHECK(checkpoints.should_stop() == (signal == SIGTERM));
      CHECK(checkpoints.exit_status() == (signal == SIGTERM ? cairn::exit_run_again : cairn::exit_done));
      CHECK_FALSE(s.save(checkpoints, 4));
      CHECK(checkpoints.should_stop() == (signal == SIGTERM));
    }
    // The program's own handler is back.
    CHECK(std::signal(signal, SIG_DFL) == own_handler);
  }
}

TEST_CASE("should_stop asks by itself where nothing else does") {
  Setting s;
  std::signal(SIGTERM, own_handler);
  {
    auto checkpoints = s.open({.save_when = on_signal(SIGTERM)});
    CHECK_FALSE(checkpoints.should_stop());
    if (is_last_rank()) raise(SIGTERM);
    CHECK_FALSE(checkpoints.should_stop());
    CHECK(checkpoints.should_stop());
    CHECK(checkpoints.exit_status() == 75);
  }
  std::signal(SIGTERM, SIG_DFL);
}

TEST_CASE("before the deadline a run saves once and stops, and is to be run again") {
  Setting s;
  ManualTime time;
  const auto begin = time.now(), deadline = begin + 1000s;
  auto checkpoints = s.open({.save_when = before_deadline(deadline)});
  std::int64_t step = 0;
  while (!s.save(checkpoints, ++step)) {
    REQUIRE(time.now() < deadline);
    // All know it from the call on that saves.
    CHECK_FALSE(checkpoints.should_stop());
    time.pass(10);
  }
  // 30 s and two steps of 10 s before the deadline, and one call later; what saves took in real time is less.
  CHECK(time.now() - begin >= 950s);
  CHECK(time.now() - begin <= 970s);
  CHECK(checkpoints.should_stop());
  for (int i = 0; i < 5; ++i) CHECK_FALSE(s.save(checkpoints, ++step));
  CHECK(checkpoints.should_stop());
  CHECK(checkpoints.exit_status() == cairn::exit_run_again);
}

TEST_CASE("a stop file saves and stops, and the run is done") {
  Setting s;
  ManualTime time;
  const auto file = s.folder.path() / "STOP";
  auto checkpoints = s.open({.save_when = on_file(file)});
  CHECK_FALSE(s.save(checkpoints, 1));
  MPI_Barrier(MPI_COMM_WORLD);
  if (cairn::testing::rank() == 0) std::ofstream(file) << "stop";
  MPI_Barrier(MPI_COMM_WORLD);
  time.pass(2);
  CHECK_FALSE(s.save(checkpoints, 2));
  CHECK(s.save(checkpoints, 3));
  CHECK(checkpoints.should_stop());
  CHECK(checkpoints.exit_status() == cairn::exit_done);
}

TEST_CASE("an overhead cap and the Young/Daly interval go by what saves were measured to cost") {
  Setting s;
  ManualTime time;
  // Once something was measured, a save is worth it only after the interval.
  auto checkpoints = s.open({.save_when = young_daly(1h)});
  CHECK_FALSE(s.save(checkpoints, 1));
  CHECK(s.save(checkpoints, 2));  // to measure
  CHECK_FALSE(s.save(checkpoints, 3));
  time.pass(3601);
  CHECK_FALSE(s.save(checkpoints, 4));
  CHECK(s.save(checkpoints, 5));
}

TEST_CASE("should_save and save share one decision, and one reduction a step") {
  Setting s;
  auto checkpoints = s.open({.save_when = every_steps(2)});
  CHECK_FALSE(checkpoints.should_save(1));
  CHECK_FALSE(checkpoints.should_save(1));
  CHECK_FALSE(s.save(checkpoints, 1));
  CHECK(checkpoints.should_save(2));
  CHECK(checkpoints.should_save(2));
  CHECK(s.save(checkpoints, 2));
  CHECK(checkpoints.steps() == Steps{2});
}

TEST_CASE("what is kept: the policy's, the latest, pinned ones") {
  Setting s;
  auto run = [&](const cairn::KeepPolicy& keep, const std::vector<double>& losses) {
    s.root += "+";
    auto checkpoints = s.open({.keep = keep});
    for (std::size_t i = 0; i < losses.size(); ++i)
      s.save(checkpoints, static_cast<std::int64_t>(10 * (i + 1)), {.metrics = {{"loss", losses[i]}}});
    auto fresh = s.open();
    CHECK(fresh.steps() == checkpoints.steps());
    return checkpoints.steps();
  };
  const std::vector<double> losses = {3, 1, 2, 5, 4};
  CHECK(run(keep_all(), losses) == Steps{10, 20, 30, 40, 50});
  CHECK(run({}, losses) == Steps{10, 20, 30, 40, 50});
  CHECK(run(latest(2), losses) == Steps{40, 50});
  CHECK(run(best("loss", 2), losses) == Steps{20, 30, 50});  // the latest always
  CHECK(run(best("loss", 1, cairn::Best::highest), losses) == Steps{40, 50});
  CHECK(run(keep_every_steps(20), losses) == Steps{20, 40, 50});
  CHECK(run(keep_steps({10, 30}), losses) == Steps{10, 30, 50});
  CHECK(run(any_of(latest(1), best("loss", 1)), losses) == Steps{20, 50});
  CHECK(run(all_of(latest(3), keep_every_steps(20)), losses) == Steps{20, 40, 50});
  CHECK(run(all_of(latest(2), keep_every_steps(20)), losses) == Steps{40, 50});
  const cairn::KeepPolicy own = [](const std::vector<cairn::SavedStep>& saved) {
    return Steps{saved.front().step, 12345};
  };
  CHECK(run(own, losses) == Steps{10, 50});
  const cairn::KeepPolicy broken = [](const std::vector<cairn::SavedStep>&) -> Steps {
    throw std::runtime_error("no idea");
  };
  CHECK(run(broken, {1, 2}) == Steps{10, 20});  // nothing is removed
}

TEST_CASE("a pinned step stays, in this run and in later ones, until it is unpinned") {
  Setting s;
  auto checkpoints = std::make_unique<cairn::Checkpointer>(s.open({.keep = latest(1)}));
  s.save(*checkpoints, 1);
  checkpoints->pin(1);
  checkpoints->pin(1);
  s.save(*checkpoints, 2);
  s.save(*checkpoints, 3);
  CHECK(checkpoints->steps() == Steps{1, 3});
  check_error(common([&] { checkpoints->remove(1); }), ErrorCode::locked, "unpin it first");
  check_error(common([&] { s.save(*checkpoints, 1, {.overwrite = true}); }), ErrorCode::locked, "pinned");
  checkpoints = nullptr;
  MPI_Barrier(MPI_COMM_WORLD);
  checkpoints = std::make_unique<cairn::Checkpointer>(s.open({.keep = latest(1)}));
  s.save(*checkpoints, 4);
  CHECK(checkpoints->steps() == Steps{1, 4});
  checkpoints->unpin(1);
  s.save(*checkpoints, 5);
  CHECK(checkpoints->steps() == Steps{5});
  check_error(common([&] { checkpoints->pin(1); }), ErrorCode::not_found, "there are: 5");
  // By somebody else, while this run does not look; who may have looked before the step was there.
  cairn::Checkpointer elsewhere(s.context, s.root);
  s.save(*checkpoints, 6);
  s.save(*checkpoints, 7);
  elsewhere.pin(7);
  s.save(*checkpoints, 8);
  CHECK(checkpoints->steps() == Steps{7, 8});
  elsewhere.unpin(7);
  s.save(*checkpoints, 9);
  CHECK(checkpoints->steps() == Steps{9});
  checkpoints->pin(9);
  CHECK(cairn::verify(s.context, s.root / "9").empty());
}

TEST_CASE("a damaged step is passed over, reported, kept, and makes way for a new one of its number") {
  Setting s;
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
  Setting s;
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

TEST_CASE("the step that was restored stays until this run has saved a later one") {
  Setting s;
  {
    auto checkpoints = s.open();
    for (const std::int64_t step : {1, 2, 3}) s.save(checkpoints, step);
  }
  s.damage(3);
  auto checkpoints = s.open({.keep = keep_steps({1})});
  CHECK(checkpoints.restore_latest(s.state.tree) == 2);
  // Before the restored one, and so not later.
  s.state.fill(0);
  CHECK(checkpoints.save(0, s.state.tree, {.overwrite = true}));
  CHECK(checkpoints.steps() == Steps{0, 1, 2});  // what was just saved stays, too
  s.save(checkpoints, 4);
  CHECK(checkpoints.steps() == Steps{1, 4});
}

TEST_CASE("names of several forms are read, and new steps get the run's own") {
  Setting s;
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
  Setting s;
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
  Setting s;
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
    check_error(error, ErrorCode::no_space, "");
    CHECK(checkpoints.steps() == Steps{1});
    checkpoints.wait();  // told once
  }
  CHECK(s.save(checkpoints, 3, {.force = true}));
  CHECK(checkpoints.steps() == Steps{1, 3});
}

TEST_CASE("a removal that fails is tried again, and the save goes through") {
  struct Fail : cairn::base::StorageHook {
    int before(cairn::base::Op op, std::string_view name, std::uint64_t, std::uint64_t) override {
      const bool old = name.size() > 2 && name.substr(name.size() - 2) == "/1";
      return op == cairn::base::Op::rename && old ? EACCES : 0;
    }
  } fail;
  Setting s;
  auto checkpoints = s.open({.keep = latest(1)});
  s.save(checkpoints, 1);
  cairn::base::set_storage_hook(&fail);
  CHECK(s.save(checkpoints, 2));
  cairn::base::set_storage_hook(nullptr);
  CHECK(checkpoints.steps() == Steps{1, 2});
  CHECK(s.save(checkpoints, 3));
  CHECK(checkpoints.steps() == Steps{3});
}

TEST_CASE("a checkpointer that goes with a save pending leaves the save to go on") {
  Setting s;
  {
    auto checkpoints = s.open();
    s.state.fill(1);
    CHECK(checkpoints.save_async(1, s.state.tree));
  }
  auto checkpoints = s.open();
  CHECK(checkpoints.restore_latest(s.state.tree) == 1);
  CHECK(s.state.is(1));
}

TEST_CASE("what cannot be a policy, a name or a root is one error on all ranks") {
  Setting s;
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
  Setting s;
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
  Setting s;
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
