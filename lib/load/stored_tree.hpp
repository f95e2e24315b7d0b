#pragma once

#include "cairn/options.hpp"
#include "load/tree_file.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace cairn::load_stages {

/// The arrays of one tree of a checkpoint, read box by box by one process. No MPI, no HDF5. Not collective.
class StoredTree {
 public:
  /// Errors as of open_tree_file.
  StoredTree(const OpenedManifest& opened, const commit::CheckpointableEntry& entry);

  const std::vector<tree::StoredLeaf>& leaves() const noexcept { return file_.leaves; }
  /// Null: there is none.
  const tree::StoredLeaf* find(std::string_view path) const noexcept;

  /// The elements of a box of one of `leaves()`, row-major and as they are stored, into as many bytes. Blocks
  /// that the box holds whole are compared with their checksums. Error(corrupt).
  void read(const tree::StoredLeaf& leaf, const tree::Box& box, std::span<std::byte> memory) const;

 private:
  TreeFile file_;
  std::vector<tree::BlockRow> rows_;  // by leaf
  IoOptions options_;
};

}  // namespace cairn::load_stages
