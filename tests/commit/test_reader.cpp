#include "commit/save_support.hpp"

#include <fstream>

#include <catch2/catch.hpp>
#include <sys/wait.h>
#include <unistd.h>

using namespace cairn;
using test::Call;
using test::code_of;
using test::only;
using test::ScopedHook;
using test::TemporaryDirectory;
using test::text_of;

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

TEST_CASE("a reader of a checkpoint that is being deleted never takes it for a damaged one") {
  for (int allowed = 0; allowed < 5; ++allowed) {
    const TemporaryDirectory temporary;
    const Path path = temporary.path() / "ckpt";
    test::save(path, 1, false);
    const auto opened = commit::open_checkpoint(path);
    int removed = 0;
    ScopedHook hook(
        [&](const Call& call) { return call.op == base::Op::remove && removed++ >= allowed ? EACCES : 0; });
    test::save(path, 2, true);
    INFO(allowed << " files removed");
    REQUIRE_NOTHROW(commit::read_manifest(opened));
    REQUIRE(test::load(path) == 2);
  }
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
