#include "load/verify.hpp"

#include "async/queue.hpp"
#include "base/pack.hpp"
#include "cairn/load.hpp"
#include "comm/communicator.hpp"
#include "commit/path.hpp"
#include "commit/stored_files.hpp"
#include "io/read.hpp"
#include "load/agree_on_path.hpp"
#include "load/tree_file.hpp"
#include "tree/index.hpp"

#include <algorithm>

#include <fcntl.h>

namespace cairn {
namespace load_stages {
namespace {

constexpr std::size_t kErrorsKept = 1000;  // of one rank

std::string pack_errors(const std::vector<Error>& errors) {
  base::Packer pack;
  for (const auto& error : errors) {
    pack.u64(static_cast<std::uint64_t>(error.code()));
    pack.u64(static_cast<std::uint64_t>(error.system_error()));
    pack.u64(static_cast<std::uint64_t>(error.rank()));
    pack.str(error.path().string());
    pack.str(std::string_view(error.what()).substr(std::string_view(to_string(error.code())).size() + 2));
  }
  return std::move(pack).text();
}

void unpack_errors(std::string_view bytes, std::vector<Error>& errors) {
  base::Unpacker unpack(bytes);
  while (!unpack.empty()) {
    const auto code = static_cast<ErrorCode>(unpack.u64());
    const auto system_error = static_cast<int>(unpack.u64());
    const auto rank = static_cast<int>(static_cast<std::int64_t>(unpack.u64()));
    const Path path(unpack.str());
    errors.emplace_back(code, std::string(unpack.str()), system_error, rank, path);
  }
}

/// A range of the file that must hold zeros.
struct Gap {
  std::uint64_t begin = 0, end = 0;
};

/// Tile number `i` of a grid, without what reaches past the array.
tree::Box grid_tile(const tree::StoredLeaf& leaf, std::size_t i) {
  tree::Box tile = tree::whole(leaf.shape);
  for (std::size_t d = leaf.shape.ndims(); d-- > 0;) {
    const auto cell = leaf.tiling.cell[d];
    const auto tiles = (leaf.shape[d] + cell - 1) / cell;
    tile.start[d] = static_cast<std::int64_t>(i) % tiles * cell;
    tile.count[d] = std::min(cell, leaf.shape[d] - tile.start[d]);
    i = static_cast<std::size_t>(static_cast<std::int64_t>(i) / tiles);
  }
  return tile;
}

/// The boxes of an array that are tiles of the file.
std::vector<tree::Box> tile_boxes(const tree::StoredLeaf& leaf) {
  switch (leaf.tiling.kind) {
    case tree::TileKind::none:
      return {};
    case tree::TileKind::one:
      return {tree::whole(leaf.shape)};
    case tree::TileKind::boxes:
      return leaf.tiling.boxes;
    case tree::TileKind::grid:
      break;
  }
  std::vector<tree::Box> boxes;
  for (std::size_t i = 0; i < leaf.tiling.offsets.size(); ++i) boxes.push_back(grid_tile(leaf, i));
  return boxes;
}

/// What is neither structure, nor table, nor an array's tile.
std::vector<Gap> gaps_of(const TreeFile& file, const commit::CheckpointableEntry& entry) {
  std::vector<Gap> used;
  for (const auto& range : file.structure) used.push_back({range.offset, range.offset + range.bytes.size()});
  if (entry.table_rows > 0)
    used.push_back({entry.table_offset, entry.table_offset + entry.table_rows * entry.row_bytes});
  for (const auto& leaf : file.leaves) {
    const tree::ExtentFinder extents(leaf);
    for (const auto& box : tile_boxes(leaf))
      for (const auto& extent : extents(box))
        used.push_back({extent.file_offset, extent.file_offset + extent.bytes});
  }

  std::sort(used.begin(), used.end(), [](const Gap& a, const Gap& b) { return a.begin < b.begin; });
  std::vector<Gap> gaps;
  std::uint64_t end = 0;
  for (const auto& range : used) {
    if (range.begin > end) gaps.push_back({end, range.begin});
    end = std::max(end, range.end);
  }
  if (end < entry.bytes) gaps.push_back({end, entry.bytes});
  return gaps;
}

class TreeVerification {
 public:
  TreeVerification(comm::Communicator& comm, const Options& options, const Path& path,
                   const Progress& progress)
      : comm_(comm), options_(options), path_(path), progress_(progress) {}

