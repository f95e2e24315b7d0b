#pragma once

#include "commit/manifest.hpp"
#include "h5/file_layout.hpp"
#include "save/started_save.hpp"

/// A tree's file: what HDF5 is asked for, and what `checkpoint.json` says of it. Not collective.
namespace cairn::save_stages {

h5::LayoutRequest layout_request(const plan::SavePlan& plan, const Options& options);

/// Without the digest of the block table, which the votes tell.
commit::CheckpointableEntry tree_entry(const TreePart& part, const h5::FileLayout& file,
                                       const Options& options);

}  // namespace cairn::save_stages
