#include "plan/blocks.hpp"
#include "simulate.hpp"

#include <algorithm>
#include <map>

#include <catch2/catch.hpp>

using namespace simulate;
using cairn::plan::Block;
using cairn::plan::Place;

namespace {

/// A tree of one process's ranks: their leaves and the memory behind them. Each element holds its place in
/// the stored array, so that what blocks carry can be checked.
struct World {
  int ranks = 1, primary = 0;
  std::vector<std::vector<LocalLeaf>> leaves;  // by rank
  std::vector<std::vector<std::uint32_t>> memory;

  LocalShard shard(const Box& box, const Dims& stored_shape, const Box& stored) {
    auto& values = memory.emplace_back();
    cairn::tree::for_each_run(stored, stored_shape, [&](std::uint64_t first, std::uint64_t elements) {
      for (std::uint64_t i = 0; i < elements; ++i) values.push_back(static_cast<std::uint32_t>(first + i));
    });
    LocalShard result;
    result.box = box;
    result.data = reinterpret_cast<std::byte*>(values.data());
    result.strides = cairn::tree::row_major_strides(box.count);
    return result;
  }
};

LocalLeaf make_leaf(const std::string& path, Kind kind, const Dims& shape) {
  LocalLeaf leaf;
  leaf.path = path;
  leaf.kind = kind;
  leaf.dtype = cairn::Dtype::u32;
  leaf.element_bytes = 4;
  leaf.shape = shape;
  return leaf;
}

Dims with_first(std::int64_t first, const Dims& rest) {
  Dims result;
  result.push_back(first);
  for (const auto extent : rest) result.push_back(extent);
  return result;
}

Box rows(std::int64_t first, std::int64_t count, const Dims& rest) {
  Box box = cairn::tree::whole(with_first(count, rest));
  box.start[0] = first;
  return box;
}

void add_sharded(World& world, Random& random, const std::string& path) {
  auto decomposition = random_decomposition(random);
  const LocalLeaf leaf = make_leaf(path, Kind::sharded, decomposition.shape);
  for (auto& own : world.leaves) own.push_back(leaf);
  for (const auto& [rank, plain] : decomposition.shards) {
    const int replicas = random.between(1, 3);
    for (int replica = 0; replica < replicas; ++replica) {
      auto shard = world.shard(plain.box, leaf.shape, plain.box);
      shard.replica = replica;
      shard.replicas = replicas;
      world.leaves[static_cast<std::size_t>(random.between(0, world.ranks - 1))].back().shards.push_back(
          shard);
    }
  }
}

void add_others(World& world, Random& random) {
  const Dims shape = random_shape(random, 3, 300), large = {200, 200};
  std::int64_t total = 0;
  std::vector<std::int64_t> counts;
  for (int rank = 0; rank < world.ranks; ++rank) total += counts.emplace_back(random.between(0, 5));
  std::int64_t before = 0;
  for (int rank = 0; rank < world.ranks; ++rank) {
    auto& own = world.leaves[static_cast<std::size_t>(rank)];
    const auto count = counts[static_cast<std::size_t>(rank)];

    auto& appended = own.emplace_back(make_leaf("d", Kind::appended, shape));
    appended.rows = count;
    appended.shards.push_back(
        world.shard(rows(0, count, shape), with_first(total, shape), rows(before, count, shape)));
    before += count;

    auto& each = own.emplace_back(make_leaf("e", Kind::per_rank, shape));
    each.shards.push_back(
        world.shard(cairn::tree::whole(shape), with_first(world.ranks, shape), rows(rank, 1, shape)));

    for (const auto& [path, of] : {std::pair{"f", shape}, std::pair{"g", large}, std::pair{"h", large}}) {
      auto& replicated = own.emplace_back(make_leaf(path, Kind::replicated, of));
      replicated.shards.push_back(world.shard(cairn::tree::whole(of), of, cairn::tree::whole(of)));
    }
  }
}

/// Counts how often each element of each stored leaf is written, and whether with its own value.
std::string check(const World& world, std::uint64_t block_bytes) {
  std::vector<std::int64_t> rows_before(world.leaves[0].size(), 0);
  std::vector<std::vector<int>> written(world.leaves[0].size());
  std::vector<Dims> shapes;
  for (std::size_t i = 0; i < written.size(); ++i) {
    Dims shape = cairn::plan::stored_leaf(world.leaves[0][i], world.ranks).shape;
    if (world.leaves[0][i].kind == Kind::appended) {
      shape[0] = 0;
      for (const auto& own : world.leaves) shape[0] += own[i].rows;
    }
    shapes.push_back(shape);
    written[i].assign(cairn::tree::product(shape), 0);
  }
  for (int rank = 0; rank < world.ranks; ++rank) {
    const auto& own = world.leaves[static_cast<std::size_t>(rank)];
    std::uint32_t last = 0;
    for (auto& block : cairn::plan::divide(own, {rank, world.ranks, world.primary}, block_bytes)) {
      if (block.leaf < last) return "order";
      last = block.leaf;
      const auto elements = cairn::tree::product(block.box.count);
      if (elements == 0) return "empty block";
      if (own[block.leaf].kind == Kind::appended)
        cairn::plan::shift_rows(block, static_cast<std::uint64_t>(rows_before[block.leaf]));
      if (elements > 1 && elements * 4 > std::max<std::uint64_t>(block_bytes, 64 << 10)) return "large block";
      if (own[block.leaf].kind == Kind::sharded && elements > 1 && elements * 4 > block_bytes)
        return "large shard";
      std::vector<std::uint32_t> values(elements);
      cairn::tree::copy_strided(block.data, block.strides, reinterpret_cast<std::byte*>(values.data()),
                                cairn::tree::row_major_strides(block.box.count), block.box.count, 4);
      std::size_t next = 0;
      bool same = true;
      cairn::tree::for_each_run(block.box, shapes[block.leaf], [&](std::uint64_t first, std::uint64_t run) {
        for (std::uint64_t i = 0; i < run; ++i) {
          ++written[block.leaf][first + i];
          same = same && values[next++] == first + i;
        }
      });
      if (!same) return "value of " + own[block.leaf].path;
    }
    for (std::size_t i = 0; i < own.size(); ++i) rows_before[i] += own[i].rows;
  }
  for (std::size_t i = 0; i < written.size(); ++i)
    if (std::any_of(written[i].begin(), written[i].end(), [](int n) { return n != 1; }))
      return "count of " + world.leaves[0][i].path;
  return {};
}

}  // namespace

