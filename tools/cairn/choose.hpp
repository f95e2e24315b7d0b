#pragma once

#include "load/stored_tree.hpp"

#include <string>

namespace cairn::command {

/// A checkpointable of a checkpoint, and which leaf (or file) of it is meant.
struct Chosen {
  std::string name = {};  // of the checkpointable
  const commit::CheckpointableEntry* entry = nullptr;
  std::string leaf = {};
};

/// The leaf of that name in the checkpointable of that name; without the latter, in the only one that has it;
/// without the former, the only leaf or file there is. Error(not_found) with the nearest names,
/// Error(invalid_argument) where it could be several.
Chosen choose(const load_stages::OpenedManifest& opened, const std::string& checkpointable,
              const std::string& leaf);

/// The entry of that name; Error(not_found) with the nearest names.
const commit::CheckpointableEntry& find_checkpointable(const commit::Manifest& manifest,
                                                       const std::string& name);

}  // namespace cairn::command
