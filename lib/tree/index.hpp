#pragma once

#include "tree/layout.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::tree {

/// The index of a file, `/_cairn/index`: JSON that says for each leaf its path, kind, dtype, element bytes,
/// shape, rows and tiles (docs/format.md). Reading needs no HDF5.
std::string encode_index(const std::vector<StoredLeaf>& leaves);
/// Error(corrupt) on anything that is not such an index, overlapping or out-of-file tiles included
/// (`file_bytes`).
std::vector<StoredLeaf> decode_index(std::string_view json, std::uint64_t file_bytes);

/// The same as compact binary, for sending between ranks.
std::string pack_leaves(const std::vector<StoredLeaf>& leaves);
std::vector<StoredLeaf> unpack_leaves(std::string_view bytes);
/// Only the tilings, for ranks that know the rest.
std::string pack_tilings(const std::vector<StoredLeaf>& leaves);
void unpack_tilings(std::string_view bytes, std::vector<StoredLeaf>& leaves);

/// The bytes [begin, end) of a file, which a tile of `leaf` takes.
struct FileRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint32_t leaf = 0;
};
/// What all tiles take, by begin.
std::vector<FileRange> tile_ranges(const std::vector<StoredLeaf>& leaves);
/// What is wrong with where the tiles lie: one that reaches past the file or overlaps another; empty where
/// all is well. `ranges`: as from `tile_ranges` of the leaves.
std::string tile_problem(const std::vector<FileRange>& ranges, const std::vector<StoredLeaf>& leaves,
                         std::uint64_t file_bytes);

/// Ascending or not, offsets are written as runs [first, stride, count]: a value of its own is [first, 0, 1].
struct OffsetRun {
  std::uint64_t first = 0;
  std::uint64_t stride = 0;  // never negative: a step back starts a run
  std::uint64_t count = 0;
};
std::vector<OffsetRun> to_runs(const std::vector<std::uint64_t>& offsets);

}  // namespace cairn::tree