  /// The primary's part: manifest, structure, index, HDF5, block table. Empty where nothing of the data can
  /// be checked.
  std::string check_on_primary() {
    base::Packer pack;
    with_manifest(commit::resolve_path(path_, options_.files), [&](const OpenedManifest& opened) {
      pack = base::Packer();
      found_.clear();
      pack.u64(opened.manifest.save_id.lo);
      pack.u64(opened.manifest.save_id.hi);
      for (const auto& [name, entry] : opened.manifest.checkpointables)
        collect([&] {
          if (entry.handler == commit::tree_handler)
            check_entry(opened, entry, pack);
          else
            commit::check_files(opened.checkpoint.directory, entry, true);
        });
      return 0;
    });
    return std::move(pack).text();
  }

  /// Every rank's part: its share of the blocks and gaps of each file.
  void check_data(std::string_view bytes) {
    base::Unpacker unpack(bytes);
    base::Digest id;
    id.lo = unpack.u64();
    id.hi = unpack.u64();
    const auto checkpoint = commit::open_checkpoint(commit::resolve_path(path_, options_.files));
    if (checkpoint.save_id != id)
      throw Error(ErrorCode::locked, "the checkpoint was overwritten while it was verified; verify again", 0,
                  comm_.rank(), path_);
    std::vector<TreePart> parts;
    while (!unpack.empty()) parts.push_back(unpack_part(unpack));
    for (const auto& part : parts)
      for_each_own_row(part, [&](const tree::BlockRow& row) { bytes_to_check_ += bytes_of(part, row); });
    for (const auto& part : parts) {
      const auto file = base::open_file(&checkpoint.directory, part.file, O_RDONLY);
      check_blocks(file, part);
      check_gaps(file, part.gaps);
    }
  }

  std::vector<Error> gather() {
    auto all = comm_.gather("verified", pack_errors(found_));
    const auto joined = comm_.agree_on_root("verified", [&] {
      std::string bytes;
      for (const auto& part : all) bytes += part;
      return bytes;
    });
    std::vector<Error> errors;
    unpack_errors(*joined, errors);
    return errors;
  }

  void note(const Error& error) {
    if (found_.size() < kErrorsKept) found_.push_back(error);
  }

  template <class Step>
  void collect(Step&& step) {
    try {
      step();
    } catch (const Error& error) {
      if (vanished(error)) throw;  // with the checkpoint: it is replaced meanwhile
      note(error);
    }
  }

 private:
  void check_entry(const OpenedManifest& opened, const commit::CheckpointableEntry& entry,
                   base::Packer& pack) {
    const auto file = open_tree_file(opened, entry);
    for (const auto& difference : h5::compare_with_index(file.structure, entry.bytes, file.leaves))
      found_.emplace_back(ErrorCode::corrupt, entry.file + ": " + difference, 0, -1, path_);
    const auto rows = read_rows(file, entry);
    check_table(entry, file.leaves, rows);
    pack.str(entry.file);
    pack.str(tree::pack_leaves(file.leaves));
    const tree::RowFormat format{entry.row_ndims, entry.row_bytes};
    pack.u64(format.ndims);
    pack.u64(format.bytes);
    std::string encoded(rows.size() * format.bytes, '\0');
    for (std::size_t i = 0; i < rows.size(); ++i)
      tree::encode_row(rows[i], format,
                       std::as_writable_bytes(std::span(encoded)).subspan(i * format.bytes, format.bytes));
    pack.str(encoded);
    base::Packer ranges;
    for (const auto& gap : gaps_of(file, entry)) {
      ranges.u64(gap.begin);
      ranges.u64(gap.end);
    }
    pack.str(std::move(ranges).text());
  }

  /// The blocks of each array add up to the array.
  void check_table(const commit::CheckpointableEntry& entry, const std::vector<tree::StoredLeaf>& leaves,
                   const std::vector<tree::BlockRow>& rows) {
    if (!entry.checksums) return;
    std::vector<std::uint64_t> elements(leaves.size(), 0);
    for (const auto& row : rows) elements[row.leaf] += tree::product(row.box.count);
    for (std::size_t i = 0; i < leaves.size(); ++i)
      if (leaves[i].bytes() > 0 && elements[i] != tree::product(leaves[i].shape))
        found_.emplace_back(
            ErrorCode::corrupt,
            entry.file + ": the blocks of `" + leaves[i].path + "` do not add up to the array", 0, -1, path_);
  }

