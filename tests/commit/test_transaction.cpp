#include "commit/owner.hpp"
#include "commit/save_support.hpp"
#include "commit/token.hpp"

#include <barrier>
#include <csignal>
#include <fstream>
#include <iterator>
#include <thread>

#include <catch2/catch.hpp>
#include <sys/stat.h>

using namespace cairn;
using commit::Transaction;
using commit::Verdict;
using test::Call;
using test::ScopedHook;
using test::TemporaryDirectory;

namespace {

template <class Step>
std::optional<ErrorCode> code_of(Step step) {
  try {
    step();
    return std::nullopt;
  } catch (const Error& error) {
    UNSCOPED_INFO(error.what());
    return error.code();
  }
}

Transaction begin(const Path& path, bool overwrite = false) {
  return Transaction::begin(path, base::random_id(), overwrite, test::plain_files());
}

std::vector<std::string> only(const std::string& name) {
  return {name};
}

std::string text_of(const Path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

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
      const auto id = base::random_id();
      auto transaction = Transaction::begin(path, id, true, test::plain_files());
      test::write_data(transaction, id, 7);
      if (decided) transaction.decide(test::manifest_text(id, 7), true);
      if (::write(ready[1], "x", 1) != 1) ::_exit(1);
      for (;;) ::pause();
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
  pid_t child_ = -1;
  bool began_ = false;
};

}  // namespace

TEST_CASE("a save is seen only once it is published or decided") {
  const TemporaryDirectory temporary;
  const Path path = temporary.path() / "ckpt";
  const auto id = base::random_id();
  auto transaction = Transaction::begin(path, id, false, test::plain_files());
  REQUIRE(transaction.temporary_path() == temporary.path() / (".ckpt." + base::to_hex(id)));
  test::write_data(transaction, id, 1);
  REQUIRE_FALSE(test::load(path));
  REQUIRE_FALSE(commit::is_committed(path));
  REQUIRE(transaction.decide(test::manifest_text(id, 1), true) == Verdict::committed);
  REQUIRE(test::load(path) == 1);
  transaction.publish(true);
  REQUIRE(test::load(path) == 1);
  REQUIRE(commit::is_committed(path));
  REQUIRE(commit::open_checkpoint(path).save_id == id);
  REQUIRE(test::names_in(temporary.path()) == only("ckpt"));
  REQUIRE(text_of(path / "commit") == base::to_hex(id) + "\n");
  // What is repeated by mistake changes nothing.
  transaction.discard();
  REQUIRE(transaction.abort() == Verdict::committed);
  REQUIRE(test::load(path) == 1);
}

TEST_CASE("every rank that joins learns the verdict, whoever gave it") {
  const TemporaryDirectory temporary;
  const Path path = temporary.path() / "ckpt";
  const auto id = base::random_id();
  auto primary = Transaction::begin(path, id, false, test::plain_files());
  auto other = Transaction::join(path, id);
  REQUIRE(other.temporary_path() == primary.temporary_path());
  SECTION("aborted") {
    REQUIRE(other.abort() == Verdict::aborted);
    REQUIRE(other.abort() == Verdict::aborted);
    REQUIRE(primary.decide(test::manifest_text(id, 1), true) == Verdict::aborted);
    primary.discard();
    REQUIRE(test::names_in(temporary.path()).empty());
    REQUIRE(other.abort() == Verdict::aborted);
  }
  SECTION("committed") {
    REQUIRE(primary.decide(test::manifest_text(id, 1), true) == Verdict::committed);
    REQUIRE(other.abort() == Verdict::committed);
    primary.publish(true);
    REQUIRE(other.abort() == Verdict::committed);
  }
}

TEST_CASE("a rank that does not see the directory says so") {
  const TemporaryDirectory temporary;
  REQUIRE(code_of([&] { Transaction::join(temporary.path() / "ckpt", base::random_id()); }) ==
          ErrorCode::not_found);
}

