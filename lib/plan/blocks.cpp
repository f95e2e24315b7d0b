#include "plan/blocks.hpp"

#include <algorithm>

namespace cairn::plan {
namespace {

constexpr std::uint64_t kSmallBytes = 64 << 10;  // a replicated value below this is written by the primary

Dims with_first(std::int64_t first, const Dims& rest) {
  Dims result;
  result.push_back(first);
  for (const auto extent : rest) result.push_back(extent);
  return result;
}

std::uint64_t elements_in(std::uint64_t bytes, std::uint64_t element_bytes) {
  return std::max<std::uint64_t>(bytes / element_bytes, 1);
}

class Divider {
 public:
  Divider(const Place& place, std::uint64_t block_bytes) : place_(place), block_bytes_(block_bytes) {}

  void add(std::uint32_t index, const tree::LocalLeaf& leaf) {
    index_ = index;
    leaf_ = &leaf;
    for (const auto& shard : leaf.shards) {
      const auto bytes = tree::product(shard.box.count) * leaf.element_bytes;
      if (bytes == 0) continue;
      switch (stored_kind(leaf.kind)) {
        case Kind::sharded:
          add_share(shard, elements_in(block_bytes_, leaf.element_bytes), shard.replica, shard.replicas);
          break;
        case Kind::appended:
          add_share(shard, elements_in(block_bytes_, leaf.element_bytes), 0, 1);
          break;
        case Kind::per_rank:
          add_share(placed_by_rank(shard), elements_in(block_bytes_, leaf.element_bytes), 0, 1);
          break;
        default:
          add_replicated(shard, bytes);
      }
    }
  }

  std::vector<Block> blocks() && { return std::move(blocks_); }

 private:
  /// Of the pieces of a shard, those numbered `first`, `first` + `step`, ...
  void add_share(const tree::LocalShard& shard, std::uint64_t most_elements, int first, int step) {
    if (tree::product(shard.box.count) <= most_elements) {
      if (first == 0) add_block(shard, shard.box);
      return;
    }
    const auto pieces = tree::cut(shard.box, most_elements);
    for (auto i = static_cast<std::size_t>(first); i < pieces.size(); i += static_cast<std::size_t>(step))
      add_block(shard, pieces[i]);
  }

  void add_replicated(const tree::LocalShard& shard, std::uint64_t bytes) {
    if (bytes < kSmallBytes) {
      if (place_.rank == place_.primary) add_block(shard, shard.box);
      return;
    }
    const auto ranks = static_cast<std::uint64_t>(place_.size);
    const auto most = std::max(kSmallBytes, std::min(block_bytes_, bytes / ranks));
    for (const auto& piece : tree::cut(shard.box, elements_in(most, leaf_->element_bytes)))
      if (dealt_++ % ranks == static_cast<std::uint64_t>(place_.rank)) add_block(shard, piece);
  }

  tree::LocalShard placed_by_rank(const tree::LocalShard& shard) const {
    tree::LocalShard placed = shard;
    placed.box = {with_first(place_.rank, shard.box.start), with_first(1, shard.box.count)};
    placed.strides = with_first(0, shard.strides);
    return placed;
  }

  void add_block(const tree::LocalShard& shard, const tree::Box& box) {
    Dims offset = box.start;
    for (std::size_t dim = 0; dim < offset.ndims(); ++dim) offset[dim] -= shard.box.start[dim];
    const auto bytes =
        tree::offset_of(offset, shard.strides) * static_cast<std::int64_t>(leaf_->element_bytes);
    blocks_.push_back({index_, box, shard.data + bytes, shard.strides});
  }

  Place place_;
  std::uint64_t block_bytes_;
  std::uint64_t dealt_ = 0;  // blocks of replicated values so far: the same on every rank
  std::uint32_t index_ = 0;
  const tree::LocalLeaf* leaf_ = nullptr;
  std::vector<Block> blocks_;
};

}  // namespace

tree::StoredLeaf stored_leaf(const tree::LocalLeaf& local, int ranks) {
  tree::StoredLeaf stored;
  stored.path = local.path;
  stored.kind = stored_kind(local.kind);
  stored.dtype = local.dtype;
  stored.element_bytes = local.element_bytes;
  stored.shape = local.shape;
  stored.fortran_order = local.fortran_order;
  if (local.kind == Kind::per_rank) stored.shape = with_first(ranks, local.shape);
  if (local.kind == Kind::appended) stored.shape = with_first(local.rows, local.shape);
  return stored;
}

std::vector<Block> divide(std::span<const tree::LocalLeaf> leaves, const Place& place,
                          std::uint64_t block_bytes) {
  Divider divider(place, block_bytes);
  for (std::size_t i = 0; i < leaves.size(); ++i) divider.add(static_cast<std::uint32_t>(i), leaves[i]);
  return std::move(divider).blocks();
}

void shift_rows(Block& block, std::uint64_t rows_before) noexcept {
  block.box.start[0] += static_cast<std::int64_t>(rows_before);
}

}  // namespace cairn::plan
