#pragma once

#include "base/checksum.hpp"
#include "cairn/json.hpp"
#include "cairn/metrics.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// `checkpoint.json`: what a checkpoint holds, and what proves it.
namespace cairn::commit {

inline constexpr std::string_view tree_handler = "tree";
inline constexpr const char* manifest_file = "checkpoint.json";
inline constexpr const char* pin_file = "pinned";  // beside it: the checkpoint is to be kept
inline constexpr std::uint64_t most_manifest_bytes = std::uint64_t{1} << 30;

/// One file of a checkpointable that is no tree.
struct StoredFile {
  std::string name = {};
  std::uint64_t bytes = 0;
  base::Digest digest = {};  // of all of it
};

struct CheckpointableEntry {
  std::string handler;      // "tree"
  std::string file;         // "state.h5"; otherwise the first of `files`, or empty
  std::uint64_t bytes = 0;  // of the file; otherwise of all files
  // Of other handlers than "tree".
  std::vector<StoredFile> files = {};  // by name
  // The rest is of handler "tree".
  std::uint64_t data_bytes = 0;                                         // of all leaves
  std::uint64_t leaves = 0;                                             // how many
  std::vector<std::pair<std::uint64_t, std::uint64_t>> structure = {};  // (offset, bytes), by offset
  base::Digest structure_digest = {};                                   // of these ranges' bytes, joined
  std::uint64_t index_offset = 0, index_bytes = 0;                      // within the structure
  bool checksums = true;
  std::uint64_t table_offset = 0, table_rows = 0;
  std::uint32_t row_ndims = 1, row_bytes = 32;
  base::Digest table_digest = {};  // the sum of the rows' digests
};

struct Manifest {
  int format_version = 1;
  int world_size = 0;
  std::string library_version = {};
  base::Digest save_id = {};
  std::chrono::system_clock::time_point created = {};
  Json custom_metadata = {};
  Metrics metrics = {};
  std::map<std::string, CheckpointableEntry> checkpointables = {};
};

/// The files of a checkpointable that is no tree, and what follows from them.
void set_files(CheckpointableEntry& entry, std::vector<StoredFile> files);

/// Pretty JSON with its own digest: XXH3-128 of the whole text, the digest's 32 digits taken as zeros.
std::string encode(const Manifest& manifest);
/// Error(corrupt) where the digest is wrong or something is missing or absurd (negative sizes, ranges that
/// overlap or pass the file's end); Error(unsupported) for a newer format version; Error(not_a_checkpoint)
/// where it is JSON, but not of Cairn.
Manifest decode(std::string_view text);

}  // namespace cairn::commit
