#include "commit/owner.hpp"
#include "commit/save_support.hpp"

#include <csignal>
#include <fstream>
#include <stdexcept>
#include <utility>

#include <catch2/catch.hpp>
#include <sys/wait.h>
#include <unistd.h>

using namespace cairn;
using commit::Transaction;
using test::begin;
using test::Call;
using test::code_of;
using test::only;
using test::ScopedHook;
using test::TemporaryDirectory;
using test::text_of;

namespace {

/// Leaves an uncommitted directory whose owner is a process that has ended, with its owner file changed.
template <class Change>
Path leave_behind(const Path& path, Change change) {
  test::run_in_child([&] {
    begin(path, true);
    return 0;
  });
  const auto names = test::names_in(path.parent_path());
  const Path hidden = path.parent_path() / names.front();
  auto owner = commit::decode_owner(text_of(hidden / "owner"));
  REQUIRE(owner);
  change(*owner);
  std::ofstream(hidden / "owner") << commit::encode(*owner);
  return hidden;
}

/// A child that has a transaction under way until it is ended.
class LivingSave {
 public:
  LivingSave(const Path& path, bool decided) {
    int ready[2];
    if (::pipe(ready) != 0) throw std::runtime_error("pipe failed");
    child_ = ::fork();
    if (child_ == 0) {
      try {
        save_until_killed(path, decided, ready[1]);
      } catch (const std::exception&) {
      }
      ::_exit(1);
    }
    ::close(ready[1]);
    char byte = 0;
    began_ = ::read(ready[0], &byte, 1) == 1;
    ::close(ready[0]);
  }
  ~LivingSave() { end(); }
  LivingSave(const LivingSave&) = delete;
  LivingSave& operator=(const LivingSave&) = delete;

  bool began() const noexcept { return began_; }
  void end() {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(std::exchange(child_, -1), nullptr, 0);
  }

 private:
  static void save_until_killed(const Path& path, bool decided, int ready) {
    const auto id = base::random_id();
    auto transaction = Transaction::begin(path, id, true, test::plain_files());
    test::write_data(transaction, id, 7);
    if (decided) transaction.decide(test::manifest_text(id, 7), true);
    if (::write(ready, "x", 1) != 1) return;
    for (;;) ::pause();
  }

  pid_t child_ = -1;
  bool began_ = false;
};

}  // namespace

TEST_CASE("a living save is left alone, and keeps others off its path") {
  const TemporaryDirectory temporary;
  const Path path = temporary.path() / "ckpt";
  test::save(path, 1, false);
  const bool decided = GENERATE(false, true);
  LivingSave living(path, decided);
  REQUIRE(living.began());
  const auto names = test::names_in(temporary.path());
  REQUIRE(names.size() == 2);
  REQUIRE(code_of([&] { begin(path, true); }) == ErrorCode::locked);
  REQUIRE(code_of([&] { commit::remove_checkpoint(path, true); }) == ErrorCode::locked);
  REQUIRE(test::repair(path).size() == 1);
  REQUIRE(test::names_in(temporary.path()) == names);
  REQUIRE(test::load(path) == 1);
  test::save(temporary.path() / "other", 1, false);

  living.end();
  REQUIRE(test::repair(path).size() == 1);
  REQUIRE(test::load(path) == (decided ? 7 : 1));
  REQUIRE(test::names_in(temporary.path()) == std::vector<std::string>{"ckpt", "other"});
}

TEST_CASE("a living save of this process keeps others off its path too") {
  const TemporaryDirectory temporary;
  const Path path = temporary.path() / "ckpt";
  {
    const auto transaction = begin(path);
    REQUIRE(code_of([&] { begin(path); }) == ErrorCode::locked);
    REQUIRE(test::names_in(temporary.path()) == only(transaction.temporary_path().filename()));
  }
  // One that this process has let go of is over.
  test::repair(path);
  REQUIRE(test::names_in(temporary.path()).empty());
}

TEST_CASE("leftovers are removed only where their owner is provably dead") {
  const TemporaryDirectory temporary;
  const Path path = temporary.path() / "ckpt";
  const auto self = commit::this_process();
  REQUIRE_FALSE(self.boot_id.empty());
  REQUIRE(self.start_time != 0);
  bool removed = false;
  SECTION("its process is gone") {
    leave_behind(path, [](commit::Owner&) {});
    removed = true;
  }
  SECTION("its number is another process's now") {
    leave_behind(path, [&](commit::Owner& owner) { owner.pid = self.pid; });
    removed = true;
  }
  SECTION("its process lives, though it holds no lock") {
    leave_behind(path, [&](commit::Owner& owner) {
      const pid_t parent = ::getppid();
      owner.pid = parent;
      owner.start_time = 0;
    });
  }
  SECTION("its host has been started again") {
    leave_behind(path, [&](commit::Owner& owner) { owner.boot_id = "another"; });
    removed = self.host != "localhost";
  }
  SECTION("it is on another host") {
    leave_behind(path, [](commit::Owner& owner) {
      owner.boot_id = "another";
      owner.host = "elsewhere";
    });
  }
  SECTION("its number means nothing here, but it held the lock") {
    leave_behind(path, [](commit::Owner& owner) { owner.pid_namespace = 1; });
    removed = true;
  }
  SECTION("its number means nothing here, and there were no locks") {
    leave_behind(path, [](commit::Owner& owner) {
      owner.pid_namespace = 1;
      owner.locked = false;
    });
  }
  SECTION("its file is not readable, and there is more in the directory") {
    const Path hidden = leave_behind(path, [](commit::Owner&) {});
    std::ofstream(hidden / "owner") << "{";
  }
  const auto lines = test::repair(path);
  REQUIRE(lines.size() == 1);
  INFO(lines.front());
  REQUIRE(test::names_in(temporary.path()).empty() == removed);
  // Either way it does not keep a new save off.
  test::save(path, 1, false);
  REQUIRE(test::load(path) == 1);
}

