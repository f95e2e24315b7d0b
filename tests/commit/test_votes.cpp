#include "commit/save_support.hpp"
#include "commit/token.hpp"
#include "commit/votes.hpp"

#include <cerrno>
#include <string>

#include <catch2/catch.hpp>

using namespace cairn;
using test::only;
using test::run_in_child;
using test::TemporaryDirectory;

namespace {

constexpr int kRanks = 3;

commit::Manifest pending(const base::Digest& id, int generation) {
  auto manifest = commit::decode(test::manifest_text(id, generation));
  manifest.world_size = kRanks;
  commit::CheckpointableEntry entry;
  entry.handler = "tree";
  entry.file = "state.h5";
  entry.bytes = 4096;
  entry.index_bytes = 0;
  entry.table_rows = 1;
  manifest.checkpointables.emplace("state", entry);
  commit::CheckpointableEntry loader;
  loader.handler = "json";
  commit::set_files(loader, {{"loader.json", 0, {}}});
  manifest.checkpointables.emplace("loader", loader);
  return manifest;
}

commit::Vote ready(std::uint64_t lane) {
  return {{{"state", {lane, 10 * lane}}}, 0.5 * static_cast<double>(lane), "node", true, {}};
}

/// A save in the background whose job dies after these ranks have voted, and, with `decided`, after the
/// primary began to decide.
base::Digest die_after_votes(const Path& path, int generation, std::vector<commit::Vote> votes,
                             bool decided = false) {
  const auto id = base::random_id();
  const int ended = run_in_child([&] {
    auto transaction = commit::Transaction::begin(path, id, true, test::plain_files());
    test::write_data(transaction, id, generation);
    commit::prepare_votes(transaction.directory(), kRanks, {"state"}, test::plain_files(), false);
    base::write_whole(transaction.directory(), "loader.json", "{}", 0600, false);
    commit::write_pending(transaction.directory(), pending(id, generation), test::plain_files(), false);
    for (std::size_t rank = 0; rank < votes.size(); ++rank)
      commit::VoteSlot(transaction.directory(), static_cast<int>(rank), kRanks).cast(votes[rank]);
    if (decided) base::write_whole(transaction.directory(), "checkpoint.json", "{ half", 0600, false);
    // Of a repair that died too.
    if (decided) base::write_whole(transaction.directory(), "elected.0123", "{ half", 0600, false);
    ::_exit(7);  // neither aborts nor discards
    return 7;
  });
  REQUIRE(ended == 7);
  return id;
}

std::optional<Error> failure() {
  return Error(ErrorCode::no_space, "the disk is full", ENOSPC, -1, {});
}

}  // namespace

TEST_CASE("a vote comes back as it was cast, and is not there before") {
  const TemporaryDirectory temporary;
  const auto directory = base::open_directory(temporary.path());
  commit::prepare_votes(directory, kRanks, {"state"}, test::plain_files(), true);
  for (int rank = 0; rank < kRanks; ++rank) CHECK_FALSE(commit::read_vote(directory, rank, kRanks));
  commit::VoteSlot(directory, 1, kRanks).cast(ready(5));
  const auto vote = commit::read_vote(directory, 1, kRanks);
  REQUIRE(vote);
  CHECK(vote->tables.at("state") == base::Digest{5, 50});
  CHECK(vote->write_s == 2.5);
  CHECK(vote->host == "node");
  CHECK_FALSE(vote->failure);
  CHECK_FALSE(commit::read_vote(directory, 0, kRanks));
  CHECK_FALSE(commit::read_vote(directory, 2, kRanks));

  auto failed = ready(1);
  failed.failure.emplace(ErrorCode::no_space, std::string(9000, 'x'), ENOSPC, -1, Path());
  commit::VoteSlot(directory, 2, kRanks).cast(failed);
  const auto other = commit::read_vote(directory, 2, kRanks);
  REQUIRE(other);
  REQUIRE(other->failure);
  CHECK(other->failure->code() == ErrorCode::no_space);
  CHECK(other->failure->system_error() == ENOSPC);
  CHECK(other->failure->rank() == 2);
  CHECK(std::string(other->failure->what()).find("no_space: xxx") == 0);
}

TEST_CASE("a vote on many checkpointables fits its slot, and so does the longest failure") {
  const TemporaryDirectory temporary;
  const auto directory = base::open_directory(temporary.path());
  std::vector<std::string> names;
  auto vote = ready(1);
  for (int i = 0; i < 300; ++i) {
    names.push_back(std::string(190, '"') + std::to_string(i));
    vote.tables[names.back()] = {1, static_cast<std::uint64_t>(i)};
  }
  commit::prepare_votes(directory, kRanks, names, test::plain_files(), false);
  commit::VoteSlot(directory, 2, kRanks).cast(vote);
  CHECK(commit::read_vote(directory, 2, kRanks)->tables == vote.tables);
  CHECK_FALSE(commit::read_vote(directory, 1, kRanks));
  auto failed = ready(1);
  failed.failure.emplace(ErrorCode::io, std::string(9000, '\x01'), EIO, -1, Path());
  commit::VoteSlot(directory, 1, kRanks).cast(failed);
  CHECK(commit::read_vote(directory, 1, kRanks)->failure);
}

