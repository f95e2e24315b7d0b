#include "load/shared_arrays.hpp"

#include "cairn/error.hpp"
#include "device/broadcast.hpp"
#include "device/memory.hpp"
#include "tree/convert.hpp"

#include <algorithm>
#include <new>

namespace cairn::load_stages {
namespace {

constexpr std::uint64_t kSegmentBytes = 16u << 20;
/// Smaller leaves have segments of their own, which always go over MPI: numbers and the like are the host's.
constexpr std::uint64_t kSmallLeaf = 16u << 10;

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
  bool small = false;   // of small leaves
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
  const auto add = [&](std::size_t i) {
    const auto& want = wants[i];
    const auto& leaf = stored.leaves[want.leaf];
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
      segment.small = leaf.bytes() < kSmallLeaf;
      segment.pieces.push_back({i, std::move(box), bytes, segment.bytes});
      segment.bytes += bytes;
    }
  };
  for (const bool small : {false, true}) {
    for (std::size_t i = 0; i < wants.size(); ++i) {
      const auto bytes = stored.leaves[wants[i].leaf].bytes();
      if (bytes == 0 || (bytes < kSmallLeaf) != small) continue;
      add(i);
    }
    close();
  }

  std::uint64_t largest = 0;
  for (const auto& each : segments_) largest = std::max(largest, each.bytes);
  received_.reserve(largest);
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

bool SharedArrays::fits_nccl(void* nccl) const {
  if (!device::Broadcast::serves(nccl, rank_, size_)) return false;
  for (const auto& segment : segments_)
    for (const auto& piece : segment.pieces) {
      const auto& want = wants_[piece.want];
      const auto& leaf = stored_->leaves[want.leaf];
      if (segment.small) continue;
      const bool as_stored = want.dtype == leaf.dtype || want.dtype == Dtype::none;
      if (!as_stored || !tree::is_packed(piece.box.count, want.strides) || !device::is_device(want.data))
        return false;
    }
  return true;
}

void SharedArrays::exchange(comm::Communicator& comm) {
  device::Copies copies(device_stream_);
  for (std::size_t s = 0; s < segments_.size(); ++s) {
    auto& segment = segments_[s];
    if (nccl_ != nullptr && !segment.small) continue;
    const auto root = static_cast<int>(s % static_cast<std::size_t>(size_));
    if (rank_ != root) {
      segment.staging = std::move(received_);
      segment.staging.resize(segment.bytes);  // within what was reserved
    }
    segment.staging = comm.broadcast("share", root, std::move(segment.staging));
    place(segment, copies);
    if (rank_ != root)
      received_ = std::move(segment.staging);
    else
      segment.staging = std::string();
  }
  if (nccl_ != nullptr) exchange_by_nccl();
}

/// Each rank puts what it has read into its own device's memory, and sends it from there.
void SharedArrays::exchange_by_nccl() {
  const auto ranks = static_cast<std::size_t>(size_);
  keep_failure([&] {
    device::Copies copies(device_stream_);
    for (auto s = static_cast<std::size_t>(rank_); s < segments_.size(); s += ranks)
      if (!segments_[s].small) place(segments_[s], copies);
  });
  // After a failure too: the others wait for this rank's part.
  device::Broadcast broadcast(nccl_, device_stream_);
  for (std::size_t s = 0; s < segments_.size(); ++s) {
    if (segments_[s].small) continue;
    for (const auto& piece : segments_[s].pieces)
      keep_failure([&] { broadcast.start(memory_of(piece), piece.bytes, static_cast<int>(s % ranks)); });
  }
  keep_failure([&] { broadcast.wait(timeout_s_); });
  segments_.clear();
}

std::byte* SharedArrays::memory_of(const Piece& piece) const {
  const auto& want = wants_[piece.want];
  return want.data + tree::offset_between(want.box.start, piece.box.start, want.strides) *
                         static_cast<std::int64_t>(stored_->leaves[want.leaf].element_bytes);
}

void SharedArrays::place(const Segment& segment, device::Copies& copies) {
  const auto* bytes = reinterpret_cast<const std::byte*>(segment.staging.data());
  for (const auto& piece : segment.pieces)
    keep_failure([&] {
      const auto& want = wants_[piece.want];
      io::place(stored_->leaves[want.leaf], piece.box, bytes + piece.offset, want, &copies);
    });
  keep_failure([&] { copies.wait(); });
}

template <class Step>
void SharedArrays::keep_failure(const Step& step) {
  try {
    step();
  } catch (const Error& error) {
    if (!failure_) failure_.emplace(error);
  } catch (const std::bad_alloc&) {
    if (!failure_) failure_.emplace(no_memory_);
  }
}

void SharedArrays::finish() const {
  if (failure_) throw *failure_;
}

}  // namespace cairn::load_stages
