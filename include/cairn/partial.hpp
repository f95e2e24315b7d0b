#pragma once

#include "checkpointables.hpp"

/// \file
/// A checkpoint made in several calls.

namespace cairn {
inline namespace CAIRN_ABI {
namespace partial {

/// Adds a tree to the checkpoint that is being made at `path`, or begins one. Leaves may be added to a
/// checkpointable that an earlier call began (`SaveOptions::checkpointable_name`); a leaf that is there is
/// Error(already_exists). The data is written when this returns, but the checkpoint is not visible before
/// `finalize`; one that is never finalized never is. It is removed when the communicator is freed or MPI is
/// finalized, or by the next save at that path once this job is dead. The bytes of a checkpointable that was
/// made in several calls are copied once, within the file system, by `finalize`. `overwrite` is that of the
/// first call; the custom metadata of a later call replace the earlier ones if they are not null; metrics add
/// up. After an error that is not of this call's arguments, what was begun is given up; but what an earlier
/// operation met whose AsyncResponse was dropped is thrown before anything is done: call again then.
///
/// Errors as of `save`. Collective over the context's communicator, the same one for all calls.
CAIRN_API Report save(const Context& context, const Path& path, const Tree& tree,
                      const SaveOptions& options = {});

/// The same for several things; those that are no trees only once each.
CAIRN_API Report save_checkpointables(const Context& context, const Path& path, const Checkpointables& things,
                                      const SaveOptions& options = {});

/// Commits what was added. Error(not_found) where nothing was begun at the path. Where it fails otherwise,
/// nothing of it is left. Collective over the context's communicator.
CAIRN_API Report finalize(const Context& context, const Path& path);

}  // namespace partial
}  // namespace CAIRN_ABI
}  // namespace cairn
