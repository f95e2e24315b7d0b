#pragma once

#include "tree/layout.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

/// HDF5 files made in memory: nothing here touches a file system. Calls serial HDF5; on the caller's thread
/// only.
namespace cairn::h5 {

struct LayoutRequest {
  std::vector<tree::StoredLeaf>
      leaves;                       // by path; of each tiling: kind, cell (grid) and boxes (boxes) are given
  tree::RowFormat row_format = {};  // of the block table
  std::uint64_t table_rows = 0;     // 0: no block table (checksums are off)
  std::uint64_t alignment_bytes = 4096;
  std::map<std::string, std::string> attributes = {};  // of the root group: UTF-8 strings
};

/// Bytes that belong at `offset`.
struct Range {
  std::uint64_t offset = 0;
  std::string bytes;
};

struct FileLayout {
  std::vector<tree::StoredLeaf> leaves;  // with all offsets
  std::uint64_t table_offset = 0;        // of /_cairn/blocks, a multiple of 4096; 0 where there is none
  std::uint64_t index_offset = 0;        // of /_cairn/index, whose bytes are part of the structure
  std::uint64_t index_bytes = 0;
  std::vector<Range>
      structure;  // all that is neither user data nor block table, by offset, not overlapping, index included
  std::uint64_t bytes = 0;  // of the whole file
};

/// The file that plain HDF5 would make for these datasets, every one of them allocated and none written.
FileLayout lay_out(const LayoutRequest& request);

/// Reads a file's structure back through HDF5 and compares it with what the index says: one message for each
/// difference. For a full verify, once the structure's digest was found right: damaged bytes are mostly
/// reported, but HDF5 1.10 does not survive every damage to the sources of a virtual dataset.
std::vector<std::string> compare_with_index(const std::vector<Range>& structure, std::uint64_t file_bytes,
                                            const std::vector<tree::StoredLeaf>& leaves);

}  // namespace cairn::h5
