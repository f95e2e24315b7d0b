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
/// A part of a larger piece.
constexpr std::uint64_t kPartBytes = 512u << 10;
/// Shorter runs of memory are copied rather than read one by one.
constexpr std::uint64_t kShortestRun = 512;
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
  bool has_device = false;
  Buffer buffer;
  const tree::StoredLeaf* leaf = nullptr;  // of `finder`
  std::optional<tree::ExtentFinder> finder;
  base::StreamingChecksum checksum;
  std::vector<std::span<std::byte>> runs;
  std::vector<iovec> parts;
  std::optional<device::Copies> copies;
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
      : file_(&file), job_(&job), pieces_(plan_reads(job)) {
    on_device_ =
        device::is_available() && std::any_of(job.wants.begin(), job.wants.end(),
                                              [](const Want& want) { return device::is_device(want.data); });
  }

  ReadResult read(const IoOptions& options) {
    const auto units = make_units();
    std::uint64_t bytes = 0;
    for (const auto& unit : units) bytes += unit.bytes;
    int threads = bytes < kWorthThreads ? 1 : thread_count(options);
    if (on_device_) {
      std::uint64_t largest = 1;
      for (const auto& unit : units) largest = std::max(largest, unit.bytes);
      const auto most = std::max<std::uint64_t>(job_->pinned_bytes / largest, 1);
      threads = static_cast<int>(std::min<std::uint64_t>(static_cast<std::uint64_t>(threads), most));
    }
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
    if (on_device_ && !worker.has_device) device::make_current(job_->device);
    worker.has_device = true;
    if (on_device_ && !worker.copies) worker.copies.emplace(job_->device_stream);
    if (unit.last - unit.first == 1)
      read_in_parts(worker, pieces_[unit.first]);
    else
      read_together(worker, unit);
  }

  /// Each part is checksummed and placed while it is in the cache. It goes straight to where it is wanted,
  /// unless that is scattered too finely or of another dtype.
  void read_in_parts(Worker& worker, const Piece& piece) {
    if (goes_to_device(piece)) {
      read_for_device(worker, piece);
      return;
    }
    const auto& leaf = leaf_of(piece);
    const bool direct = wanted_as_stored(piece);
    auto& checksum = worker.checksum;
    auto& runs = worker.runs;
    checksum.reset();
    for (const auto& box : tree::cut(piece.box, kPartBytes / leaf.element_bytes)) {
      const auto bytes = tree::product(box.count) * leaf.element_bytes;
      const auto extents = extents_of(worker, piece.leaf, box);
      runs.clear();
      if (direct) {
        const auto& want = *piece.wants[0];
        auto* const data = want.data + tree::offset_between(want.box.start, box.start, want.strides) *
                                           static_cast<std::int64_t>(leaf.element_bytes);
        tree::list_runs(data, want.strides, box.count, leaf.element_bytes, kShortestRun, runs);
      }
      const bool in_place = !runs.empty();
      if (!in_place) runs.emplace_back(worker.buffer.take(bytes));
      read_runs(worker, extents);
      if (piece.row != nullptr)
        for (const auto run : runs) checksum.add(run);
      if (!in_place)
        for (const auto* want : piece.wants) place(leaf, box, runs[0].data(), *want);
    }
    verify(piece, checksum.result());
  }

  /// All of the piece goes to pinned memory, and from there to the device while another thread reads.
  void read_for_device(Worker& worker, const Piece& piece) {
    const auto memory = worker.buffer.take_pinned(bytes_of(piece));
    worker.runs.assign(1, memory);
    read_runs(worker, extents_of(worker, piece.leaf, piece.box));
    if (piece.row != nullptr) verify(piece, base::checksum(memory));
    for (const auto* want : piece.wants)
      place(leaf_of(piece), piece.box, memory.data(), *want, &*worker.copies);
    worker.copies->wait();
  }

  /// Fills the worker's runs, which together are a packed box, from the extents of that box.
  void read_runs(Worker& worker, const std::vector<tree::Extent>& extents) const {
    const auto& runs = worker.runs;
    const auto run_bytes = runs[0].size();
    for (const auto& extent : extents) {
      auto& parts = worker.parts;
      parts.clear();
      for (std::uint64_t at = extent.box_offset, end = at + extent.bytes; at < end;) {
        const auto part = runs[at / run_bytes].subspan(at % run_bytes);
        const auto length = std::min<std::uint64_t>(part.size(), end - at);
        parts.push_back({part.data(), length});
        at += length;
      }
      base::read_scattered(*file_, parts, extent.file_offset);
    }
  }

  void read_together(Worker& worker, const Unit& unit) {
    RunReader reader(*file_);
    auto* const memory =
        (on_device_ ? worker.buffer.take_pinned(unit.bytes) : worker.buffer.take(unit.bytes)).data();
    auto* at = memory;
    for (auto i = unit.first; i < unit.last; ++i, at += bytes_of(pieces_[i - 1]))
      reader.add(at, extents_of(worker, pieces_[i].leaf, pieces_[i].box));
    reader.flush();
    at = memory;
    for (auto i = unit.first; i < unit.last; ++i, at += bytes_of(pieces_[i - 1])) {
      if (pieces_[i].row != nullptr) verify(pieces_[i], base::checksum({at, bytes_of(pieces_[i])}));
      for (const auto* want : pieces_[i].wants)
        place(leaf_of(pieces_[i]), pieces_[i].box, at, *want, worker.copies ? &*worker.copies : nullptr);
    }
    if (worker.copies) worker.copies->wait();
  }

  bool goes_to_device(const Piece& piece) const {
    return on_device_ && std::any_of(piece.wants.begin(), piece.wants.end(),
                                     [](const Want* want) { return device::is_device(want->data); });
  }

  /// Whether one want takes the whole piece, and no value of it must be converted.
  bool wanted_as_stored(const Piece& piece) const noexcept {
    const auto& want = *piece.wants[0];
    const bool same = want.dtype == leaf_of(piece).dtype || want.dtype == Dtype::none;
    return same && piece.wants.size() == 1 && tree::contains(want.box, piece.box);
  }

  std::vector<tree::Extent> extents_of(Worker& worker, std::uint32_t number, const tree::Box& box) const {
    const auto& leaf = (*job_->leaves)[number];
    if (worker.leaf != &leaf) {
      worker.leaf = &leaf;
      worker.finder.emplace(leaf);
    }
    auto extents = (*worker.finder)(box);
    std::uint64_t bytes = 0;
    for (const auto& extent : extents) bytes += extent.bytes;
    if (bytes != tree::product(box.count) * leaf.element_bytes)
      throw Error(ErrorCode::corrupt,
                  "the file's index has no place for " + leaf.path + " " + tree::to_string(box) +
                      "; load another checkpoint",
                  0, -1, file_->name());
    return extents;
  }

  void verify(const Piece& piece, std::uint64_t checksum) {
    if (piece.row == nullptr) return;
    if (checksum != piece.row->checksum)
      throw Error(ErrorCode::corrupt,
                  leaf_of(piece).path + " " + tree::to_string(piece.box) + ", written by rank " +
                      std::to_string(piece.row->rank) + ", is damaged in " + file_->name().string() +
                      ": its checksum is wrong; load another checkpoint",
                  0, -1, file_->name());
    verified_ += bytes_of(piece);
  }

  const base::File* file_;
  const ReadJob* job_;
  std::vector<Piece> pieces_;
  bool on_device_ = false;  // any want is in a device's memory
  std::atomic<std::uint64_t> verified_{0};
};

}  // namespace

ReadResult read(const base::File& file, const ReadJob& job, const IoOptions& options) {
  return BlockReader(file, job).read(options);
}

}  // namespace cairn::io
