#include "plan/coverage.hpp"
#include "plan/diagnosis.hpp"
#include "simulate.hpp"

#include <algorithm>

#include <catch2/catch.hpp>

using namespace simulate;
using cairn::base::Digest;
using cairn::plan::HeldBox;
using cairn::plan::Place;

namespace {

Digest random_id(Random& random) {
  return {random.word(), random.word()};
}

Digest coverage_sum(const Digest& id, const std::vector<LocalLeaf>& leaves, int primary) {
  Digest sum;
  for (std::size_t rank = 0; rank < leaves.size(); ++rank) {
    const Place place{static_cast<int>(rank), static_cast<int>(leaves.size()), primary};
    sum += cairn::plan::coverage_part(id, 17, leaves[rank], place);
  }
  return sum;
}

std::vector<Box> boxes_of(const Decomposition& decomposition) {
  std::vector<Box> boxes;
  for (const auto& [rank, shard] : decomposition.shards) boxes.push_back(shard.box);
  return boxes;
}

/// The counts of the elements of `box` alone.
std::pair<int, int> range_in(const Box& box, const Dims& shape, const std::vector<int>& counts) {
  int least = 1 << 30, most = 0;
  cairn::tree::for_each_run(box, shape, [&](std::uint64_t first, std::uint64_t elements) {
    for (std::uint64_t i = 0; i < elements; ++i) {
      least = std::min(least, counts[first + i]);
      most = std::max(most, counts[first + i]);
    }
  });
  return {least, most};
}

/// The diagnosis says just what counting says. Returns what is wrong with it.
std::string check_diagnosis(const Decomposition& decomposition, const std::vector<int>& counts) {
  const auto boxes = boxes_of(decomposition);
  const bool has_gap = std::count(counts.begin(), counts.end(), 0) > 0;
  const bool has_overlap = std::any_of(counts.begin(), counts.end(), [](int n) { return n > 1; });
  const auto gap = cairn::plan::find_gap(decomposition.shape, boxes);
  const auto overlap = cairn::plan::find_overlap(boxes);
  if (gap.has_value() != has_gap) return "gap";
  if (overlap.has_value() != has_overlap) return "overlap";
  if (gap && (cairn::tree::is_empty(*gap) || range_in(*gap, decomposition.shape, counts).second != 0))
    return "gap box " + cairn::tree::to_string(*gap);
  if (overlap) {
    if (cairn::tree::is_empty(overlap->box) || range_in(overlap->box, decomposition.shape, counts).first < 2)
      return "overlap box " + cairn::tree::to_string(overlap->box);
    if (cairn::tree::intersect(boxes[overlap->a], boxes[overlap->b]) != overlap->box) return "overlap pair";
  }
  return {};
}

}  // namespace

TEST_CASE("The coverage sum is zero exactly where each element is held once, over 100 000 decompositions") {
  Random random(20240611);
  int right = 0, wrong = 0, many_ranks = 0;
  std::string failure;
  for (int i = 0; i < 100000 && failure.empty(); ++i) {
    auto decomposition = random_decomposition(random);
    for (int spoilt = i % 2 == 0 ? 0 : random.between(1, 4); spoilt > 0; --spoilt)
      spoil(random, decomposition);
    const auto counts = count_elements(decomposition.shape, boxes_of(decomposition));
    const bool covered = std::all_of(counts.begin(), counts.end(), [](int n) { return n == 1; });
    const auto sum =
        coverage_sum(random_id(random), decomposition.leaves(), random.between(0, decomposition.ranks - 1));
    if ((sum == Digest{}) != covered) failure = "sum of decomposition " + std::to_string(i);
    if (!covered && i % 10 == 1) {
      if (auto text = check_diagnosis(decomposition, counts); !text.empty())
        failure = text + " of decomposition " + std::to_string(i);
    }
    ++(covered ? right : wrong);
    if (decomposition.ranks == 64) ++many_ranks;
  }
  CAPTURE(failure);
  REQUIRE(failure.empty());
  REQUIRE(right > 40000);
  REQUIRE(wrong > 30000);
  REQUIRE(many_ranks > 20000);
}

TEST_CASE("Counts that cancel in number but not in place are found") {
  // A gap and an overlap of the same size, which adding volumes would miss.
  Decomposition decomposition;
  decomposition.shape = {8};
  decomposition.ranks = 2;
  decomposition.shards = {{0, {{{0}, {4}}}}, {1, {{{3}, {4}}}}};
  REQUIRE(coverage_sum({1, 2}, decomposition.leaves(), 0) != Digest{});
}