TEST_CASE("The ranks' blocks write every element of every leaf once, with its own value") {
  Random random(11);
  for (int i = 0; i < 150; ++i) {
    World world;
    world.ranks = random.one_in(4) ? 64 : random.between(1, 12);
    world.primary = random.between(0, world.ranks - 1);
    world.leaves.resize(static_cast<std::size_t>(world.ranks));
    for (const auto* path : {"a", "b", "c"}) {
      const auto ranks = world.ranks;
      add_sharded(world, random, path);
      REQUIRE(world.ranks == ranks);
    }
    add_others(world, random);
    const std::uint64_t sizes[] = {1, 100, 4096, 8 << 20};
    REQUIRE(check(world, sizes[random.between(0, 3)]) == "");
  }
}

TEST_CASE("Small replicated values are the primary's, large ones are dealt out") {
  std::vector<std::byte> bytes(1 << 20);
  const auto count_blocks = [&](const Dims& shape, int leaves, int ranks) {
    LocalLeaf leaf = make_leaf("w", Kind::replicated, shape);
    LocalShard shard;
    shard.box = cairn::tree::whole(shape);
    shard.data = bytes.data();
    shard.strides = cairn::tree::row_major_strides(shape);
    leaf.shards = {shard};
    const std::vector<LocalLeaf> all(static_cast<std::size_t>(leaves), leaf);
    std::vector<std::size_t> counts;
    for (int rank = 0; rank < ranks; ++rank)
      counts.push_back(cairn::plan::divide(all, {rank, ranks, 1}, 8 << 20).size());
    return counts;
  };
  REQUIRE(count_blocks({64, 255}, 5, 3) == std::vector<std::size_t>{0, 5, 0});
  REQUIRE(count_blocks({64, 256}, 6, 3) == std::vector<std::size_t>{2, 2, 2});  // one block each: in turn
  REQUIRE(count_blocks({256, 1024}, 1, 4) == std::vector<std::size_t>{1, 1, 1, 1});
  REQUIRE(count_blocks({256, 1024}, 1, 64) == [] {
    std::vector<std::size_t> sixteen(64, 0);
    std::fill_n(sixteen.begin(), 16, 1);
    return sixteen;
  }());
}

TEST_CASE("What is stored of a leaf") {
  auto leaf = make_leaf("w", Kind::per_rank, {3, 4});
  REQUIRE(cairn::plan::stored_leaf(leaf, 7).shape == Dims{7, 3, 4});
  leaf.kind = Kind::appended;
  leaf.rows = 5;
  REQUIRE(cairn::plan::stored_leaf(leaf, 7).shape == Dims{5, 3, 4});
  leaf.kind = Kind::value;
  REQUIRE(cairn::plan::stored_leaf(leaf, 7).kind == Kind::replicated);
  REQUIRE(cairn::plan::stored_leaf(leaf, 7).shape == Dims{3, 4});
  REQUIRE(cairn::plan::stored_leaf(leaf, 7).path == "w");
  REQUIRE_FALSE(cairn::plan::stored_leaf(leaf, 7).fortran_order);
  leaf.fortran_order = true;
  REQUIRE(cairn::plan::stored_leaf(leaf, 7).fortran_order);
}
