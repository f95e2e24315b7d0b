#include "commit/save_support.hpp"

#include <barrier>
#include <fstream>
#include <thread>
#include <utility>

#include <catch2/catch.hpp>
#include <sys/stat.h>

using namespace cairn;
using commit::Transaction;
using commit::Verdict;
using test::begin;
using test::Call;
using test::code_of;
using test::only;
using test::ScopedHook;
using test::TemporaryDirectory;
using test::text_of;

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

TEST_CASE("a process that swaps the new checkpoint out again does not get it deleted") {
  const TemporaryDirectory temporary;
  const Path path = temporary.path() / "ckpt";
  test::save(path, 1, false);
  const auto id = base::random_id();
  auto transaction = Transaction::begin(path, id, true, test::plain_files());
  test::write_data(transaction, id, 2);
  REQUIRE(transaction.decide(test::manifest_text(id, 2), true) == Verdict::committed);
  const auto parent = base::open_directory(temporary.path());
  const std::string hidden = transaction.temporary_path().filename();
  int swaps = 0;
  ScopedHook hook([&](const Call& call) {
    // Just before the old one, which has the hidden name now, is renamed to be deleted.
    const bool disposing =
        call.op == base::Op::rename && Path(call.name).filename() == hidden && call.offset == 1;
    if (disposing && swaps++ == 0) base::exchange(parent, hidden, "ckpt");
    return 0;
  });
  transaction.publish(true);
  REQUIRE(swaps == 2);
  REQUIRE(test::load(path) == 2);
  REQUIRE(test::names_in(temporary.path()) == only("ckpt"));
}

TEST_CASE("of two saves that begin together at one path at most one goes on") {
  const TemporaryDirectory temporary;
  const Path path = temporary.path() / "ckpt";
  std::optional<Transaction> rival;
  bool begun = false;
  ScopedHook hook([&](const Call& call) {
    if (call.op == base::Op::make_dir && !std::exchange(begun, true)) rival.emplace(begin(path));
    return 0;
  });
  REQUIRE(code_of([&] { begin(path); }) == ErrorCode::locked);
  REQUIRE(test::names_in(temporary.path()) == only(rival->temporary_path().filename()));
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
