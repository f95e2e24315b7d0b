#include "cairn/error.hpp"
#include "io/block_writer.hpp"
#include "io/sample.hpp"
#include "io/staging_pool.hpp"

#include <thread>

#include <catch2/catch.hpp>

using namespace cairn;
using random_layout::Source;

namespace {

/// Stages a rank's blocks in a pool of its own, spoils the memory that they came from, and puts them.
std::vector<std::byte> write_staged(sample::Sample sample, io::StagingPool& pool, int threads) {
  const sample::Directory directory;
  directory.create("state.h5", sample.bytes);
  for (std::size_t rank = 0; rank < sample.blocks.size(); ++rank) {
    const auto sink = io::open_direct_sink(directory.file(), "state.h5", sample::options());
    const auto job = sample.job(static_cast<int>(rank));
    io::BlockWriter writer(job);
    writer.stage(*sink, pool, threads);
    for (auto& shard : sample.shards[rank])
      std::fill(shard.memory.begin(), shard.memory.end(), std::byte{0xee});
    writer.put_staged(*sink, threads);
    writer.put_rows(*sink);
    sink->finish();
  }
  return directory.content("state.h5");
}

std::vector<std::byte> write_at_once(const sample::Sample& sample) {
  const sample::Directory directory;
  sample::write(directory, sample, sample::options());
  return directory.content("state.h5");
}

}  // namespace

TEST_CASE("what is staged is what is written at once, under any bound") {
  Source source(31);
  io::StagingPool pool;
  for (int round = 0; round < 60; ++round) {
    const auto sample =
        sample::make(source, static_cast<int>(source.integer(1, 3)), static_cast<int>(source.integer(0, 12)),
                     static_cast<std::uint64_t>(source.integer(1, 4000)));
    pool.set_bound(round % 3 == 0 ? 0 : static_cast<std::uint64_t>(source.integer(1, 20000)));
    const auto expected = write_at_once(sample);
    REQUIRE(write_staged(sample, pool, static_cast<int>(source.integer(1, 4))) == expected);
    pool.trim();
  }
}

TEST_CASE("pieces are congruent to their offset, apart from one another, and within the bound") {
  io::StagingPool pool;
  pool.set_bound(100 * 4096);
  Source source(32);
  for (int round = 0; round < 100; ++round) {
    std::vector<io::StagingPool::Piece> pieces;
    for (;;) {
      const auto bytes = static_cast<std::uint64_t>(source.integer(1, 30000));
      const auto offset = static_cast<std::uint64_t>(source.integer(0, 100000));
      auto piece = pool.try_take(bytes, offset);
      if (!piece) break;
      REQUIRE(piece->bytes().size() == bytes);
      REQUIRE(reinterpret_cast<std::uintptr_t>(piece->bytes().data()) % 4096 == offset % 4096);
      std::fill(piece->bytes().begin(), piece->bytes().end(), static_cast<std::byte>(pieces.size()));
      pieces.push_back(std::move(*piece));
    }
    REQUIRE(pieces.size() >= 5);
    for (std::size_t i = 0; i < pieces.size(); ++i)
      for (const auto byte : pieces[i].bytes()) REQUIRE(byte == static_cast<std::byte>(i));
    REQUIRE(pool.bytes() <= 100 * 4096);
  }
}

TEST_CASE("memory is used again, and what two saves did not need is given back") {
  io::StagingPool pool;
  constexpr std::uint64_t kLarge = 48u << 20, kSmall = 1u << 20;
  const auto save = [&](std::uint64_t bytes, int count) {
    std::vector<io::StagingPool::Piece> pieces;
    for (int i = 0; i < count; ++i) pieces.push_back(*pool.try_take(bytes, 0));
    pieces.clear();
    pool.trim();
  };
  save(kLarge, 3);
  const auto settled = pool.bytes();
  CHECK(settled >= 3 * kLarge);
  for (int i = 0; i < 100; ++i) save(kLarge, 3);
  CHECK(pool.bytes() == settled);
  save(kSmall, 1);
  CHECK(pool.bytes() == settled);
  save(kSmall, 1);
  CHECK(pool.bytes() < settled / 2);
  pool.set_bound(1);
  CHECK(pool.bytes() == 0);
  CHECK_FALSE(pool.try_take(2, 0));
}

TEST_CASE("what was borrowed and changed meanwhile is told from what was not") {
  Source source(33);
  auto sample = sample::make(source, 1, 12, 2000);
  while (sample.blocks[0].empty()) sample = sample::make(source, 1, 12, 2000);
  for (const bool changed : {false, true}) {
    const sample::Directory directory;
    directory.create("state.h5", sample.bytes);
    const auto sink = io::open_direct_sink(directory.file(), "state.h5", sample::options());
    const auto job = sample.job(0);
    io::BlockWriter writer(job);
    writer.note_checksums(2);
    if (changed) *const_cast<std::byte*>(sample.blocks[0][0].data) ^= std::byte{1};
    bool refused = false;
    try {
      writer.put_blocks(*sink, 2, [](const tree::StoredLeaf&) { return true; });
    } catch (const Error& error) {
      refused = error.code() == ErrorCode::invalid_argument;
    }
    CHECK(refused == changed);
  }
}