  /// What every rank is sent of a tree's file. Refers to the message.
  struct TreePart {
    std::string file;
    std::vector<tree::StoredLeaf> leaves;
    tree::RowFormat format;
    std::span<const std::byte> rows;  // encoded
    std::string_view gaps;
  };

  static TreePart unpack_part(base::Unpacker& unpack) {
    TreePart part;
    part.file = unpack.str();
    part.leaves = tree::unpack_leaves(unpack.str());
    part.format.ndims = static_cast<std::uint32_t>(unpack.u64());
    part.format.bytes = static_cast<std::uint32_t>(unpack.u64());
    part.rows = std::as_bytes(std::span(unpack.str()));
    part.gaps = unpack.str();
    return part;
  }

  static std::uint64_t bytes_of(const TreePart& part, const tree::BlockRow& row) {
    return tree::product(row.box.count) * part.leaves[row.leaf].element_bytes;
  }

  /// The rows that this rank checks.
  template <class Use>
  void for_each_own_row(const TreePart& part, Use&& use) const {
    const auto size = static_cast<std::size_t>(comm_.size());
    const std::size_t bytes = part.format.bytes;
    for (auto i = static_cast<std::size_t>(comm_.rank()); i < part.rows.size() / bytes; i += size) {
      tree::BlockRow row;
      tree::decode_row(part.rows.subspan(i * bytes, bytes), part.format, part.leaves, row);
      use(row);
    }
  }

  void check_blocks(const base::File& file, const TreePart& part) {
    std::vector<std::byte> memory;
    for_each_own_row(part, [&](const tree::BlockRow& row) {
      const auto& leaf = part.leaves[row.leaf];
      memory.resize(bytes_of(part, row));
      const std::vector<io::Want> want = {{row.leaf, row.box, memory.data(),
                                           tree::row_major_strides(row.box.count), leaf.dtype, Cast::never}};
      collect([&] { io::read(file, {&part.leaves, {&row, 1}, want, Verify::blocks}, options_.io); });
      bytes_checked_ += memory.size();
      if (progress_) progress_(bytes_checked_, bytes_to_check_);
    });
  }

  void check_gaps(const base::File& file, std::string_view ranges) {
    constexpr std::uint64_t kPiece = 1u << 20;
    const auto size = static_cast<std::size_t>(comm_.size());
    base::Unpacker unpack(ranges);
    std::vector<std::byte> piece;
    for (std::size_t i = 0; !unpack.empty(); ++i) {
      const std::uint64_t begin = unpack.u64(), end = unpack.u64();
      if (i % size != static_cast<std::size_t>(comm_.rank())) continue;
      for (std::uint64_t at = begin; at < end; at += piece.size()) {
        piece.resize(std::min(kPiece, end - at));
        collect([&] {
          base::read_at(file, piece, at);
          const auto bad =
              std::find_if(piece.begin(), piece.end(), [](std::byte b) { return b != std::byte{0}; });
          if (bad != piece.end())
            throw Error(ErrorCode::corrupt,
                        file.name().string() + ": byte " + std::to_string(at + (bad - piece.begin())) +
                            ", between arrays, is not zero",
                        0, -1, path_);
        });
      }
    }
  }

  comm::Communicator& comm_;
  const Options& options_;
  const Path& path_;
  const Progress& progress_;
  std::uint64_t bytes_checked_ = 0, bytes_to_check_ = 0;  // of this rank's blocks
  std::vector<Error> found_;
};

}  // namespace

std::vector<Error> verify_checkpoint(const Context& context, const Path& path, const Progress& progress) {
  comm::Communicator comm(context);
  async::Queue::finish_all(comm);
  Options options = context;
  load_stages::agree_on_path(comm, options, "verify", path);
  TreeVerification verification(comm, options, path, progress);
  const auto opened = comm.agree_on_root("verify", [&] {
    try {
      return verification.check_on_primary();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::corrupt) throw;
      verification.note(error);
      return std::string();
    }
  });
  comm.agree("verify blocks", [&] {
    if (!opened->empty()) verification.check_data(*opened);
  });
  return verification.gather();
}

}  // namespace load_stages

inline namespace CAIRN_ABI {

std::vector<Error> verify(const Context& context, const Path& path) {
  return load_stages::verify_checkpoint(context, path, {});
}

}  // namespace CAIRN_ABI
}  // namespace cairn
