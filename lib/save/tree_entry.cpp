#include "save/tree_entry.hpp"

#include "base/checksum.hpp"

namespace cairn::save_stages {

h5::LayoutRequest layout_request(const plan::SavePlan& plan, const Options& options) {
  h5::LayoutRequest layout;
  layout.leaves = plan.leaves;
  for (std::size_t i = 0; i < plan.boxes.size(); ++i)
    if (!plan.boxes[i].empty()) layout.leaves[i].tiling.boxes = plan.boxes[i];
  layout.row_format = plan.row_format;
  layout.table_rows = options.integrity.checksums ? plan.table_rows : 0;
  layout.alignment_bytes = options.io.alignment_bytes;
  layout.attributes = {{"cairn", CAIRN_VERSION}};
  return layout;
}

commit::CheckpointableEntry tree_entry(const TreePart& part, const h5::FileLayout& file,
                                       const Options& options) {
  commit::CheckpointableEntry entry;
  entry.handler = commit::tree_handler;
  entry.file = part.file_name();
  entry.bytes = file.bytes;
  entry.data_bytes = part.plan.total_bytes;
  entry.leaves = part.plan.leaves.size();
  base::StreamingDigest digest;
  for (const auto& range : file.structure) {
    entry.structure.emplace_back(range.offset, range.bytes.size());
    digest.add(std::as_bytes(std::span(range.bytes)));
  }
  entry.structure_digest = digest.result();
  entry.index_offset = file.index_offset;
  entry.index_bytes = file.index_bytes;
  entry.checksums = options.integrity.checksums;
  entry.table_offset = file.table_offset;
  entry.table_rows = entry.checksums ? part.plan.table_rows : 0;
  entry.row_ndims = part.plan.row_format.ndims;
  entry.row_bytes = part.plan.row_format.bytes;
  return entry;
}

}  // namespace cairn::save_stages
