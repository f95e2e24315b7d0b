#include "tree/local.hpp"

#include "tree/array_rep.hpp"
#include "tree/memory.hpp"
#include "tree/path.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>

namespace cairn::tree {
namespace {

Dims rows_and(std::int64_t rows, const Dims& row) {
  Dims shape = Dims{rows};
  for (const auto extent : row) shape.push_back(extent);
  return shape;
}

/// What one bound array looks like now, and all that is wrong with it.
class Resolver {
 public:
  Resolver(const std::string& path, detail::ArrayRep& rep, std::vector<std::string>& messages)
      : rep_(rep), messages_(messages) {
    leaf_.path = path;
    leaf_.kind = rep.kind;
    leaf_.dtype = rep.dtype;
    leaf_.element_bytes = rep.element_bytes;
    leaf_.shape = rep.shape;
    leaf_.rep = &rep;
  }

  std::optional<LocalLeaf> resolve() && {
    const std::size_t before = messages_.size();
    messages_.insert(messages_.end(), rep_.problems.begin(), rep_.problems.end());
    if (check_extents(shape_name(), leaf_.shape)) {
      if (leaf_.dtype == Dtype::string) {
        add_string();
      } else if (leaf_.kind == Kind::sharded) {
        for (const auto& shard : rep_.shards) add_box(shard);
      } else if (!rep_.shards.empty()) {
        add_whole(rep_.shards.front());
      }
    }
    if (messages_.size() != before) return std::nullopt;
    leaf_.fortran_order = rep_.fortran_order && stored_ndims() >= 2;
    return std::move(leaf_);
  }

 private:
  const char* shape_name() const {
    return leaf_.kind == Kind::sharded    ? "slab.shape"
           : leaf_.kind == Kind::appended ? "the shape of a row"
                                          : "the shape";
  }

  std::size_t stored_ndims() const {
    const bool has_one_more = leaf_.kind == Kind::per_rank || leaf_.kind == Kind::appended;
    return leaf_.shape.ndims() + (has_one_more ? 1 : 0);
  }

  void complain(std::string message) { messages_.push_back(std::move(message)); }

  bool check_extents(const char* name, const Dims& extents) {
    auto problem = extents_problem(name, extents, leaf_.element_bytes);
    if (problem.empty()) return true;
    complain(std::move(problem));
    return false;
  }

  /// Asks the container, which may be a class of the caller's.
  std::optional<detail::View> look(const detail::Source& source) {
    try {
      return source.view(source.object);
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& error) {
      complain(std::string("asking the container for its data threw: ") + error.what());
    } catch (...) {
      complain("asking the container for its data threw");
    }
    return std::nullopt;
  }

  void add_string() {
    const auto& source = rep_.shards.front().source;
    const auto view = look(source);
    if (!view) return;
    leaf_.element_bytes = static_cast<std::uint64_t>(view->extents[0]);
    leaf_.read_only = source.read_only;
    leaf_.shards.push_back({{}, const_cast<std::byte*>(static_cast<const std::byte*>(view->data)), {}, 0, 1});
  }

  /// The extents of a container: a pointer's are those of one value.
  static Dims own_extents(const detail::View& view) {
    return view.form == detail::Form::pointer ? Dims() : view.extents;
  }

  void add_whole(const detail::BoundShard& shard) {
    const auto view = look(shard.source);
    if (!view) return;
    Box box;
    if (leaf_.kind == Kind::appended) {
      if (!find_rows(*view)) return;
      box = whole(rows_and(leaf_.rows, leaf_.shape));
    } else {
      if (leaf_.shape.ndims() == 0) leaf_.shape = own_extents(*view);
      box = whole(leaf_.shape);
    }
    if (check_extents(shape_name(), box.count)) place(*view, shard, box, {});
  }

