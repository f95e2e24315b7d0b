#pragma once

#include "cairn/tree.hpp"
#include "tree/box.hpp"

#include <optional>
#include <string>
#include <vector>

/// A tree as one rank sees it. Nothing here is collective; a tree is for one thread at a time.
namespace cairn::tree {

/// One box of an array in this rank's memory, resolved: containers have been asked for their data.
struct LocalShard {
  Box box = {};               // in the global array (sharded); of the value itself, start 0, otherwise
  std::byte* data = nullptr;  // the element at box.start; null only where the box is empty
  Dims strides = {};          // of the memory, in elements, one a dimension; may be negative
  int replica = 0;            // the box is held by `replicas` ranks, of which this is number `replica`
  int replicas = 1;
};

/// A leaf of a tree as one rank sees it. A `value` has one shard, of no dimensions, whose `data` is the
/// variable itself (or the leaf's own copy): a load stores one element of `dtype` there, or, once `resize`
/// has made a string's length the stored one, `element_bytes` bytes.
struct LocalLeaf {
  std::string path;
  Kind kind = Kind::value;  // value: an owned value or a `ref`, the same on every rank (stored as replicated)
  Dtype dtype = Dtype::none;
  std::uint64_t element_bytes = 0;  // of a string leaf: its length in bytes, which may be 0
  Dims shape = {};  // sharded: the array's; replicated, value, per_rank: the value's; appended: of a row
  std::int64_t rows = 0;   // appended: this rank's rows; its shard's box is {rows, shape...}
  bool read_only = false;  // const memory, or elements that share memory: cannot be loaded
  std::vector<LocalShard> shards;
  detail::ArrayRep* rep = nullptr;  // borrowed from the tree
  bool fortran_order = false;       // as of StoredLeaf
};

/// What is wrong with one leaf: kept until all are known, so that an error can list every one.
struct Problem {
  std::string path;
  std::string message;
};

/// Every leaf of `tree`, in path order, with bounds, sizes, pointers and overflow checked: null pointers for
/// boxes that are not empty, negative or too many extents, boxes outside their array or memory, products past
/// 2^63-1 bytes, container extents that differ from the box, names that cannot be stored (`path_problem`), a
/// leaf that is also a group, an empty leaf, text that is not UTF-8. A leaf with something wrong is left out,
/// all that is wrong is added to `problems`, and nothing is thrown but for want of memory.
std::vector<LocalLeaf> resolve(const Tree& tree, std::vector<Problem>& problems);

/// One leaf: nothing where something is wrong with it, which `messages` then tells.
std::optional<LocalLeaf> resolve_leaf(const std::string& path, detail::ArrayRep& rep,
                                      std::vector<std::string>& messages);

/// Before a load: gives the leaves that own their memory and share it with copies of the tree memory of their
/// own, so that the load changes this tree alone.
void unshare(Tree& tree);

/// Resizes the container behind an `appended` leaf to `rows` rows, or the std::string behind a string leaf to
/// `rows` bytes, and resolves the leaf again. A fixed buffer that already holds exactly that much is left
/// alone. False: it cannot be resized. Throws what the container throws.
bool resize(LocalLeaf& leaf, std::int64_t rows);

/// A leaf that owns its memory, zeroed and row-major, for loading without a tree. It binds as `kind`.
/// sharded: the box `held` of the array `shape`; appended: `shape` is a row's, held.count {rows, row...};
/// otherwise `shape` is the value's, and `held` all of it. Strings: `element_bytes` is the length.
Leaf make_owning(Kind kind, Dtype dtype, std::uint64_t element_bytes, const Dims& shape, const Box& held,
                 bool fortran_order = false);

}  // namespace cairn::tree
