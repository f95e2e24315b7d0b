#pragma once

#include "context.hpp"
#include "json.hpp"
#include "tree.hpp"

/// \file
/// Saving a tree.

namespace cairn {
inline namespace CAIRN_ABI {

struct SaveOptions {
  /// Of the tree in the checkpoint, and of its file: "state" is in state.h5. Not empty, no '/', no leading
  /// '.' or '_', not "metrics".
  std::string checkpointable_name = "state";
  bool overwrite = false;  ///< replaces a checkpoint at the path; the old one stands until the new one does
  Json custom_metadata = {};  ///< any JSON; the primary's is stored
};

/// Writes `tree` as the checkpoint at `path`, a directory whose parent must exist on a file system that all
/// ranks see. When it returns, the whole checkpoint is there and (`IoOptions::fsync`) on the disk; when it
/// throws, nothing of it is, and an older checkpoint at the path is untouched. All ranks give the same path,
/// options, and names, kinds, types and shapes of leaves. The bound memory must not change meanwhile.
///
/// Errors, the same on every rank: invalid_argument (what is wrong in the tree or the options: all of it),
/// mismatch (ranks differ, shards overlap or leave gaps), already_exists, not_found (no parent directory),
/// locked, no_space, io, timeout, mpi, out_of_memory.
///
/// Collective over the context's communicator. One operation at a time on one communicator.
CAIRN_API Report save(const Context& context, const Path& path, const Tree& tree,
                      const SaveOptions& options = {});

}  // namespace CAIRN_ABI
}  // namespace cairn
