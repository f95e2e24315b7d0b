#include "load/tree_file.hpp"

#include "base/checksum.hpp"
#include "io/write.hpp"
#include "tree/index.hpp"

#include <algorithm>

#include <fcntl.h>

namespace cairn::load_stages {
namespace {

[[noreturn]] void damaged(const base::File& file, const std::string& what) {
  throw Error(ErrorCode::corrupt, file.name().string() + ": " + what + "; load another checkpoint", 0, -1,
              file.name());
}

}  // namespace

bool vanished(const Error& error) noexcept {
  return error.code() == ErrorCode::not_found &&
         (error.system_error() == ENOENT || error.system_error() == ESTALE);
}

OpenedManifest open_manifest(const Path& path) {
  base::Digest without;  // of the checkpoint that had no manifest
  for (;;) {
    auto opened = commit::open_checkpoint(path);
    if (auto text = commit::read_manifest(opened)) {
      auto manifest = commit::decode(*text);
      if (manifest.save_id != opened.save_id)
        throw Error(ErrorCode::corrupt, "checkpoint.json belongs to another save than the token `commit`", 0,
                    -1, path);
      return {std::move(opened), std::move(manifest)};
    }
    // Replaced meanwhile, or damaged: then the same checkpoint is found again.
    if (opened.save_id == without)
      throw Error(ErrorCode::corrupt, "the checkpoint has lost its checkpoint.json; load another checkpoint",
                  0, -1, path);
    without = opened.save_id;
  }
}

const commit::CheckpointableEntry& find_entry(const commit::Manifest& manifest, const std::string& name,
                                              const Path& path) {
  const auto found = manifest.checkpointables.find(name);
  if (found != manifest.checkpointables.end()) return found->second;
  std::string names;
  for (const auto& [existing, entry] : manifest.checkpointables)
    names += (names.empty() ? "" : ", ") + existing;
  throw Error(ErrorCode::not_found, "the checkpoint has no checkpointable `" + name + "`; it has: " + names,
              0, -1, path);
}

TreeFile open_tree_file(const OpenedManifest& opened, const commit::CheckpointableEntry& entry) {
  TreeFile result;
  result.file = base::open_file(&opened.checkpoint.directory, entry.file, O_RDONLY);
  const auto size = static_cast<std::uint64_t>(base::status(result.file).st_size);
  if (size != entry.bytes)
    damaged(result.file, "holds " + std::to_string(size) + " bytes where checkpoint.json says " +
                             std::to_string(entry.bytes));

  base::StreamingDigest digest;
  for (const auto& [offset, bytes] : entry.structure) {
    h5::Range range{offset, std::string(bytes, '\0')};
    base::read_at(result.file, std::as_writable_bytes(std::span(range.bytes)), offset);
    digest.add(std::as_bytes(std::span(range.bytes)));
    result.structure.push_back(std::move(range));
  }
  if (digest.result() != entry.structure_digest)
    damaged(result.file, "its structure was changed after it was written");

  const auto inside =
      std::find_if(result.structure.begin(), result.structure.end(), [&](const h5::Range& range) {
        return entry.index_offset >= range.offset &&
               entry.index_offset + entry.index_bytes <= range.offset + range.bytes.size();
      });
  if (inside == result.structure.end()) damaged(result.file, "its index is not within its structure");
  result.leaves = tree::decode_index(
      std::string_view(inside->bytes).substr(entry.index_offset - inside->offset, entry.index_bytes),
      entry.bytes);
  return result;
}

std::vector<tree::BlockRow> read_rows(const TreeFile& file, const commit::CheckpointableEntry& entry) {
  std::vector<tree::BlockRow> rows;
  if (!entry.checksums || entry.table_rows == 0) return rows;
  const tree::RowFormat format{entry.row_ndims, entry.row_bytes};
  std::vector<std::byte> table(entry.table_rows * format.bytes);
  base::read_at(file.file, table, entry.table_offset);
  base::Digest digest;
  for (std::uint64_t i = 0; i < entry.table_rows; ++i) {
    const auto bytes = std::span<const std::byte>(table).subspan(i * format.bytes, format.bytes);
    tree::BlockRow row;
    if (!tree::decode_row(bytes, format, file.leaves, row)) continue;
    digest += io::row_digest(bytes, i);
    rows.push_back(std::move(row));
  }
  if (digest != entry.table_digest) damaged(file.file, "its block table was changed after it was written");
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.leaf < b.leaf; });
  return rows;
}

}  // namespace cairn::load_stages
