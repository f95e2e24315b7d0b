#pragma once

#include "comm/communicator.hpp"
#include "save/started_save.hpp"

#include <vector>

namespace cairn::save_stages {

/// One tree that was saved in several pieces, each in a file of its own in the save's directory, becomes one
/// file: each rank copies the blocks that it wrote. The entry in the manifest is complete then, and the
/// pieces are gone. Collective; errors as of a save.
void merge_pieces(comm::Communicator& comm, StartedSave& save, std::vector<TreePart>& pieces);

}  // namespace cairn::save_stages
