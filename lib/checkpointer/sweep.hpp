#pragma once

#include "checkpointer/listing.hpp"

#include <vector>

/// Clearing a directory of checkpoints of what dead jobs left. Not collective.
namespace cairn::checkpointer {

/// Completes and removes, as commit::repair_leftovers does, what is beside each checkpoint of the directory;
/// not `act`: says what would be done. What belongs to a living or an unknown owner stays. Where something
/// could not be done, the finding says why. Error(not_found) where there is no directory.
std::vector<ListedLeftover> sweep_leftovers(const Path& directory, bool act);

/// The same for the damaged steps that a Checkpointer has set aside; pinned ones stay.
std::vector<ListedLeftover> sweep_set_aside(const Path& directory, bool act);

}  // namespace cairn::checkpointer
