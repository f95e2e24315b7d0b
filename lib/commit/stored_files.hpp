#pragma once

#include "base/storage.hpp"
#include "commit/manifest.hpp"

#include <string_view>

/// The files of checkpointables that are no trees: written by their handlers, and so measured once they are
/// there.
namespace cairn::commit {

/// Why a handler's file cannot have this name in a checkpoint's directory; empty where it can.
std::string file_name_problem(std::string_view name);

/// Fills in the size and the digest of each file of the entries that are no trees, read back through
/// `directory`. Error(not_found) of one that was named but never made, Error(io) of what is no regular file.
void measure_files(const base::File& directory, Manifest& manifest);

/// Compares size and, where `digests`, digest of the entry's files. Error(corrupt) names the first that
/// differs or is missing; Error(not_found) with ENOENT where the checkpoint is being deleted.
void check_files(const base::File& directory, const CheckpointableEntry& entry, bool digests);

}  // namespace cairn::commit