TEST_CASE("a vote that was half written is not cast, and one that is damaged is never believed") {
  const TemporaryDirectory temporary;
  const auto directory = base::open_directory(temporary.path());
  commit::prepare_votes(directory, kRanks, {"state"}, test::plain_files(), false);
  commit::VoteSlot(directory, 0, kRanks).cast(ready(1));
  const auto file = base::open_file(&directory, commit::votes_file, O_RDWR);
  std::vector<std::byte> slot(4096), damaged;
  base::read_at(file, slot, 0);
  for (const std::size_t byte : {0, 8, 9, 16, 30}) {
    damaged = slot;
    damaged[byte] ^= std::byte{0x10};
    base::write_at(file, damaged, 0);
    INFO("byte " << byte);
    CHECK_FALSE(commit::read_vote(directory, 0, kRanks));
  }
  base::write_at(file, slot, 0);
  CHECK(commit::read_vote(directory, 0, kRanks));
}

TEST_CASE("a job that died after the last vote leaves a save that is completed") {
  for (const bool decided : {false, true}) {
    const TemporaryDirectory temporary;
    const Path path = temporary.path() / "ckpt";
    test::save(path, 1, false);
    const auto id = die_after_votes(path, 2, {ready(1), ready(2), ready(4)}, decided);
    CHECK(test::load(path) == 1);
    REQUIRE(test::repair(path).size() == 1);
    REQUIRE(test::load(path) == 2);
    CHECK(test::names_in(temporary.path()) == only("ckpt"));
    CHECK(test::names_in(path) ==
          std::vector<std::string>{"checkpoint.json", "commit", "data1", "data2", "loader.json"});
    const auto manifest = commit::decode(test::text_of(path / "checkpoint.json"));
    CHECK(manifest.save_id == id);
    CHECK(manifest.checkpointables.at("state").table_digest == base::Digest{7, 70});
    const auto& files = manifest.checkpointables.at("loader").files;
    REQUIRE(files.size() == 1);
    CHECK(files[0].name == "loader.json");
    CHECK(files[0].bytes == 2);
    CHECK(files[0].digest == base::digest("{}"));
  }
}

TEST_CASE("a job that died before the last vote, or with one that failed, leaves what was there before") {
  auto failed = ready(2), lost = ready(2);
  failed.failure = failure();
  lost.synced = false;  // its data may be gone with its node
  const std::vector<std::vector<commit::Vote>> all = {
      {}, {ready(1)}, {ready(1), ready(2)}, {ready(1), failed, ready(3)}, {ready(1), lost, ready(3)}};
  for (const auto& votes : all)
    for (const bool existing : {true, false}) {
      const TemporaryDirectory temporary;
      const Path path = temporary.path() / "ckpt";
      if (existing) test::save(path, 1, false);
      die_after_votes(path, 2, votes);
      test::repair(path);
      CHECK(test::load(path) == (existing ? std::optional<int>(1) : std::nullopt));
      CHECK(test::names_in(temporary.path()) == (existing ? only("ckpt") : std::vector<std::string>()));
    }
}

TEST_CASE("a file that a vote stands for, and that is lost, is not completed without") {
  const TemporaryDirectory temporary;
  const Path path = temporary.path() / "ckpt";
  const auto id = die_after_votes(path, 2, {ready(1), ready(2), ready(3)});
  std::filesystem::remove(temporary.path() / (".ckpt." + base::to_hex(id)) / "loader.json");
  commit::repair(path);
  CHECK_FALSE(test::load(path));
  CHECK(test::names_in(temporary.path()).empty());
}

TEST_CASE("what a rank gave up stays given up, though all votes are in") {
  const TemporaryDirectory temporary;
  const Path path = temporary.path() / "ckpt";
  const auto id = die_after_votes(path, 2, {ready(1), ready(2), ready(3)});
  const auto hidden = temporary.path() / (".ckpt." + base::to_hex(id));
  std::filesystem::rename(hidden / "open", hidden / "abort");
  test::repair(path);
  CHECK_FALSE(test::load(path));
  CHECK(test::names_in(temporary.path()).empty());
}

TEST_CASE("the next save completes what was voted for, then replaces it") {
  const TemporaryDirectory temporary;
  const Path path = temporary.path() / "ckpt";
  die_after_votes(path, 2, {ready(1), ready(2), ready(3)});
  // Not allowed to overwrite: it finds a checkpoint.
  CHECK(test::code_of([&] { test::save(path, 3, false); }) == ErrorCode::already_exists);
  CHECK(test::load(path) == 2);
  test::save(path, 3, true);
  CHECK(test::load(path) == 3);
  CHECK(test::names_in(temporary.path()) == only("ckpt"));
}
