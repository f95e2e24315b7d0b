#include "checkpointer/manual_time.hpp"
#include "checkpointer/root_setting.hpp"

#include <csignal>

using namespace mpi_test;
using namespace cairn::policies;

using namespace std::chrono_literals;

namespace {

/// What a program's own handler was called with.
volatile std::sig_atomic_t chained = 0;
void own_handler(int signal) {
  chained = signal;
}

}  // namespace

TEST_CASE("policies that count steps save exactly at them") {
  const auto saved = [](const cairn::SavePolicy& policy, std::int64_t last, std::int64_t first = 1) {
    return RootSetting().saved_by(policy, last, first);
  };
  CHECK(saved(every_steps(3), 10, 0) == Steps{0, 3, 6, 9});
  CHECK(saved(at_steps({2, 5, 99}), 8) == Steps{2, 5});
  CHECK(saved(first_step(), 5) == Steps{1});
  CHECK(saved({}, 3).empty());
  CHECK(saved(any_of(at_steps({2}), every_steps(4)), 9) == Steps{2, 4, 8});
  CHECK(saved(all_of(every_steps(2), every_steps(3)), 12) == Steps{6, 12});
}

TEST_CASE("an own function decides on the primary, for all, at its very step") {
  RootSetting s;
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
  RootSetting s;
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
    RootSetting s;
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
  RootSetting s;
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
  RootSetting s;
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
  RootSetting s;
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

TEST_CASE("an overhead cap goes by what saves were measured to cost") {
  RootSetting s;
  ManualTime time;
  auto checkpoints = s.open({.save_when = overhead_below(0.05)});
  CHECK_FALSE(s.save(checkpoints, 1));
  CHECK(s.save(checkpoints, 2));  // nothing was measured
  CHECK_FALSE(s.save(checkpoints, 3));
  CHECK_FALSE(s.save(checkpoints, 4));  // and no time has passed since
  time.pass(36000);
  CHECK_FALSE(s.save(checkpoints, 5));
  CHECK(s.save(checkpoints, 6));
}

TEST_CASE("the Young/Daly interval goes by what saves were measured to cost") {
  RootSetting s;
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
  RootSetting s;
  auto checkpoints = s.open({.save_when = every_steps(2)});
  CHECK_FALSE(checkpoints.should_save(1));
  CHECK_FALSE(checkpoints.should_save(1));
  CHECK_FALSE(s.save(checkpoints, 1));
  CHECK(checkpoints.should_save(2));
  CHECK(checkpoints.should_save(2));
  CHECK(s.save(checkpoints, 2));
  CHECK(checkpoints.steps() == Steps{2});
}
