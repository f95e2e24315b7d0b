#include "io/copy_blocks.hpp"

namespace cairn::io {

Written copy_blocks(std::span<const FiledBlock> blocks, Sink& to, const WriteJob& job) {
  const auto& format = job.row_format;
  const auto pages = (blocks.size() + format.rows_per_page() - 1) / format.rows_per_page();
  std::vector<std::byte> rows(job.checksums ? pages * format.rows_per_page() * format.bytes : 0);
  std::vector<std::byte> packed;
  Written written;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto& block = blocks[i];
    const auto& leaf = (*job.leaves)[block.to];
    packed.resize(tree::product(block.box.count) * leaf.element_bytes);
    for (const auto& extent : tree::extents_of(*block.leaf, block.box))
      base::read_at(*block.file, std::span(packed).subspan(extent.box_offset, extent.bytes),
                    extent.file_offset);
    const auto checksum = job.checksums || block.checksum ? base::checksum(packed) : 0;
    if (block.checksum && checksum != *block.checksum)
      throw Error(
          ErrorCode::corrupt,
          "`" + leaf.path + "` " + tree::to_string(block.box) + " is not what was written to it before", 0,
          job.rank, block.file->name());
    to.put(leaf, block.box, packed, tree::extents_of(leaf, block.box));
    written.bytes += packed.size();
    if (!job.checksums) continue;
    const auto row = std::span(rows).subspan(i * format.bytes, format.bytes);
    tree::encode_row({block.to, static_cast<std::uint32_t>(job.rank), checksum, block.box}, format, row);
    written.rows += row_digest(row, job.first_row + i);
  }
  if (!rows.empty()) to.put_rows(job.table_offset + job.first_row * format.bytes, rows);
  to.finish();
  return written;
}

}  // namespace cairn::io
