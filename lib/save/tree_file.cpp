#include "save/tree_file.hpp"

#include "base/checksum.hpp"
#include "base/pack.hpp"
#include "commit/path.hpp"
#include "h5/file_layout.hpp"
#include "tree/index.hpp"

namespace cairn::save_stages {
namespace {

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

}  // namespace

std::string make_tree_file(StartedSave& save, TreePart& part) {
  const auto& options = save.options;
  const auto file = h5::lay_out(layout_request(part.plan, options));
  part.structure_file = commit::create_file(save.transaction->directory(), part.file_name(), options.files);
  base::truncate(part.structure_file, file.bytes);
  if (options.files.reserve) base::allocate(part.structure_file, 0, file.bytes);
  for (const auto& range : file.structure)
    base::write_at(part.structure_file, std::as_bytes(std::span(range.bytes)), range.offset);
  save.manifest.checkpointables.emplace(part.name, tree_entry(part, file, options));

  base::Packer pack;
  pack.u64(file.table_offset);
  pack.append(tree::pack_tilings(file.leaves));
  return std::move(pack).text();
}

void take_tilings(TreePart& part, std::string_view bytes) {
  base::Unpacker unpack(bytes);
  part.table_offset = unpack.u64();
  tree::unpack_tilings(unpack.rest(), part.plan.leaves);
}

void finish_structure(const StartedSave& save, TreePart& part) {
  if (!part.structure_file) return;
  if (save.options.io.fsync) base::sync(part.structure_file);
  part.structure_file.close();
}

}  // namespace cairn::save_stages
