#pragma once

#include "io/write.hpp"

#include <optional>

namespace cairn::io {

/// A block that is in one file and goes to another.
struct FiledBlock {
  const base::File* file = nullptr;
  const tree::StoredLeaf* leaf = nullptr;  // as it is in that file
  std::uint32_t to = 0;                    // the same leaf in the new file, by number
  tree::Box box = {};
  std::optional<std::uint64_t> checksum = {};  // as it was written, where that is known
};

/// Copies the blocks, ordered by leaf, and makes this rank's rows of the new file's block table; then
/// finishes the sink. Of the job, blocks are not used. Error(corrupt) of a block that has another checksum
/// than it was written with. Not collective.
Written copy_blocks(std::span<const FiledBlock> blocks, Sink& to, const WriteJob& job);

}  // namespace cairn::io