TEST_CASE("The leaf and the id are part of the hash") {
  const Box box{{2, 3}, {4, 5}};
  REQUIRE(cairn::plan::corners({1, 2}, 0, box) != cairn::plan::corners({1, 2}, 1, box));
  REQUIRE(cairn::plan::corners({1, 2}, 0, box) != cairn::plan::corners({1, 3}, 0, box));
  REQUIRE(cairn::plan::corners({1, 2}, 0, box) != cairn::plan::corners({2, 2}, 0, box));
  REQUIRE(cairn::plan::corners({1, 2}, 0, {{2, 3}, {0, 5}}) == Digest{});
}

namespace {

/// Boxes that are copied over replicas, with what each copy holds.
struct Copies {
  Decomposition decomposition;
  std::vector<Digest> contents;  // a shard each
};

Copies random_copies(Random& random) {
  Copies result;
  auto plain = random_decomposition(random);
  result.decomposition.shape = plain.shape;
  result.decomposition.ranks = plain.ranks;
  for (const auto& [rank, shard] : plain.shards) {
    const Digest content = random_id(random);
    auto copy = shard;
    copy.replicas = random.between(1, 4);
    for (copy.replica = 0; copy.replica < copy.replicas; ++copy.replica) {
      result.decomposition.shards.emplace_back(random.between(0, plain.ranks - 1), copy);
      result.contents.push_back(content);
    }
  }
  return result;
}

void spoil(Random& random, Copies& copies) {
  auto& shards = copies.decomposition.shards;
  if (shards.empty()) return;
  const auto which = random.between(0, static_cast<int>(shards.size()) - 1);
  auto& shard = shards[static_cast<std::size_t>(which)].second;
  switch (random.between(0, 4)) {
    case 0:
      shards.erase(shards.begin() + which);
      copies.contents.erase(copies.contents.begin() + which);
      return;
    case 1:
      shard.replica = random.between(0, shard.replicas - 1);
      return;
    case 2:
      ++shard.replicas;
      return;
    case 3:
      copies.contents[static_cast<std::size_t>(which)].lo ^= std::uint64_t{1} << random.between(0, 63);
      return;
    default:
      if (shard.box.ndims() > 0 && shard.box.count[0] > 1) --shard.box.count[0];
  }
}

/// Whether each box that is not empty has its copies 0 to replicas - 1, each once and with the same content.
bool copies_fit(const Copies& copies) {
  struct Held {
    std::string box;
    int replicas, replica;
    std::uint64_t lo, hi;
    auto operator<=>(const Held&) const = default;
  };
  std::vector<Held> held;
  for (std::size_t i = 0; i < copies.contents.size(); ++i) {
    const auto& shard = copies.decomposition.shards[i].second;
    if (cairn::tree::is_empty(shard.box) || shard.replicas == 1) continue;
    held.push_back({cairn::tree::to_string(shard.box), shard.replicas, shard.replica, copies.contents[i].lo,
                    copies.contents[i].hi});
  }
  std::sort(held.begin(), held.end());
  for (std::size_t i = 0; i < held.size();) {
    const auto first = held[i];
    for (int replica = 0; replica < first.replicas; ++replica, ++i) {
      if (i == held.size()) return false;
      if (held[i] != Held{first.box, first.replicas, replica, first.lo, first.hi}) return false;
    }
  }
  return true;
}

Digest link_sum(const Digest& id, const Copies& copies) {
  Digest sum;
  std::vector<std::vector<Digest>> contents(static_cast<std::size_t>(copies.decomposition.ranks));
  for (std::size_t i = 0; i < copies.contents.size(); ++i)
    contents[static_cast<std::size_t>(copies.decomposition.shards[i].first)].push_back(copies.contents[i]);
  const auto leaves = copies.decomposition.leaves();
  for (std::size_t rank = 0; rank < leaves.size(); ++rank) {
    const Place place{static_cast<int>(rank), copies.decomposition.ranks, 0};
    sum += cairn::plan::link_part(id, 3, leaves[rank], contents[rank], place);
  }
  return sum;
}

/// The diagnosis finds something exactly where copies do not fit, or boxes do not cover the array.
bool diagnosis_agrees(const Copies& copies, bool fit) {
  std::vector<HeldBox> held;
  for (std::size_t i = 0; i < copies.contents.size(); ++i) {
    const auto& [rank, shard] = copies.decomposition.shards[i];
    if (!cairn::tree::is_empty(shard.box))
      held.push_back({rank, shard.replica, shard.replicas, shard.box, copies.contents[i]});
  }
  return cairn::plan::diagnose_copies("w", held).empty() == fit;
}

}  // namespace