TEST_CASE("a decision that races an abort has one verdict for both") {
  const TemporaryDirectory temporary(test::quick_root());
  const Path path = temporary.path() / "ckpt";
  int committed = 0;
  for (int round = 0; round < 300; ++round) {
    const auto id = base::random_id();
    auto primary = Transaction::begin(path, id, true, test::plain_files());
    auto other = Transaction::join(path, id);
    test::write_data(primary, id, round);
    std::barrier renaming(2);
    Verdict given = Verdict::committed, decided = Verdict::committed;
    {
      // Both are let go when both are about to rename the token.
      ScopedHook hook([&](const Call& call) {
        if (call.op == base::Op::rename && call.name.ends_with("/open")) renaming.arrive_and_wait();
        return 0;
      });
      std::thread giving_up([&] { given = other.abort(); });
      decided = primary.decide(test::manifest_text(id, round), false);
      giving_up.join();
    }
    REQUIRE(decided == given);
    const auto before = test::load(path);
    if (decided == Verdict::committed) {
      primary.publish(false);
      REQUIRE(test::load(path) == round);
      ++committed;
    } else {
      primary.discard();
      REQUIRE(test::load(path) == before);
    }
  }
  INFO(committed << " of 300 committed");
  REQUIRE(test::names_in(temporary.path()).size() <= 1);
}

