#pragma once

#include "base/checksum.hpp"
#include "base/storage.hpp"
#include "cairn/error.hpp"

#include <optional>
#include <string>

namespace cairn::commit {

/// A checkpoint opened for reading: everything is read through this one directory descriptor, so that an
/// overwrite meanwhile is seen as files missing, never as a mix of two checkpoints.
struct OpenedCheckpoint {
  base::File directory;
  base::Digest save_id = {};  // from the token `commit`
};

/// Opens the checkpoint at `path`, or the committed hidden one beside it that stands for it. Errors:
/// not_found (nothing there), not_a_checkpoint (something else is there). Not collective, renames nothing.
/// Tries again while an overwrite is under way.
OpenedCheckpoint open_checkpoint(const Path& path);

/// Whether `path` holds a committed checkpoint; never throws for what is on disk.
bool is_committed(const Path& path);

/// The text of checkpoint.json through an opened checkpoint. nullopt: it was replaced meanwhile, open again.
std::optional<std::string> read_manifest(const OpenedCheckpoint& opened);

}  // namespace cairn::commit
