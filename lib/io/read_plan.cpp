#include "io/read_plan.hpp"

#include "cairn/error.hpp"
#include "tree/box_index.hpp"

#include <algorithm>
#include <utility>

namespace cairn::io {
namespace {

constexpr std::uint64_t kPieceBytes = 8u << 20;

/// The rows of one leaf, and which of them touch a box.
class LeafBlocks {
 public:
  LeafBlocks(std::span<const tree::BlockRow> all, std::uint32_t leaf) {
    const auto [first, last] =
        std::equal_range(all.begin(), all.end(), tree::BlockRow{leaf, 0, 0, {}},
                         [](const tree::BlockRow& a, const tree::BlockRow& b) { return a.leaf < b.leaf; });
    rows_ = {first, last};
    std::vector<tree::Box> boxes;
    boxes.reserve(rows_.size());
    for (const auto& row : rows_) boxes.push_back(row.box);
    index_ = tree::BoxIndex(boxes);
  }

  /// With the part of `box` in each, all of it.
  std::vector<std::pair<const tree::BlockRow*, tree::Box>> covering(const tree::StoredLeaf& leaf,
                                                                    const tree::Box& box) const {
    std::vector<std::pair<const tree::BlockRow*, tree::Box>> parts;
    std::uint64_t elements = 0;
    for (const auto i : index_.touching(box)) {
      parts.emplace_back(&rows_[i], tree::intersect(rows_[i].box, box));
      elements += tree::product(parts.back().second.count);
    }
    if (elements != tree::product(box.count))
      throw Error(ErrorCode::corrupt,
                  "the block table does not cover " + leaf.path + " " + tree::to_string(box) +
                      "; load without checksums (integrity.verify = off), or another checkpoint");
    return parts;
  }

 private:
  std::span<const tree::BlockRow> rows_;
  tree::BoxIndex index_;
};

bool starts_before(const tree::Box& a, const tree::Box& b) noexcept {
  return std::lexicographical_compare(a.start.begin(), a.start.end(), b.start.begin(), b.start.end());
}

void add_cut(std::vector<Piece>& pieces, const tree::StoredLeaf& leaf, const Want& want,
             const tree::Box& box) {
  for (auto& part : tree::cut(box, kPieceBytes / leaf.element_bytes))
    pieces.push_back({want.leaf, std::move(part), nullptr, {&want}});
}

void add_blocks(std::vector<Piece>& pieces, const ReadJob& job, const LeafBlocks& blocks,
                std::span<const Want* const> wants) {
  const auto first = pieces.size();
  for (const auto* want : wants) {
    const auto& leaf = (*job.leaves)[want->leaf];
    for (const auto& [row, part] : blocks.covering(leaf, want->box)) {
      if (job.verify == Verify::full || part == row->box)
        pieces.push_back({want->leaf, row->box, row, {want}});
      else
        add_cut(pieces, leaf, *want, part);
    }
  }
  // In the order of the array, which is that of the file more often than the order of the ranks is.
  const auto begin = pieces.begin() + static_cast<std::ptrdiff_t>(first);
  std::stable_sort(begin, pieces.end(),
                   [](const Piece& a, const Piece& b) { return starts_before(a.box, b.box); });
  if (job.verify != Verify::full || wants.size() < 2) return;

  // A block is read once for all that want of it.
  auto last = begin;
  for (auto piece = begin; piece != pieces.end(); ++piece) {
    if (piece == begin) continue;
    if (piece->row == last->row)
      last->wants.push_back(piece->wants[0]);
    else if (++last != piece)
      *last = std::move(*piece);
  }
  pieces.erase(last + 1, pieces.end());
}

}  // namespace

std::vector<Piece> plan_reads(const ReadJob& job) {
  std::vector<const Want*> wants;
  for (const auto& want : job.wants)
    if (!tree::is_empty(want.box) && (*job.leaves)[want.leaf].element_bytes > 0) wants.push_back(&want);
  std::stable_sort(wants.begin(), wants.end(),
                   [](const Want* a, const Want* b) { return a->leaf < b->leaf; });

  const bool verified = job.verify != Verify::off && !job.rows.empty();
  std::vector<Piece> pieces;
  for (auto first = wants.begin(); first != wants.end();) {
    const auto leaf = (*first)->leaf;
    const auto last = std::find_if(first, wants.end(), [&](const Want* want) { return want->leaf != leaf; });
    if (verified)
      add_blocks(pieces, job, LeafBlocks(job.rows, leaf), {first, last});
    else
      for (auto want = first; want != last; ++want)
        add_cut(pieces, (*job.leaves)[leaf], **want, (*want)->box);
    first = last;
  }
  return pieces;
}

}  // namespace cairn::io