TEST_CASE("The chain of copies is zero exactly where each box has all its copies, and they are the same") {
  Random random(7);
  int right = 0, wrong = 0;
  std::string failure;
  for (int i = 0; i < 10000 && failure.empty(); ++i) {
    auto copies = random_copies(random);
    for (int spoilt = i % 2 == 0 ? 0 : random.between(1, 6); spoilt > 0; --spoilt) spoil(random, copies);
    const bool fit = copies_fit(copies);
    if ((link_sum(random_id(random), copies) == Digest{}) != fit) failure = "sum " + std::to_string(i);
    if (!fit && !diagnosis_agrees(copies, fit)) failure = "diagnosis " + std::to_string(i);
    ++(fit ? right : wrong);
  }
  CAPTURE(failure);
  REQUIRE(failure.empty());
  REQUIRE(right > 4000);
  REQUIRE(wrong > 2000);
}

TEST_CASE("Replicated values must be the same on all of 64 ranks") {
  Random random(8);
  for (int i = 0; i < 500; ++i) {
    const int ranks = random.between(1, 64);
    LocalLeaf leaf;
    leaf.kind = random.one_in(2) ? Kind::value : Kind::replicated;
    leaf.element_bytes = 8;
    leaf.shards.emplace_back();
    const Digest content = random_id(random), id = random_id(random);
    const int differing = random.one_in(2) ? random.between(0, ranks - 1) : -1;
    Digest sum;
    for (int rank = 0; rank < ranks; ++rank) {
      Digest mine = content;
      if (rank == differing) ++mine.hi;
      sum += cairn::plan::link_part(id, 0, leaf, std::vector{mine}, {rank, ranks, 0});
    }
    REQUIRE((sum == Digest{}) == (differing < 0 || ranks == 1));
  }
}

TEST_CASE("The content of a shard does not depend on how it lies in memory") {
  Random random(9);
  for (int i = 0; i < 200; ++i) {
    const Dims count = random_shape(random, 4, 2000);
    const std::uint64_t element_bytes = std::uint64_t{1} << random.between(0, 4);
    const auto elements = cairn::tree::product(count);
    std::vector<std::byte> packed(elements * element_bytes);
    for (auto& byte : packed) byte = static_cast<std::byte>(random.word());
    // Column-major, with a gap after each element.
    Dims strides = count;
    std::int64_t stride = 2;
    for (std::size_t dim = 0; dim < count.ndims(); ++dim) {
      strides[dim] = stride;
      stride *= std::max<std::int64_t>(count[dim], 1);
    }
    std::vector<std::byte> spread(static_cast<std::size_t>(stride) * element_bytes);
    cairn::tree::copy_strided(packed.data(), cairn::tree::row_major_strides(count), spread.data(), strides,
                              count, element_bytes);
    LocalShard a, b;
    a.box = b.box = cairn::tree::whole(count);
    a.data = packed.data();
    a.strides = cairn::tree::row_major_strides(count);
    b.data = spread.data();
    b.strides = strides;
    REQUIRE(cairn::plan::content_of(a, element_bytes) == cairn::plan::content_of(b, element_bytes));
    if (packed.empty()) continue;
    const auto before = cairn::plan::content_of(a, element_bytes);
    packed[static_cast<std::size_t>(random.between(0, static_cast<int>(packed.size()) - 1))] ^= std::byte{1};
    REQUIRE(cairn::plan::content_of(a, element_bytes) != before);
  }
}

TEST_CASE("A strided shard larger than the packing buffer has the content of its packed copy") {
  const Dims count = {300, 100};
  std::vector<std::byte> memory(300 * 128 * 8);
  for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<std::byte>(i * 7 >> 3);
  LocalShard halo;
  halo.box = {{10, 20}, count};
  halo.data = memory.data();
  halo.strides = {128, 1};
  std::vector<std::byte> packed(300 * 100 * 8);
  cairn::tree::copy_strided(memory.data(), halo.strides, packed.data(), {100, 1}, count, 8);
  REQUIRE(cairn::plan::content_of(halo, 8) == cairn::base::digest(packed));
}
