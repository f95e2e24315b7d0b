#include "io/read.hpp"

#include "base/checksum.hpp"
#include "cairn/error.hpp"
#include "io/buffer.hpp"
#include "io/read_plan.hpp"
#include "io/thread_count.hpp"
#include "io/workers.hpp"
#include "tree/convert.hpp"

#include <algorithm>
#include <atomic>
#include <optional>

namespace cairn::io {
namespace {

/// Pieces up to this size are read together, until there is this much of them.
constexpr std::uint64_t kSmallPiece = 256u << 10;
constexpr std::uint64_t kSmallUnit = 1u << 20;
constexpr std::uint64_t kReadAtOnce = 8u << 20;
/// A rank that reads less does so on the caller's thread.
constexpr std::uint64_t kWorthThreads = 8u << 20;

/// Pieces that are read at once: [first, last).
struct Unit {
  std::size_t first = 0, last = 0;
  std::uint64_t bytes = 0;
};

/// What one thread holds on to from unit to unit.
struct Worker {
  Buffer buffer;
  const tree::StoredLeaf* leaf = nullptr;  // of `finder`
  std::optional<tree::ExtentFinder> finder;
};

/// Reads extents in the order given, those that follow one another in the file and in memory by one call.
class RunReader {
 public:
  explicit RunReader(const base::File& file) : file_(&file) {}
  void add(std::byte* to, const std::vector<tree::Extent>& extents) {
    for (const auto& extent : extents) {
      auto* const start = to + extent.box_offset;
      if (start == run_.data() + run_.size() && extent.file_offset == offset_ + run_.size()) {
        run_ = {run_.data(), run_.size() + extent.bytes};
        continue;
      }
      flush();
      run_ = {start, extent.bytes};
      offset_ = extent.file_offset;
    }
  }
  void flush() {
    while (!run_.empty()) {
      const auto now = std::min<std::uint64_t>(run_.size(), kReadAtOnce);
      base::read_at(*file_, run_.first(now), offset_);
      run_ = run_.subspan(now);
      offset_ += now;
    }
  }

 private:
  const base::File* file_;
  std::span<std::byte> run_;
  std::uint64_t offset_ = 0;
};

class BlockReader {
 public:
  BlockReader(const base::File& file, const ReadJob& job)
      : file_(&file), job_(&job), pieces_(plan_reads(job)) {}

  ReadResult read(const IoOptions& options) {
    const auto units = make_units();
    std::uint64_t bytes = 0;
    for (const auto& unit : units) bytes += unit.bytes;
    const int threads = bytes < kWorthThreads ? 1 : thread_count(options);
    std::vector<Worker> workers(static_cast<std::size_t>(threads));
    run_workers(threads, units.size(),
                [&](std::size_t worker, std::size_t unit) { read(workers[worker], units[unit]); });
    return {bytes, verified_};
  }

 private:
  const tree::StoredLeaf& leaf_of(const Piece& piece) const noexcept { return (*job_->leaves)[piece.leaf]; }
  std::uint64_t bytes_of(const Piece& piece) const noexcept {
    return tree::product(piece.box.count) * leaf_of(piece).element_bytes;
  }

  std::vector<Unit> make_units() const {
    std::vector<Unit> units;
    bool open = false;  // whether the last unit takes small pieces
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      const auto bytes = bytes_of(pieces_[i]);
      const bool small = bytes <= kSmallPiece;
      if (!open || !small || units.back().bytes + bytes > kSmallUnit) units.push_back({i, i, 0});
      units.back().last = i + 1;
      units.back().bytes += bytes;
      open = small;
    }
    return units;
  }

  void read(Worker& worker, const Unit& unit) {
    RunReader reader(*file_);
    if (unit.last - unit.first == 1) {
      const auto& piece = pieces_[unit.first];
      if (auto* const memory = straight(piece)) {
        reader.add(memory, extents_of(worker, piece));
        reader.flush();
        verify(piece, memory);
        return;
      }
    }
    auto* const memory = worker.buffer.take(unit.bytes).data();
    auto* at = memory;
    for (auto i = unit.first; i < unit.last; ++i, at += bytes_of(pieces_[i - 1]))
      reader.add(at, extents_of(worker, pieces_[i]));
    reader.flush();
    at = memory;
    for (auto i = unit.first; i < unit.last; ++i, at += bytes_of(pieces_[i - 1])) {
      verify(pieces_[i], at);
      for (const auto* want : pieces_[i].wants) place(leaf_of(pieces_[i]), pieces_[i].box, at, *want);
    }
  }

  /// Where the piece lies in the caller's memory just as in a packed block; null: nowhere.
  std::byte* straight(const Piece& piece) const noexcept {
    const auto& want = *piece.wants[0];
    const auto& leaf = leaf_of(piece);
    const bool same = want.dtype == leaf.dtype || want.dtype == Dtype::none;
    if (!same || piece.wants.size() > 1 || !tree::contains(want.box, piece.box) ||
        !tree::is_packed(piece.box.count, want.strides))
      return nullptr;
    auto index = piece.box.start;
    for (std::size_t dim = 0; dim < index.ndims(); ++dim) index[dim] -= want.box.start[dim];
    return want.data + tree::offset_of(index, want.strides) * static_cast<std::int64_t>(leaf.element_bytes);
  }

  std::vector<tree::Extent> extents_of(Worker& worker, const Piece& piece) const {
    if (worker.leaf != &leaf_of(piece)) {
      worker.leaf = &leaf_of(piece);
      worker.finder.emplace(*worker.leaf);
    }
    auto extents = (*worker.finder)(piece.box);
    std::uint64_t bytes = 0;
    for (const auto& extent : extents) bytes += extent.bytes;
    if (bytes != bytes_of(piece))
      throw Error(ErrorCode::corrupt,
                  "the file's index has no place for " + leaf_of(piece).path + " " +
                      tree::to_string(piece.box) + "; load another checkpoint",
                  0, -1, file_->name());
    return extents;
  }

  void verify(const Piece& piece, const std::byte* packed) {
    if (piece.row == nullptr) return;
    const auto bytes = bytes_of(piece);
    if (base::checksum({packed, bytes}) != piece.row->checksum)
      throw Error(ErrorCode::corrupt,
                  leaf_of(piece).path + " " + tree::to_string(piece.box) + ", written by rank " +
                      std::to_string(piece.row->rank) + ", is damaged in " + file_->name().string() +
                      ": its checksum is wrong; load another checkpoint",
                  0, -1, file_->name());
    verified_ += bytes;
  }

  const base::File* file_;
  const ReadJob* job_;
  std::vector<Piece> pieces_;
  std::atomic<std::uint64_t> verified_{0};
};

}  // namespace

ReadResult read(const base::File& file, const ReadJob& job, const IoOptions& options) {
  return BlockReader(file, job).read(options);
}

}  // namespace cairn::io