  bool find_rows(const detail::View& view) {
    if (rep_.owns) {  // by a pointer, which does not say
      leaf_.rows = shard_rows();
      return true;
    }
    const Dims extents = own_extents(view);
    if (view.form == detail::Form::flat) {
      const std::int64_t elements = extents[0];
      const auto row = static_cast<std::int64_t>(product(leaf_.shape));
      leaf_.rows = row == 0 ? 0 : elements / row;
      if (leaf_.rows * row == elements) return true;
      complain("the container has " + std::to_string(elements) +
               " elements, which do not make whole rows of " + to_string(leaf_.shape));
      return false;
    }
    leaf_.rows = extents.ndims() == 0 ? 1 : extents[0];
    if (leaf_.shape.ndims() != 0) return true;
    for (std::size_t dim = 1; dim < std::min<std::size_t>(extents.ndims(), 8); ++dim)
      leaf_.shape.push_back(extents[dim]);
    return true;
  }

  std::int64_t shard_rows() const { return rep_.shards.front().slab.count[0]; }

  void add_box(const detail::BoundShard& shard) {
    const Slab& slab = shard.slab;
    Box box{slab.start, slab.count};
    if (slab.start.ndims() == 0 && slab.count.ndims() == 0) box = whole(leaf_.shape);
    if (!check_extents("slab.start", box.start) || !check_extents("slab.count", box.count)) return;
    if (box.start.ndims() != leaf_.shape.ndims() || box.count.ndims() != leaf_.shape.ndims())
      return complain("slab.start " + to_string(box.start) + " and slab.count " + to_string(box.count) +
                      " must have the dimensions of slab.shape " + to_string(leaf_.shape) +
                      " (leave both out for the whole array)");
    for (std::size_t dim = 0; dim < box.ndims(); ++dim)
      if (box.count[dim] > leaf_.shape[dim] || box.start[dim] > leaf_.shape[dim] - box.count[dim])
        return complain(to_string(box.count) + " elements from " + to_string(box.start) +
                        " on are not within the array, whose shape is " + to_string(leaf_.shape));
    if (slab.replicas < 1 || slab.replica < 0 || slab.replica >= slab.replicas)
      return complain("replica " + std::to_string(slab.replica) + " of " + std::to_string(slab.replicas) +
                      " replicas: must be at least 0 and less than their number");
    if (const auto view = look(shard.source)) place(*view, shard, box, "the box " + to_string(box) + ": ");
  }

  void place(const detail::View& view, const detail::BoundShard& shard, const Box& box,
             const std::string& where) {
    PlacedBox placed;
    const auto problem = place_box(view, box.count, shard.memory, leaf_.element_bytes, placed);
    if (!problem.empty()) return complain(where + problem);
    leaf_.read_only |= shard.source.read_only || placed.overlaps;
    leaf_.shards.push_back({box, placed.data, placed.strides, shard.slab.replica, shard.slab.replicas});
  }

