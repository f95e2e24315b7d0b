#include "save/merge_pieces.hpp"

#include "io/copy_blocks.hpp"
#include "save/tree_file.hpp"

#include <algorithm>
#include <deque>

#include <fcntl.h>

namespace cairn::save_stages {
namespace {

constexpr const char* kMergedFile = ".merged.h5";

class Merge {
 public:
  Merge(comm::Communicator& comm, StartedSave& save, std::vector<TreePart>& pieces)
      : comm_(comm), save_(save), pieces_(pieces) {}

  void run() {
    comm_.agree("merge", [&] { join_leaves(); });
    place_rows();
    const auto layout = comm_.agree_on_root("merge", [&] {
      save_.manifest.checkpointables.erase(merged_.name);
      return make_tree_file(save_, merged_);
    });
    comm_.allow(save_.allowance_s());
    const auto written = comm_.agree("merge", [&] { return copy(*layout); });
    comm_.allow(0);
    const auto rows = comm_.sum("merge", {written->rows.lo, written->rows.hi});
    comm_.agree_on_root("merge", [&] {
      auto& entry = save_.manifest.checkpointables.at(merged_.name);
      entry.table_digest = {(*rows)[0], (*rows)[1]};
      entry.file = merged_.name + ".h5";
      put_in_place(entry.file);
      return std::string();
    });
  }

 private:
  /// All leaves by path, and all blocks by leaf.
  void join_leaves() {
    merged_.name = pieces_.front().name;
    merged_.file = kMergedFile;
    auto& plan = merged_.plan;
    struct From {
      std::size_t piece, leaf;
    };
    std::vector<From> order;
    for (std::size_t p = 0; p < pieces_.size(); ++p)
      for (std::size_t i = 0; i < pieces_[p].plan.leaves.size(); ++i) order.push_back({p, i});
    const auto path = [&](const From& from) { return pieces_[from.piece].plan.leaves[from.leaf].path; };
    std::sort(order.begin(), order.end(), [&](const From& a, const From& b) { return path(a) < path(b); });

    std::vector<std::vector<std::uint32_t>> number(pieces_.size());
    for (std::size_t p = 0; p < pieces_.size(); ++p) number[p].resize(pieces_[p].plan.leaves.size());
    std::size_t ndims = 1;
    for (const auto& [piece, leaf] : order) {
      number[piece][leaf] = static_cast<std::uint32_t>(plan.leaves.size());
      plan.leaves.push_back(pieces_[piece].plan.leaves[leaf]);
      ndims = std::max(ndims, plan.leaves.back().shape.ndims());
    }
    plan.row_format = tree::RowFormat::for_ndims(ndims);
    for (std::size_t p = 0; p < pieces_.size(); ++p) {
      auto& piece = pieces_[p].plan;
      plan.total_bytes += piece.total_bytes;
      files_.push_back(base::open_file(&save_.transaction->directory(), pieces_[p].file_name(), O_RDONLY));
      const auto first = blocks_.size();
      for (const auto& block : piece.blocks)
        if (tree::product(block.box.count) * piece.leaves[block.leaf].element_bytes > 0)
          blocks_.push_back(
              {&files_.back(), &piece.leaves[block.leaf], number[p][block.leaf], block.box, {}});
      if (save_.options.integrity.checksums) take_checksums(pieces_[p], std::span(blocks_).subspan(first));
    }
    std::stable_sort(blocks_.begin(), blocks_.end(),
                     [](const auto& a, const auto& b) { return a.to < b.to; });
  }

  /// As this rank wrote them to the piece's block table.
  void take_checksums(const TreePart& piece, std::span<io::FiledBlock> blocks) {
    const auto& format = piece.plan.row_format;
    std::vector<std::byte> rows(blocks.size() * format.bytes);
    base::read_at(files_.back(), rows, piece.table_offset + piece.plan.table_first_row * format.bytes);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      tree::BlockRow row;
      if (!tree::decode_row(std::span(rows).subspan(i * format.bytes, format.bytes), format,
                            piece.plan.leaves, row))
        throw Error(ErrorCode::corrupt, "the block table is not what was written to it before", 0,
                    comm_.rank(), files_.back().name());
      blocks[i].checksum = row.checksum;
    }
  }

  void place_rows() {
    const auto rows = merged_.plan.row_format.rows_per_page();
    const comm::Lanes pages = {(blocks_.size() + rows - 1) / rows};
    merged_.plan.table_first_row = (*comm_.exclusive_sum("merge", pages))[0] * rows;
    merged_.plan.table_rows = (*comm_.sum("merge", pages))[0] * rows;
  }

  io::Written copy(const std::string& layout) {
    take_tilings(merged_, layout);
    const auto sink =
        io::open_direct_sink(save_.transaction->directory(), merged_.file_name(), save_.options.io);
    const auto written = io::copy_blocks(blocks_, *sink, merged_.job(save_.options, comm_.rank()));
    finish_structure(save_, merged_);
    return written;
  }

  /// On the primary, once all ranks have read the pieces.
  void put_in_place(const std::string& file) {
    const auto& directory = save_.transaction->directory();
    for (const auto& piece : pieces_) base::remove_file(directory, piece.file_name());
    if (base::rename_new(directory, merged_.file_name(), file) != base::RenameResult::done)
      throw Error(ErrorCode::io, "the merged file could not be put in place", 0, comm_.rank(),
                  directory.name() / file);
  }

  comm::Communicator& comm_;
  StartedSave& save_;
  std::vector<TreePart>& pieces_;
  TreePart merged_;
  std::deque<base::File> files_;
  std::vector<io::FiledBlock> blocks_;
};

}  // namespace

void merge_pieces(comm::Communicator& comm, StartedSave& save, std::vector<TreePart>& pieces) {
  Merge(comm, save, pieces).run();
}

}  // namespace cairn::save_stages
