#pragma once

#include "base/storage.hpp"
#include "commit/manifest.hpp"
#include "commit/reader.hpp"
#include "h5/file_layout.hpp"
#include "tree/layout.hpp"

#include <string>
#include <vector>

/// A checkpoint opened by one process, and what is read of it before any data. Serial: no MPI, no HDF5.
namespace cairn::load_stages {

struct OpenedManifest {
  commit::OpenedCheckpoint checkpoint;
  commit::Manifest manifest;
};

/// Opens the checkpoint and reads `checkpoint.json`; starts again while an overwrite is under way. Errors as
/// of commit::open_checkpoint and commit::decode.
OpenedManifest open_manifest(const Path& path);

/// Runs `use` on the opened checkpoint, again from the start where a file has vanished because of an
/// overwrite meanwhile.
template <class Use>
auto with_manifest(const Path& path, Use&& use);

/// The entry of that name; Error(not_found) lists those that exist.
const commit::CheckpointableEntry& find_entry(const commit::Manifest& manifest, const std::string& name,
                                              const Path& path);

/// The file of a tree, its size and structure checked against the manifest, and its index. Error(corrupt)
/// names the file and what is wrong.
struct TreeFile {
  base::File file;
  std::vector<h5::Range> structure;
  std::vector<tree::StoredLeaf> leaves;
};
TreeFile open_tree_file(const OpenedManifest& opened, const commit::CheckpointableEntry& entry);

/// The block table, ordered by leaf; its digest is checked. Empty where the checkpoint was saved without
/// checksums.
std::vector<tree::BlockRow> read_rows(const TreeFile& file, const commit::CheckpointableEntry& entry);

/// Whether this error means that a file was not there: with a checkpoint opened before, that it was replaced
/// meanwhile.
bool vanished(const Error& error) noexcept;

template <class Use>
auto with_manifest(const Path& path, Use&& use) {
  for (int attempt = 0;; ++attempt) {
    const OpenedManifest opened = open_manifest(path);
    try {
      return use(opened);
    } catch (const Error& error) {
      // A file that is missing although nobody overwrites is damage: the id is still the same.
      if (!vanished(error)) throw;
      if (open_manifest(path).manifest.save_id == opened.manifest.save_id)
        throw Error(ErrorCode::corrupt, std::string("a file of the checkpoint is missing: ") + error.what(),
                    0, -1, path);
    }
  }
}

}  // namespace cairn::load_stages
