#include "commit/save_support.hpp"

#include <csignal>
#include <memory>

#include <catch2/catch.hpp>

using namespace cairn;
using test::Call;
using test::ScopedHook;
using test::TemporaryDirectory;

namespace {

/// A save under test: the first at its path, or an overwrite, where the file system has the flags of
/// renameat2 or not.
struct Situation {
  bool first;
  bool flags;
};

Situation a_situation() {
  return GENERATE(Situation{true, true}, Situation{true, false}, Situation{false, true},
                  Situation{false, false});
}

/// Generation 1, which is there before the save under test, if it is not the first.
std::optional<int> prepare(const Path& path, const Situation& situation) {
  if (situation.first) return std::nullopt;
  test::save(path, 1, false);
  return 1;
}

int refuse_flags(const Situation& situation, const Call& call) {
  return !situation.flags && test::has_rename_flag(call) ? EINVAL : 0;
}

/// After a fault: one whole generation is there, a repair leaves it as it is or completes the new one, and
/// nothing else stays; a new save works.
void require_sound(const Path& path, const std::optional<int>& before) {
  const auto found = test::load(path);
  REQUIRE((found == before || found == 2));
  for (const auto& line : commit::repair(path)) UNSCOPED_INFO(line);
  const auto repaired = test::load(path);
  // A committed save that a crash kept from its place is completed.
  REQUIRE((repaired == found || repaired == 2));
  if (repaired) {
    REQUIRE(test::names_in(path.parent_path()) == std::vector<std::string>{path.filename()});
    REQUIRE(test::names_in(path) == std::vector<std::string>{"checkpoint.json", "commit", "data1", "data2"});
  } else if (std::filesystem::exists(path.parent_path())) {
    REQUIRE(test::names_in(path.parent_path()).empty());
  }
  test::save(path, 3, true);
  REQUIRE(test::load(path) == 3);
  REQUIRE(test::names_in(path.parent_path()) == std::vector<std::string>{path.filename()});
}

}  // namespace

TEST_CASE("a save that fails at any one storage call leaves the old or the new checkpoint") {
  const Situation situation = a_situation();
  const int error = GENERATE(EIO, ENOSPC);
  const bool for_good = GENERATE(false, true);
  int reached = 0;
  for (int at = 0; at <= reached; ++at) {
    const TemporaryDirectory temporary(test::quick_root());
    const Path path = temporary.path() / "run" / "ckpt";
    const auto before = prepare(path, situation);
    bool saved = false;
    reached = 0;
    std::string fault = "none";
    {
      ScopedHook hook([&](const Call& call) {
        const int number = reached++;
        if (number == at || (for_good && number > at)) {
          if (number == at) fault = std::string(base::to_string(call.op)) + " " + std::string(call.name);
          return error;
        }
        return refuse_flags(situation, call);
      });
      try {
        test::save(path, 2, true);
        saved = true;
      } catch (const Error& failure) {
        fault += std::string(": ") + failure.what();
      }
    }
    INFO("call " << at << ", " << fault);
    ScopedHook hook([&](const Call& call) { return refuse_flags(situation, call); });
    if (saved) REQUIRE(test::load(path) == 2);
    require_sound(path, before);
  }
  REQUIRE(reached > 30);
}

TEST_CASE("a save that is killed before any storage call leaves the old or the new checkpoint") {
  const Situation situation = a_situation();
  int status = -SIGKILL;
  for (int at = 0; status != 0; ++at) {
    const TemporaryDirectory temporary(test::quick_root());
    const Path path = temporary.path() / "run" / "ckpt";
    const auto before = prepare(path, situation);
    status = test::run_in_child([&] {
      int number = 0;
      ScopedHook hook([&](const Call& call) {
        if (number++ == at) ::kill(::getpid(), SIGKILL);
        return refuse_flags(situation, call);
      });
      try {
        test::save(path, 2, true);
        return 0;
      } catch (const std::exception&) {
        return 1;
      }
    });
    INFO("killed before call " << at);
    REQUIRE((status == 0 || status == -SIGKILL));
    ScopedHook hook([&](const Call& call) { return refuse_flags(situation, call); });
    if (status == 0) REQUIRE(test::load(path) == 2);
    require_sound(path, before);
    REQUIRE(at < 1000);
  }
}

TEST_CASE("a repair that is killed before any storage call can be done again") {
  const Situation situation = a_situation();
  int status = -SIGKILL;
  for (int at = 0; status != 0; ++at) {
    const TemporaryDirectory temporary(test::quick_root());
    const Path path = temporary.path() / "run" / "ckpt";
    prepare(path, situation);
    test::run_in_child([&] {
      test::save_without_publishing(path, 2, true);
      return 0;
    });
    status = test::run_in_child([&] {
      int number = 0;
      ScopedHook hook([&](const Call& call) {
        if (number++ == at) ::kill(::getpid(), SIGKILL);
        return refuse_flags(situation, call);
      });
      commit::repair(path);
      return 0;
    });
    INFO("killed before call " << at);
    ScopedHook hook([&](const Call& call) { return refuse_flags(situation, call); });
    commit::repair(path);
    REQUIRE(test::load(path) == 2);
    require_sound(path, 2);
    REQUIRE(at < 1000);
  }
}

TEST_CASE("a reader meets a failing storage with an error, and never takes it for an absent checkpoint") {
  const TemporaryDirectory temporary(test::quick_root());
  const Path path = temporary.path() / "ckpt";
  test::save(path, 1, false);
  int reached = 0;
  for (int at = 0; at <= reached; ++at) {
    reached = 0;
    ScopedHook hook(
        [&](const Call& call) { return reached++ == at && call.op != base::Op::close ? EIO : 0; });
    std::optional<int> found = 1;
    ErrorCode code = ErrorCode::io;
    try {
      found = test::load(path);
    } catch (const Error& error) {
      code = error.code();
    }
    INFO("call " << at);
    REQUIRE(found == 1);
    REQUIRE(code == ErrorCode::io);
  }
}
