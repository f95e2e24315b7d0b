#pragma once

#include "async.hpp"
#include "context.hpp"
#include "json.hpp"
#include "metrics.hpp"
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
  Metrics metrics = {};       ///< numbers about it, such as a loss; the primary's are stored
};

/// Writes `tree` as the checkpoint at `path`, a directory on a file system that all ranks see; directories
/// above it are made where they are missing. When it returns, the whole checkpoint is there and
/// (`IoOptions::fsync`) on the disk; when it throws, nothing of it is, and an older checkpoint at the path is
/// untouched. All ranks give the same path, options, and names, kinds, types and shapes of leaves. The bound
/// memory must not change meanwhile.
///
/// Errors, the same on every rank: invalid_argument (what is wrong in the tree or the options: all of it),
/// mismatch (ranks differ, shards overlap or leave gaps), already_exists,
/// locked, no_space, io, timeout, mpi, out_of_memory.
///
/// Collective over the context's communicator. One operation at a time on one communicator.
CAIRN_API Report save(const Context& context, const Path& path, const Tree& tree,
                      const SaveOptions& options = {});

/// The same, but it returns as soon as the caller may change its memory again (`AsyncOptions::snapshot`): the
/// checkpoint holds the values of the moment of the call. What the plan finds wrong is thrown here; what goes
/// wrong later, by AsyncResponse::result. Saves on one communicator commit in the order of the calls; a save
/// to a path waits for one that is under way there. The writer is `direct`: with `mpio` all is done before it
/// returns. A job that is killed once all ranks' votes are on the disk leaves a save that the next save at
/// that path completes.
///
/// Collective over the context's communicator. One operation at a time on one communicator.
CAIRN_API AsyncResponse save_async(const Context& context, const Path& path, const Tree& tree,
                                   const SaveOptions& options = {});

/// Other names of `save` and `save_async`.
[[deprecated("cairn::save")]] CAIRN_API Report save_pytree(const Context& context, const Path& path,
                                                           const Tree& tree, const SaveOptions& options = {});
[[deprecated("cairn::save_async")]] CAIRN_API AsyncResponse save_pytree_async(
    const Context& context, const Path& path, const Tree& tree, const SaveOptions& options = {});

}  // namespace CAIRN_ABI
}  // namespace cairn
