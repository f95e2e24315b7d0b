#pragma once

#include "cairn/tree.hpp"

#include <memory>
#include <string>
#include <vector>

namespace cairn {
inline namespace CAIRN_ABI {

class Checkpointable;
namespace detail {

/// One box of this rank's, as it was bound.
struct BoundShard {
  Source source = {};
  Slab slab = {};
  Memory memory = {};
};

/// What a leaf or an Array handle refers to. Nothing in it has been checked: `tree::resolve` does that.
struct ArrayRep {
  Kind kind = Kind::value;
  Dtype dtype = Dtype::none;
  std::uint64_t element_bytes = 0;  // 1 of a string, which has its length from its container
  Dims shape = {};  // sharded: the array's; appended: of a row; otherwise the value's. {}: the container's
  std::vector<BoundShard> shards = {};
  std::vector<std::string> problems = {};  // met while binding
  /// Bytes of the memory that the leaf owns, which its one shard keeps: a string where the dtype is one, else
  /// allocated by `allocate`.
  std::uint64_t owned_bytes = 0;
  bool owns = false;
  bool fortran_order = false;  // the program that bound it has its dimensions in the reverse order
};

/// The library's way into leaves and trees.
struct Access {
  static const std::shared_ptr<ArrayRep>& rep(const Leaf& leaf) noexcept { return leaf.rep_; }
  static Leaf leaf(std::shared_ptr<ArrayRep> rep) {
    Leaf leaf;
    leaf.rep_ = std::move(rep);
    return leaf;
  }
  static std::map<std::string, Leaf, std::less<>>& leaves(Tree& tree) noexcept { return tree.leaves_; }
  static const std::map<std::string, Leaf, std::less<>>& leaves(const Tree& tree) noexcept {
    return tree.leaves_;
  }
  static const std::shared_ptr<Object>& object(const Checkpointable& thing) noexcept;  // lib/handlers
};

/// Memory for an owning leaf: zeroed, aligned for every dtype.
Source allocate(Dtype dtype, std::size_t element_bytes, std::uint64_t bytes);
/// A std::string that is bound; it may be resized unless it is const.
Source bind_string(std::string& variable);
Source bind_string(const std::string& variable);
/// A string of a leaf's own.
Source keep_string(std::string text);

}  // namespace detail
}  // namespace CAIRN_ABI
}  // namespace cairn
