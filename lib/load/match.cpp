#include "load/match.hpp"

#include "cairn/error.hpp"
#include "tree/convert.hpp"

#include <algorithm>

namespace cairn::load_stages {
namespace {

/// Rows [first, first + count) of `total`, divided evenly and in order.
struct Share {
  std::int64_t first = 0, count = 0;
};
Share even_share(std::int64_t total, int rank, int size) {
  const std::int64_t base = total / size, more = total % size;
  return {rank * base + std::min<std::int64_t>(rank, more), base + (rank < more ? 1 : 0)};
}

Dims without_first(const Dims& shape) {
  Dims rest;
  for (std::size_t i = 1; i < shape.ndims(); ++i) rest.push_back(shape[i]);
  return rest;
}

Dims with_first(std::int64_t first, const Dims& rest) {
  Dims shape;
  shape.push_back(first);
  for (auto extent : rest) shape.push_back(extent);
  return shape;
}

tree::Box rows_of(const Dims& shape, Share share) {
  tree::Box box = tree::whole(shape);
  box.start[0] = share.first;
  box.count[0] = share.count;
  return box;
}

/// The rows of an appended array that are this rank's: those it saved where the number of ranks is the same,
/// else an even share.
Share appended_share(const tree::StoredLeaf& stored, int rank, int size) {
  if (stored.rows.size() == static_cast<std::size_t>(size)) {
    Share share;
    for (int i = 0; i < rank; ++i) share.first += stored.rows[static_cast<std::size_t>(i)];
    share.count = stored.rows[static_cast<std::size_t>(rank)];
    return share;
  }
  return even_share(stored.shape.ndims() == 0 ? 1 : stored.shape[0], rank, size);
}

/// How many ranks saved a per_rank leaf.
int saved_ranks(const tree::StoredLeaf& per_rank) {
  return static_cast<int>(per_rank.shape[0]);
}

class Matcher {
 public:
  Matcher(const Stored& stored, const LoadOptions& options, int rank, int size)
      : stored_(stored), options_(options), rank_(rank), size_(size) {}

  void add(tree::LocalLeaf leaf) {
    const auto& name = name_in_file(leaf.path, options_);
    const auto found = std::lower_bound(stored_.leaves.begin(), stored_.leaves.end(), name,
                                        [](const auto& a, const std::string& b) { return a.path < b; });
    if (found == stored_.leaves.end() || found->path != name)
      return complain(leaf.path, name == leaf.path ? "is not in the checkpoint"
                                                   : "is not in the checkpoint as `" + name + "`");
    index_ = static_cast<std::uint32_t>(found - stored_.leaves.begin());
    if (leaf.read_only) return complain(leaf.path, "is bound to const memory, which a load cannot write");
    if (!check_dtype(leaf, *found)) return;
    switch (leaf.kind) {
      case Kind::value:
      case Kind::replicated:
        add_whole(leaf, *found);
        break;
      case Kind::sharded:
        add_shards(leaf, *found);
        break;
      case Kind::per_rank:
        add_per_rank(leaf, *found);
        break;
      case Kind::appended:
        add_appended(leaf, *found);
        break;
    }
    result_.leaves.push_back(std::move(leaf));
  }

  Matched finish() && {
    if (!stored_.unwanted.empty() && !options_.partial)
      problems_ +=
          "\n  the checkpoint also holds " + stored_.unwanted + " (LoadOptions::partial loads without them)";
    if (!problems_.empty())
      throw Error(ErrorCode::mismatch, "the tree does not fit the checkpoint:" + problems_, 0, rank_);
    return std::move(result_);
  }

 private:
  void complain(const std::string& path, const std::string& what) {
    problems_ += "\n  `" + path + "` " + what;
  }

  bool check_dtype(const tree::LocalLeaf& leaf, const tree::StoredLeaf& stored) {
    if (leaf.dtype == stored.dtype) return true;
    const std::string types = std::string("is ") + to_string(stored.dtype) + " in the checkpoint and " +
                              to_string(leaf.dtype) + " in the tree";
    if (!tree::converter(stored.dtype, leaf.dtype)) {
      complain(leaf.path, types + ", and there is no conversion");
      return false;
    }
    if (options_.cast == Cast::never) {
      complain(leaf.path, types + " (LoadOptions::cast converts)");
      return false;
    }
    return true;
  }

  bool check_shape(const tree::LocalLeaf& leaf, const Dims& in_tree, const Dims& in_file) {
    if (in_tree == in_file) return true;
    complain(leaf.path, "has shape " + tree::to_string(in_file) + " in the checkpoint and " +
                            tree::to_string(in_tree) + " in the tree");
    return false;
  }