TEST_CASE("readers find one whole save during overwrites") {
  const bool flags = GENERATE(true, false);
  constexpr int saves = 1500;
  const TemporaryDirectory temporary(test::quick_root());
  const Path path = temporary.path() / "ckpt";
  test::save(path, 0, false, false);
  const pid_t writer = ::fork();
  if (writer == 0) {
    ScopedHook hook([&](const Call& call) { return !flags && test::has_rename_flag(call) ? EINVAL : 0; });
    try {
      for (int generation = 1; generation <= saves; ++generation) test::save(path, generation, true, false);
    } catch (const std::exception&) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  int last = 0, loads = 0, status = 0;
  bool absent = false, backwards = false;
  std::string problem;
  while (::waitpid(writer, &status, WNOHANG) == 0) {
    try {
      const auto found = test::load(path);
      absent = absent || !found;
      backwards = backwards || found.value_or(last) < last;
      last = found.value_or(last);
      ++loads;
    } catch (const std::exception& error) {
      problem = error.what();
    }
  }
  INFO(loads << " loads");
  REQUIRE(problem.empty());
  REQUIRE_FALSE(absent);
  REQUIRE_FALSE(backwards);
  REQUIRE((WIFEXITED(status) && WEXITSTATUS(status) == 0));
  REQUIRE(test::load(path) == saves);
  REQUIRE(test::names_in(temporary.path()) == only("ckpt"));
}

TEST_CASE("two writers at one path: each save is whole or refused") {
  constexpr int writers = 3, saves = 60;
  const TemporaryDirectory temporary(test::quick_root());
  const Path path = temporary.path() / "ckpt";
  const auto write = [&] {
    for (int i = 0; i < saves; ++i) {
      try {
        test::save(path, 1, true, false);
      } catch (const Error& error) {
        if (error.code() != ErrorCode::locked) return 1;
      } catch (const std::exception&) {
        return 2;
      }
    }
    return 0;
  };
  pid_t children[writers];
  for (auto& child : children) {
    child = ::fork();
    if (child == 0) ::_exit(write());
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE((WIFEXITED(status) && WEXITSTATUS(status) == 0));
  }
  commit::repair(path);
  const auto found = test::load(path);
  REQUIRE((found == std::nullopt || found == 1));
  test::save(path, 2, true);
  REQUIRE(test::load(path) == 2);
  REQUIRE(test::names_in(temporary.path()) == only("ckpt"));
}

TEST_CASE("a save does not replace a checkpoint without being told") {
  const TemporaryDirectory temporary;
  const Path path = temporary.path() / "ckpt";
  test::save(path, 1, false);
  REQUIRE(code_of([&] { test::save(path, 2, false); }) == ErrorCode::already_exists);
  REQUIRE(test::load(path) == 1);
  REQUIRE(test::names_in(temporary.path()) == only("ckpt"));
  test::save(path, 3, true);
  REQUIRE(test::load(path) == 3);
}

TEST_CASE("what is no checkpoint is never replaced, and never read as one") {
  const TemporaryDirectory temporary;
  const Path path = temporary.path() / "ckpt";
  auto reading = ErrorCode::not_a_checkpoint;
  SECTION("a file") {
    std::ofstream(path) << "precious";
  }
  SECTION("a directory with something in it") {
    std::filesystem::create_directory(path);
    std::ofstream(path / "precious") << "precious";
  }
  SECTION("a directory with a file called commit") {
    std::filesystem::create_directory(path);
    std::ofstream(path / "commit") << "e83c5163316f89bfbde7d9ab23ca2e25604af290\n";
    reading = ErrorCode::corrupt;
  }
  SECTION("a symbolic link to a directory") {
    std::filesystem::create_directory(temporary.path() / "elsewhere");
    std::filesystem::create_directory_symlink(temporary.path() / "elsewhere", path);
  }
  SECTION("a damaged checkpoint") {
    test::save(path, 1, false);
    std::filesystem::remove(path / "commit");
    reading = ErrorCode::corrupt;
  }
  const auto names = test::names_in(temporary.path());
  for (const bool overwrite : {false, true}) {
    REQUIRE(code_of([&] { begin(path, overwrite); }) == ErrorCode::already_exists);
  }
  REQUIRE(code_of([&] { test::load(path); }) == reading);
  REQUIRE_FALSE(commit::is_committed(path));
  REQUIRE(code_of([&] { commit::remove_checkpoint(path, true); }) == ErrorCode::not_a_checkpoint);
  REQUIRE(test::names_in(temporary.path()) == names);
}

TEST_CASE("what appears at the path during a save is not replaced either") {
  const TemporaryDirectory temporary;
  const Path path = temporary.path() / "ckpt";
  const auto id = base::random_id();
  auto transaction = Transaction::begin(path, id, true, test::plain_files());
  test::write_data(transaction, id, 1);
  REQUIRE(transaction.decide(test::manifest_text(id, 1), true) == Verdict::committed);
  std::filesystem::create_directory(path);
  std::ofstream(path / "precious") << "precious";
  REQUIRE(code_of([&] { transaction.publish(true); }) == ErrorCode::already_exists);
  REQUIRE(text_of(path / "precious") == "precious");
  // Once it is out of the way, the save is completed.
  std::filesystem::remove_all(path);
  REQUIRE(test::load(path) == 1);
}

TEST_CASE("a checkpoint that appears during a save that may not replace it wins") {
  const TemporaryDirectory temporary, elsewhere;
  const Path path = temporary.path() / "ckpt";
  const auto id = base::random_id();
  auto transaction = Transaction::begin(path, id, false, test::plain_files());
  test::write_data(transaction, id, 1);
  REQUIRE(transaction.decide(test::manifest_text(id, 1), true) == Verdict::committed);
  test::save(elsewhere.path() / "ckpt", 2, false);
  std::filesystem::copy(elsewhere.path() / "ckpt", path);
  REQUIRE(code_of([&] { transaction.publish(true); }) == ErrorCode::already_exists);
  REQUIRE(test::load(path) == 2);
  REQUIRE(test::names_in(temporary.path()) == only("ckpt"));
}

TEST_CASE("an empty directory at the path is taken for none") {
  const TemporaryDirectory temporary;
  const Path path = temporary.path() / "ckpt";
  std::filesystem::create_directory(path);
  REQUIRE(code_of([&] { test::load(path); }) == ErrorCode::not_a_checkpoint);
  test::save(path, 1, false);
  REQUIRE(test::load(path) == 1);
}

TEST_CASE("missing parent directories are made, with the permissions asked for") {
  const TemporaryDirectory temporary;
  const Path path = temporary.path() / "a" / "b" / "ckpt";
  auto files = test::plain_files();
  files.permissions = 0640;
  const auto id = base::random_id();
  auto transaction = Transaction::begin(path, id, false, files);
  REQUIRE(transaction.decide(test::manifest_text(id, 1), true) == Verdict::committed);
  transaction.publish(true);
  const auto mode = [](const Path& name) {
    struct stat found {};
    REQUIRE(::stat(name.c_str(), &found) == 0);
    return found.st_mode & 07777;
  };
  REQUIRE(mode(temporary.path() / "a") == 0750);
  REQUIRE(mode(temporary.path() / "a/b") == 0750);
  REQUIRE(mode(path) == 0750);
  REQUIRE(mode(path / "commit") == 0640);
  REQUIRE(mode(path / "checkpoint.json") == 0640);
}

TEST_CASE("a parent that is a file is an error") {
  const TemporaryDirectory temporary;
  std::ofstream(temporary.path() / "file") << "x";
  REQUIRE(code_of([&] { begin(temporary.path() / "file" / "ckpt"); }) == ErrorCode::not_found);
  REQUIRE_FALSE(commit::is_committed(temporary.path() / "file" / "ckpt"));
  REQUIRE(commit::repair(temporary.path() / "none" / "ckpt").empty());
}

TEST_CASE("a save without sync flushes nothing, one with sync flushes all it wrote") {
  const TemporaryDirectory temporary;
  const Path path = temporary.path() / "a" / "ckpt";
  const auto id = base::random_id();
  std::vector<std::string> flushed;
  ScopedHook hook([&](const Call& call) {
    if (call.op == base::Op::fsync) flushed.push_back(Path(call.name).filename());
    return 0;
  });
  auto transaction = Transaction::begin(path, id, false, test::plain_files());
  const bool sync = GENERATE(false, true);
  transaction.decide(test::manifest_text(id, 1), sync);
  transaction.publish(sync);
  const std::string hidden = ".ckpt." + base::to_hex(id);
  const auto expected = sync ? std::vector<std::string>{"checkpoint.json",           "open", hidden,
                                                        temporary.path().filename(), hidden, "a"}
                             : std::vector<std::string>{};
  REQUIRE(flushed == expected);
}

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
  REQUIRE(commit::repair(path).size() == 1);
  REQUIRE(test::names_in(temporary.path()) == names);
  REQUIRE(test::load(path) == 1);
  test::save(temporary.path() / "other", 1, false);

  living.end();
  REQUIRE(commit::repair(path).size() == 1);
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
  commit::repair(path);
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
  const auto lines = commit::repair(path);
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
  commit::repair(path);
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
  commit::repair(path);
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
  commit::repair(path);
  REQUIRE(std::filesystem::exists(hidden));
  test::save(path, 2, false);
  commit::repair(path);
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
  commit::repair(path);
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

TEST_CASE("a reader that has a checkpoint open is told when it was replaced, and when it is damaged") {
  const TemporaryDirectory temporary;
  const Path path = temporary.path() / "ckpt";
  test::save(path, 1, false);
  const auto opened = commit::open_checkpoint(path);
  REQUIRE(commit::read_manifest(opened));
  test::save(path, 2, true);
  REQUIRE_FALSE(commit::read_manifest(opened));
  const auto again = commit::open_checkpoint(path);
  std::filesystem::remove(path / "checkpoint.json");
  REQUIRE(code_of([&] { commit::read_manifest(again); }) == ErrorCode::corrupt);
}

TEST_CASE("every changed byte of a token is found") {
  const TemporaryDirectory temporary;
  const Path path = temporary.path() / "ckpt";
  test::save(path, 1, false);
  const std::string token = text_of(path / "commit");
  const auto id = commit::open_checkpoint(path).save_id;
  const auto is_taken = [&](const std::string& text) {
    std::ofstream(path / "commit", std::ios::trunc) << text;
    return commit::is_committed(path) && commit::open_checkpoint(path).save_id == id;
  };
  REQUIRE(is_taken(token));
  for (std::size_t at = 0; at < token.size(); ++at) {
    for (const char flip : {'\x01', '\x20', '\x80'}) {
      std::string changed = token;
      changed[at] = static_cast<char>(changed[at] ^ flip);
      INFO("byte " << at);
      REQUIRE_FALSE(is_taken(changed));
    }
    REQUIRE_FALSE(is_taken(token.substr(0, at)));
  }
  REQUIRE_FALSE(is_taken(token + "\n"));
}

TEST_CASE("a relative path is below the working directory") {
  const TemporaryDirectory temporary;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(temporary.path());
  test::save("ckpt", 1, false);
  const auto found = test::load("ckpt");
  std::filesystem::current_path(before);
  REQUIRE(found == 1);
  REQUIRE(test::load(temporary.path() / "ckpt") == 1);
}
