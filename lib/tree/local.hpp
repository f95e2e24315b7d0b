#pragma once

#include "cairn/tree.hpp"
#include "tree/box.hpp"

#include <string>
#include <vector>

namespace cairn::tree {

/// One box of an array in this rank's memory, resolved: containers have been asked for their data.
struct LocalShard {
  Box box = {};               // in the global array (sharded); of the value itself, start 0, otherwise
  std::byte* data = nullptr;  // the element at box.start; null only where the box is empty
  Dims strides = {};          // of the memory, in elements, one a dimension; may be negative
  int replica = 0;            // the box is held by `replicas` ranks, of which this is number `replica`
  int replicas = 1;
};

/// A leaf of a tree as one rank sees it.
struct LocalLeaf {
  std::string path;
  Kind kind = Kind::value;  // value: an owned value or a `ref`, the same on every rank (stored as replicated)
  Dtype dtype = Dtype::none;
  std::uint64_t element_bytes = 0;  // of a string leaf: its length in bytes, which may be 0
  Dims shape = {};  // sharded: the array's; replicated, value, per_rank: the value's; appended: of a row
  std::int64_t rows = 0;  // appended: this rank's rows; its shard's box is {rows, shape...}
  bool read_only = false;
  std::vector<LocalShard> shards;
  detail::ArrayRep* rep = nullptr;  // borrowed from the tree
};

/// What is wrong with one leaf: kept until all are known, so that an error can list every one.
struct Problem {
  std::string path;
  std::string message;
};

/// Every leaf of `tree`, in path order, with bounds, sizes, pointers and overflow checked: null pointers for
/// boxes that are not empty, negative or too many extents, boxes outside their array or memory, products past
/// 2^63-1 bytes, container extents that differ from the box, reserved names ("_cairn"), a leaf that is also a
/// group. What is wrong is added to `problems`, and nothing is thrown. Not collective.
std::vector<LocalLeaf> resolve(const Tree& tree, std::vector<Problem>& problems);

/// Resizes the container behind an `appended` leaf to `rows` rows, or the std::string behind a string leaf to
/// `rows` bytes, and resolves the leaf again. A fixed buffer that already holds exactly that much is left
/// alone. False: it cannot be resized.
bool resize(LocalLeaf& leaf, std::int64_t rows);

/// A leaf that owns its memory: `count` elements (row-major, zeroed) of the array `shape`, at `start`. For
/// loading without a tree. Strings: `element_bytes` is the length. `kind` is what the file says; the leaf
/// binds as that kind.
Leaf make_owning(Kind kind, Dtype dtype, std::uint64_t element_bytes, const Dims& shape, const Box& held);

}  // namespace cairn::tree