  io::Want want(const tree::LocalLeaf& leaf, const tree::LocalShard& shard, tree::Box box) const {
    return {index_, std::move(box), shard.data, shard.strides, leaf.dtype, options_.cast};
  }

  void add_whole(tree::LocalLeaf& leaf, const tree::StoredLeaf& stored) {
    if (stored.dtype == Dtype::string) {
      if (!tree::resize(leaf, static_cast<std::int64_t>(stored.element_bytes)))
        return complain(leaf.path, "is a string of " + std::to_string(stored.element_bytes) +
                                       " bytes in the checkpoint, which the tree's cannot become");
    }
    if (!check_shape(leaf, leaf.shape, stored.shape)) return;
    for (const auto& shard : leaf.shards)
      result_.shared.push_back(want(leaf, shard, tree::whole(stored.shape)));
  }

  void add_shards(const tree::LocalLeaf& leaf, const tree::StoredLeaf& stored) {
    if (!check_shape(leaf, leaf.shape, stored.shape)) return;
    for (const auto& shard : leaf.shards)
      if (!tree::is_empty(shard.box)) result_.own.push_back(want(leaf, shard, shard.box));
  }

  void add_per_rank(const tree::LocalLeaf& leaf, const tree::StoredLeaf& stored) {
    if (stored.kind != Kind::per_rank) return complain(leaf.path, "was not saved as a value of each rank");
    if (!check_shape(leaf, leaf.shape, without_first(stored.shape))) return;
    if (saved_ranks(stored) != size_ && !options_.deal_per_rank)
      return complain(leaf.path, "has a value of each of " + std::to_string(saved_ranks(stored)) +
                                     " ranks, and there are " + std::to_string(size_) +
                                     " now (LoadOptions::deal_per_rank deals them out in turn)");
    for (const auto& shard : leaf.shards) {
      auto w = want(leaf, shard, rows_of(stored.shape, {rank_ % saved_ranks(stored), 1}));
      Dims strides;
      strides.push_back(0);
      for (auto stride : shard.strides) strides.push_back(stride);
      w.strides = strides;
      result_.own.push_back(std::move(w));
    }
  }

  void add_appended(tree::LocalLeaf& leaf, const tree::StoredLeaf& stored) {
    if (stored.shape.ndims() == 0)
      return complain(leaf.path, "is a scalar in the checkpoint, and has no rows");
    if (!check_shape(leaf, leaf.shape, without_first(stored.shape))) return;
    const Share share = appended_share(stored, rank_, size_);
    if (!tree::resize(leaf, share.count))
      return complain(leaf.path, "gets " + std::to_string(share.count) + " rows on rank " +
                                     std::to_string(rank_) + ", but is bound to a buffer of " +
                                     std::to_string(leaf.rows) +
                                     " that cannot be resized; bind a std::vector");
    for (const auto& shard : leaf.shards)
      if (share.count > 0) result_.own.push_back(want(leaf, shard, rows_of(stored.shape, share)));
  }

  const Stored& stored_;
  const LoadOptions& options_;
  int rank_, size_;
  std::uint32_t index_ = 0;
  std::string problems_;
  Matched result_;
};

}  // namespace

const std::string& name_in_file(const std::string& path, const LoadOptions& options) {
  const auto found = options.rename.find(path);
  return found == options.rename.end() ? path : found->second;
}

Matched match(std::vector<tree::LocalLeaf> leaves, const Stored& stored, const LoadOptions& options, int rank,
              int size) {
  Matcher matcher(stored, options, rank, size);
  for (auto& leaf : leaves) matcher.add(std::move(leaf));
  return std::move(matcher).finish();
}

Tree make_owning_tree(const Stored& stored, const LoadOptions& options, int rank, int size) {
  Tree result;
  for (const auto& leaf : stored.leaves) {
    Kind kind = leaf.kind;
    Dims shape = leaf.shape;
    tree::Box held = tree::whole(leaf.shape);
    if (options.whole && (kind == Kind::sharded || kind == Kind::appended)) {
      kind = Kind::replicated;
    } else if (kind == Kind::sharded && shape.ndims() > 0) {
      held = rows_of(shape, even_share(shape[0], rank, size));
    } else if (kind == Kind::appended) {
      shape = without_first(leaf.shape);
      held = tree::whole(with_first(appended_share(leaf, rank, size).count, shape));
    } else if (kind == Kind::per_rank) {
      shape = without_first(leaf.shape);
      held = tree::whole(shape);
    }
    result[leaf.path] =
        tree::make_owning(kind, leaf.dtype, leaf.element_bytes, shape, held, leaf.fortran_order);
  }
  return result;
}

}  // namespace cairn::load_stages
