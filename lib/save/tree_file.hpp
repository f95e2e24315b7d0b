#pragma once

#include "save/started_save.hpp"

#include <string>
#include <string_view>

/// The HDF5 file of a tree. Not collective.
namespace cairn::save_stages {

/// On the primary: makes the file in the save's directory, with its structure and all its space, and its
/// entry in the manifest, which still lacks the digest of the block table. The bytes are for
/// `take_tilings` on all ranks.
std::string make_tree_file(StartedSave& save, TreePart& part);
void take_tilings(TreePart& part, std::string_view bytes);

/// On the primary: what `make_tree_file` opened is complete.
void finish_structure(const StartedSave& save, TreePart& part);

}  // namespace cairn::save_stages
