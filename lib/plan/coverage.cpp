#include "plan/coverage.hpp"

#include "device/memory.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace cairn::plan {
namespace {

// A strided shard is packed in pieces of about this size; one of a device comes in pieces.
constexpr std::uint64_t kPackedBytes = 64 << 10, kDevicePieceBytes = 4 << 20;

/// Words to be hashed with the save's id.
class Words {
 public:
  Words(const base::Digest& id, std::uint64_t leaf, std::uint64_t link) noexcept : seed_(id.lo) {
    add(id.hi);
    add(leaf);
    add(link);
  }
  void add(std::uint64_t word) noexcept { words_[used_++] = word; }
  void add(const Dims& extents) noexcept {
    for (const auto extent : extents) add(static_cast<std::uint64_t>(extent));
  }
  base::Digest digest() const noexcept {
    return base::digest(std::as_bytes(std::span(words_.data(), used_)), seed_);
  }

 private:
  std::uint64_t seed_;
  std::size_t used_ = 0;
  std::array<std::uint64_t, 3 + 3 + 2 * 8> words_{};
};

/// Link `copy` of a chain: 1 joins copies 0 and 1. 0 stands for a corner.
base::Digest link(const base::Digest& id, std::uint64_t leaf, int copy, int copies, const tree::Box& box,
                  const base::Digest& content) noexcept {
  Words words(id, leaf, static_cast<std::uint64_t>(copy));
  words.add(static_cast<std::uint64_t>(copies));
  words.add(content.lo);
  words.add(content.hi);
  words.add(box.start);
  words.add(box.count);
  return words.digest();
}

base::Digest links(const base::Digest& id, std::uint64_t leaf, int copy, int copies, const tree::Box& box,
                   const base::Digest& content) noexcept {
  base::Digest sum;
  if (copy > 0) sum += link(id, leaf, copy, copies, box, content);
  if (copy + 1 < copies) sum -= link(id, leaf, copy + 1, copies, box, content);
  return sum;
}

bool is_compared(const tree::LocalLeaf& leaf, const tree::LocalShard& shard) noexcept {
  return stored_kind(leaf.kind) == Kind::replicated || (leaf.kind == Kind::sharded && shard.replicas > 1);
}

}  // namespace

base::Digest content_of(const tree::LocalShard& shard, std::uint64_t element_bytes, void* device_stream) {
  const std::uint64_t bytes = tree::product(shard.box.count) * element_bytes;
  if (bytes == 0) return base::digest(std::span<const std::byte>());
  std::optional<device::Copies> copies;
  if (device::is_device(shard.data)) copies.emplace(device_stream);
  if (!copies && tree::is_packed(shard.box.count, shard.strides))
    return base::digest(std::span<const std::byte>(shard.data, bytes));

  base::StreamingDigest digest;
  const auto most = std::max<std::uint64_t>((copies ? kDevicePieceBytes : kPackedBytes) / element_bytes, 1);
  std::vector<std::byte> packed;
  for (const auto& piece : tree::cut(shard.box, most)) {
    packed.resize(tree::product(piece.count) * element_bytes);
    auto* const from = shard.data + tree::offset_between(shard.box.start, piece.start, shard.strides) *
                                        static_cast<std::int64_t>(element_bytes);
    if (copies) {
      copies->gather({from, shard.strides, piece.count, element_bytes}, packed.data());
      copies->wait();
    } else {
      tree::copy_strided(from, shard.strides, packed.data(), tree::row_major_strides(piece.count),
                         piece.count, element_bytes);
    }
    digest.add(packed);
  }
  return digest.result();
}

std::vector<base::Digest> contents_of(std::span<const tree::LocalLeaf> leaves, bool compare,
                                      void* device_stream) {
  std::vector<base::Digest> contents;
  contents.reserve(leaves.size());
  for (const auto& leaf : leaves) {
    for (const auto& shard : leaf.shards)
      contents.push_back(compare && is_compared(leaf, shard)
                             ? content_of(shard, leaf.element_bytes, device_stream)
                             : base::Digest{});
  }
  return contents;
}

base::Digest corners(const base::Digest& id, std::uint64_t leaf, const tree::Box& box) noexcept {
  base::Digest sum;
  if (tree::is_empty(box)) return sum;
  const std::uint32_t all = 1u << box.ndims();
  for (std::uint32_t upper = 0; upper < all; ++upper) {
    Words words(id, leaf, 0);
    bool negative = false;
    for (std::size_t dim = 0; dim < box.ndims(); ++dim) {
      const bool is_upper = (upper >> dim & 1u) != 0;
      words.add(static_cast<std::uint64_t>(box.start[dim] + (is_upper ? box.count[dim] : 0)));
      negative = negative != is_upper;
    }
    if (negative)
      sum -= words.digest();
    else
      sum += words.digest();
  }
  return sum;
}

base::Digest coverage_part(const base::Digest& id, std::uint64_t leaf, const tree::LocalLeaf& local,
                           const Place& place) noexcept {
  base::Digest sum;
  if (local.kind != Kind::sharded) return sum;
  for (const auto& shard : local.shards)
    if (shard.replica == 0) sum += corners(id, leaf, shard.box);
  if (place.rank == place.primary) sum -= corners(id, leaf, tree::whole(local.shape));
  return sum;
}

base::Digest link_part(const base::Digest& id, std::uint64_t leaf, const tree::LocalLeaf& local,
                       std::span<const base::Digest> contents, const Place& place) noexcept {
  base::Digest sum;
  const bool replicated = stored_kind(local.kind) == Kind::replicated;
  for (std::size_t i = 0; i < local.shards.size(); ++i) {
    const auto& shard = local.shards[i];
    if (replicated)
      sum += links(id, leaf, place.rank, place.size, shard.box, contents[i]);
    else if (is_compared(local, shard) && !tree::is_empty(shard.box))
      sum += links(id, leaf, shard.replica, shard.replicas, shard.box, contents[i]);
  }
  return sum;
}

}  // namespace cairn::plan