TEST_CASE("the newest of several committed saves counts, and a repair leaves it alone there") {
  const TemporaryDirectory temporary;
  const Path path = temporary.path() / "ckpt";
  const bool older_first = GENERATE(true, false);
  // A save repairs first, so two are made apart.
  const TemporaryDirectory apart;
  test::save_without_publishing(path, older_first ? 1 : 2, true);
  const auto id = test::save_without_publishing(apart.path() / "ckpt", older_first ? 2 : 1, true);
  const std::string hidden = ".ckpt." + base::to_hex(id);
  std::filesystem::copy(apart.path() / hidden, temporary.path() / hidden);
  REQUIRE(test::load(path) == 2);
  test::repair(path);
  REQUIRE(test::load(path) == 2);
  REQUIRE(test::names_in(temporary.path()) == only("ckpt"));
}

TEST_CASE("a committed save does not replace a newer checkpoint when it is completed") {
  const TemporaryDirectory temporary, apart;
  const Path path = temporary.path() / "ckpt";
  test::save(path, 2, false);
  const auto id = test::save_without_publishing(apart.path() / "ckpt", 1, true);
  const std::string hidden = ".ckpt." + base::to_hex(id);
  std::filesystem::copy(apart.path() / hidden, temporary.path() / hidden);
  test::repair(path);
  REQUIRE(test::load(path) == 2);
  REQUIRE(test::names_in(temporary.path()) == only("ckpt"));
}

TEST_CASE("the next save completes a committed one first") {
  const TemporaryDirectory temporary;
  const Path path = temporary.path() / "ckpt";
  test::save_without_publishing(path, 1, false);
  REQUIRE(code_of([&] { test::save(path, 2, false); }) == ErrorCode::already_exists);
  REQUIRE(test::names_in(temporary.path()) == only("ckpt"));
  REQUIRE(test::load(path) == 1);
}

TEST_CASE("a hidden directory with another's token is what an exchange replaced") {
  const TemporaryDirectory temporary;
  const Path path = temporary.path() / "ckpt";
  test::save(path, 1, false);
  const Path hidden = temporary.path() / (".ckpt." + base::to_hex(base::random_id()));
  std::filesystem::rename(path, hidden);
  // It never counts as the checkpoint, and is kept while nothing stands in its place.
  REQUIRE_FALSE(test::load(path));
  test::repair(path);
  REQUIRE(std::filesystem::exists(hidden));
  test::save(path, 2, false);
  test::repair(path);
  REQUIRE(test::names_in(temporary.path()) == only("ckpt"));
}

TEST_CASE("trash is removed, and is never read") {
  const TemporaryDirectory temporary;
  const Path path = temporary.path() / "ckpt";
  test::save(path, 1, false);
  const auto id = commit::open_checkpoint(path).save_id;
  std::filesystem::rename(path, temporary.path() / (".ckpt." + base::to_hex(id) + ".trash"));
  REQUIRE_FALSE(test::load(path));
  test::save(path, 2, false);
  REQUIRE(test::load(path) == 2);
  REQUIRE(test::names_in(temporary.path()) == only("ckpt"));
}

TEST_CASE("a failure to remove the replaced checkpoint is no failure of the save") {
  const TemporaryDirectory temporary;
  const Path path = temporary.path() / "ckpt";
  test::save(path, 1, false);
  {
    ScopedHook hook([](const Call& call) { return call.op == base::Op::remove ? EACCES : 0; });
    test::save(path, 2, true);
  }
  REQUIRE(test::load(path) == 2);
  REQUIRE(test::names_in(temporary.path()).size() == 2);
  test::repair(path);
  REQUIRE(test::names_in(temporary.path()) == only("ckpt"));
}

TEST_CASE("a checkpoint that is removed is gone, and with it what a crash left") {
  const TemporaryDirectory temporary;
  const Path path = temporary.path() / "ckpt";
  REQUIRE(code_of([&] { commit::remove_checkpoint(path, true); }) == ErrorCode::not_found);
  test::save(path, 1, false);
  test::save_without_publishing(path, 2, true);
  commit::remove_checkpoint(path, true);
  REQUIRE_FALSE(test::load(path));
  REQUIRE(test::names_in(temporary.path()).empty());
}
