#include "load/stored_tree.hpp"

#include "io/read.hpp"

#include <algorithm>

namespace cairn::load_stages {

StoredTree::StoredTree(const OpenedManifest& opened, const commit::CheckpointableEntry& entry)
    : file_(open_tree_file(opened, entry)), rows_(read_rows(file_, entry)) {}

const tree::StoredLeaf* StoredTree::find(std::string_view path) const noexcept {
  const auto found = std::find_if(file_.leaves.begin(), file_.leaves.end(),
                                  [&](const tree::StoredLeaf& leaf) { return leaf.path == path; });
  return found == file_.leaves.end() ? nullptr : &*found;
}

void StoredTree::read(const tree::StoredLeaf& leaf, const tree::Box& box, std::span<std::byte> memory) const {
  if (memory.empty()) return;
  const auto number = static_cast<std::uint32_t>(&leaf - file_.leaves.data());
  struct ByLeaf {
    bool operator()(const tree::BlockRow& row, std::uint32_t leaf) const { return row.leaf < leaf; }
    bool operator()(std::uint32_t leaf, const tree::BlockRow& row) const { return leaf < row.leaf; }
  };
  const auto rows = std::equal_range(rows_.begin(), rows_.end(), number, ByLeaf());
  const io::Want want{number,     box,        memory.data(), tree::row_major_strides(box.count),
                      leaf.dtype, Cast::never};
  io::read(file_.file, {&file_.leaves, std::span(rows.first, rows.second), {&want, 1}, Verify::blocks},
           options_);
}

}  // namespace cairn::load_stages