  detail::ArrayRep& rep_;
  std::vector<std::string>& messages_;
  LocalLeaf leaf_;
};

bool is_group(const Tree& tree, const std::string& path) {
  const std::string prefix = path + "/";
  const auto below = detail::Access::leaves(tree).lower_bound(prefix);
  return below != tree.end() && below->first.compare(0, prefix.size(), prefix) == 0;
}

/// A copy in memory of its own.
std::shared_ptr<detail::ArrayRep> clone(const detail::ArrayRep& rep) {
  auto copy = std::make_shared<detail::ArrayRep>(rep);
  detail::Source& source = copy->shards.front().source;
  if (rep.dtype == Dtype::string) {
    source = detail::keep_string(*static_cast<const std::string*>(source.object));
  } else {
    const void* from = source.object;
    source = detail::allocate(rep.dtype, rep.element_bytes, rep.owned_bytes);
    std::memcpy(source.kept.get(), from, rep.owned_bytes);
  }
  return copy;
}

bool resolve_again(LocalLeaf& leaf) {
  std::vector<std::string> messages;
  auto again = resolve_leaf(leaf.path, *leaf.rep, messages);
  if (!again) return false;
  leaf = std::move(*again);
  return true;
}

/// Memory of a leaf's own for another number of rows.
void reallocate_rows(detail::ArrayRep& rep, const Dims& extents) {
  auto& shard = rep.shards.front();
  rep.owned_bytes = product(extents) * rep.element_bytes;
  shard.source = detail::allocate(rep.dtype, rep.element_bytes, rep.owned_bytes);
  shard.slab.count = extents;
}

}  // namespace

std::optional<LocalLeaf> resolve_leaf(const std::string& path, detail::ArrayRep& rep,
                                      std::vector<std::string>& messages) {
  return Resolver(path, rep, messages).resolve();
}

std::vector<LocalLeaf> resolve(const Tree& tree, std::vector<Problem>& problems) {
  std::vector<LocalLeaf> leaves;
  leaves.reserve(tree.size());
  for (const auto& [path, leaf] : tree) {
    std::vector<std::string> messages;
    if (auto problem = path_problem(path); !problem.empty()) messages.push_back(std::move(problem));
    if (is_group(tree, path))
      messages.emplace_back("is a leaf, and a group of leaves as well: give one of them another name");
    std::optional<LocalLeaf> local;
    if (leaf.empty()) {
      messages.emplace_back("is an empty leaf: assign an array or a value to it");
    } else {
      local = resolve_leaf(path, *detail::Access::rep(leaf), messages);
    }
    if (messages.empty()) leaves.push_back(std::move(*local));
    for (auto& message : messages) problems.push_back({path, std::move(message)});
  }
  return leaves;
}

void unshare(Tree& tree) {
  for (auto& [path, leaf] : detail::Access::leaves(tree)) {
    const auto& rep = detail::Access::rep(leaf);
    if (rep != nullptr && rep->owns && rep.use_count() > 1) leaf = detail::Access::leaf(clone(*rep));
  }
}

bool resize(LocalLeaf& leaf, std::int64_t rows) {
  const bool is_string = leaf.dtype == Dtype::string;
  const std::int64_t now = is_string ? static_cast<std::int64_t>(leaf.element_bytes) : leaf.rows;
  if (now == rows) return true;
  if (rows < 0 || (!is_string && leaf.kind != Kind::appended) || leaf.read_only) return false;
  const auto& source = leaf.rep->shards.front().source;
  const Dims extents = is_string ? Dims{rows} : rows_and(rows, leaf.shape);
  if (!extents_problem("", extents, leaf.rep->element_bytes).empty()) return false;
  if (leaf.rep->owns && !is_string) {
    reallocate_rows(*leaf.rep, extents);
  } else if (source.resize != nullptr) {
    source.resize(const_cast<void*>(source.object), extents);
  } else {
    return false;
  }
  return resolve_again(leaf) &&
         (is_string ? static_cast<std::int64_t>(leaf.element_bytes) : leaf.rows) == rows;
}

Leaf make_owning(Kind kind, Dtype dtype, std::uint64_t element_bytes, const Dims& shape, const Box& held,
                 bool fortran_order) {
  auto rep = std::make_shared<detail::ArrayRep>();
  const bool is_string = dtype == Dtype::string;
  rep->kind = kind;
  rep->dtype = dtype;
  rep->element_bytes = is_string ? 1 : element_bytes;
  rep->shape = shape;
  rep->owns = true;
  rep->fortran_order = fortran_order;
  detail::BoundShard shard;
  if (is_string) {
    rep->owned_bytes = element_bytes;
    shard.source = detail::keep_string(std::string(element_bytes, '\0'));
  } else {
    if (!checked_product(held.count, element_bytes, rep->owned_bytes)) throw std::bad_alloc();
    shard.source = detail::allocate(dtype, element_bytes, rep->owned_bytes);
  }
  shard.slab = Slab{shape, held.start, held.count};
  rep->shards.push_back(std::move(shard));
  return detail::Access::leaf(std::move(rep));
}

}  // namespace cairn::tree
