#include "load/shared_arrays.hpp"

#include "cairn/error.hpp"
#include "tree/convert.hpp"

#include <algorithm>

namespace cairn::load_stages {
namespace {

constexpr std::uint64_t kSegmentBytes = 16u << 20;

}  // namespace

/// A box of one wanted array.
struct SharedArrays::Piece {
  std::size_t want = 0;
  tree::Box box = {};
  std::uint64_t bytes = 0;   // in the file's dtype
  std::uint64_t offset = 0;  // in the segment
};

struct SharedArrays::Segment {
  std::vector<Piece> pieces;
  std::uint64_t bytes = 0;
  std::string staging;  // on the rank that reads it, until it is sent
};

SharedArrays::~SharedArrays() = default;

SharedArrays::SharedArrays(std::span<const io::Want> wants, const Stored& stored, int rank, int size,
                           void* device_stream)
    : wants_(wants), stored_(&stored), rank_(rank), size_(size), device_stream_(device_stream) {
  if (size == 1) {
    reads_.assign(wants.begin(), wants.end());
    return;
  }
  Segment segment;
  const auto close = [&] {
    if (segment.bytes > 0) segments_.push_back(std::move(segment));
    segment = Segment();
  };
  for (std::size_t i = 0; i < wants.size(); ++i) {
    const auto& want = wants[i];
    const auto& leaf = stored.leaves[want.leaf];
    if (leaf.bytes() == 0) continue;
    // Pieces are the blocks that were saved, so that each is read whole and verified.
    const auto rows =
        std::equal_range(stored.rows.begin(), stored.rows.end(), tree::BlockRow{want.leaf, 0, 0, {}},
                         [](const auto& a, const auto& b) { return a.leaf < b.leaf; });
    std::vector<tree::Box> boxes;
    for (auto row = rows.first; row != rows.second; ++row) boxes.push_back(row->box);
    if (boxes.empty())
      boxes = tree::cut(want.box, std::max<std::uint64_t>(1, kSegmentBytes / leaf.element_bytes));
    for (auto& box : boxes) {
      const std::uint64_t bytes = tree::product(box.count) * leaf.element_bytes;
      if (segment.bytes + bytes > kSegmentBytes) close();
      segment.pieces.push_back({i, std::move(box), bytes, segment.bytes});
      segment.bytes += bytes;
    }
  }
  close();

  for (auto s = static_cast<std::size_t>(rank); s < segments_.size(); s += static_cast<std::size_t>(size)) {
    auto& mine = segments_[s];
    mine.staging.resize(mine.bytes);
    for (const auto& piece : mine.pieces) {
      const auto& leaf = stored.leaves[wants[piece.want].leaf];
      reads_.push_back({wants[piece.want].leaf, piece.box,
                        reinterpret_cast<std::byte*>(mine.staging.data()) + piece.offset,
                        tree::row_major_strides(piece.box.count), leaf.dtype, Cast::never});
    }
  }
}

void SharedArrays::exchange(comm::Communicator& comm) {
  device::Copies copies(device_stream_);
  for (std::size_t s = 0; s < segments_.size(); ++s) {
    auto& segment = segments_[s];
    const auto root = static_cast<int>(s % static_cast<std::size_t>(size_));
    if (rank_ != root) segment.staging.resize(segment.bytes);
    segment.staging = comm.broadcast("share", root, std::move(segment.staging));
    place(segment, copies);
    segment.staging = std::string();
  }
}

void SharedArrays::place(const Segment& segment, device::Copies& copies) {
  const auto* bytes = reinterpret_cast<const std::byte*>(segment.staging.data());
  for (const auto& piece : segment.pieces) {
    const auto& want = wants_[piece.want];
    try {
      io::place(stored_->leaves[want.leaf], piece.box, bytes + piece.offset, want, &copies);
    } catch (const Error& error) {
      if (!failure_) failure_ = std::make_shared<Error>(error);
    }
  }
  try {
    copies.wait();
  } catch (const Error& error) {
    if (!failure_) failure_ = std::make_shared<Error>(error);
  }
}

void SharedArrays::finish() const {
  if (failure_) throw *failure_;
}

}  // namespace cairn::load_stages
