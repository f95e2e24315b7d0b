#include "cairn/error.hpp"
#include "io/buffer.hpp"
#include "io/channel.hpp"
#include "io/write.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <optional>
#include <utility>

#include <fcntl.h>

namespace cairn::io {
namespace {

constexpr std::uint64_t kDirectMin = 1u << 20;       // a shorter extent is written buffered
constexpr std::uint64_t kWriteBackBytes = 8u << 20;  // buffered bytes after which the disk is set to work

/// Buffered bytes not yet on their way to the disk.
class WriteBack {
 public:
  void add(const base::File& file, std::uint64_t offset, std::uint64_t bytes) {
    std::uint64_t first = 0, last = 0;
    {
      const std::lock_guard lock(mutex_);
      first_ = std::min(first_, offset);
      last_ = std::max(last_, offset + bytes);
      bytes_ += bytes;
      if (bytes_ < kWriteBackBytes) return;
      first = std::exchange(first_, ~std::uint64_t{0});
      last = std::exchange(last_, 0);
      bytes_ = 0;
    }
    base::start_write_back(file, first, last - first);
  }

 private:
  std::mutex mutex_;
  std::uint64_t first_ = ~std::uint64_t{0}, last_ = 0, bytes_ = 0;
};

class DirectSink final : public Sink {
 public:
  DirectSink(const base::File& directory, const std::string& name, const IoOptions& options)
      : fsync_(options.fsync), buffered_(base::open_file(&directory, name, O_WRONLY)) {
    if (base::is_network_file_system(buffered_.file()))
      edges_.emplace(base::open_file(&directory, name, O_WRONLY | O_DSYNC));
    if (options.odirect) open_direct(directory, name);
  }

  bool concurrent() const noexcept override { return true; }
  Preference preference() const noexcept override {
    return direct_works_ ? Preference::aligned : Preference::pieces;
  }

  void put(const tree::StoredLeaf&, const tree::Box&, std::span<const std::byte> packed,
           std::span<const tree::Extent> extents) override {
    for (const auto& extent : extents)
      write(packed.subspan(extent.box_offset, extent.bytes), extent.file_offset);
  }

  void put_all(std::span<const Staged> blocks) override {
    // One write for what follows one another in the file and in memory.
    std::span<const std::byte> run;
    std::uint64_t offset = 0;
    for (const auto& block : blocks)
      for (const auto& extent : block.extents) {
        const auto piece = block.packed.subspan(extent.box_offset, extent.bytes);
        if (run.data() + run.size() == piece.data() && offset + run.size() == extent.file_offset) {
          run = {run.data(), run.size() + piece.size()};
          continue;
        }
        write(run, offset);
        run = piece;
        offset = extent.file_offset;
      }
    write(run, offset);
  }

  void put_rows(std::uint64_t file_offset, std::span<const std::byte> bytes) override {
    write(bytes, file_offset);
  }

  void finish() override {
    if (finished_) throw Error(ErrorCode::internal, "a file was finished twice; please report this");
    finished_ = true;
    // A write-back error is told once to each descriptor that was open: each is asked, once.
    if (direct_) direct_->finish(fsync_);
    if (edges_) edges_->finish(fsync_);
    buffered_.finish(fsync_);
  }

 private:
  void open_direct(const base::File& directory, const std::string& name) {
    try {
      direct_.emplace(base::open_file(&directory, name, O_WRONLY | O_DIRECT));
      direct_works_ = true;
    } catch (const Error& error) {
      if (error.system_error() != EINVAL && error.system_error() != EOPNOTSUPP) throw;
    }
  }

  void write(std::span<const std::byte> bytes, std::uint64_t offset) {
    const auto page = page_bytes();
    const auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
    const bool direct = bytes.size() >= kDirectMin && direct_works_ && address % page == offset % page;
    if (!direct && !edges_) {
      write_buffered(bytes, offset);
      return;
    }
    // Cut at the pages of the file: what of a page belongs to somebody else is neither read nor written.
    const auto head = std::min<std::uint64_t>((page - offset % page) % page, bytes.size());
    const auto interior = (bytes.size() - head) / page * page;
    write_edge(bytes.first(head), offset);
    write_interior(bytes.subspan(head, interior), offset + head, direct);
    write_edge(bytes.subspan(head + interior), offset + head + interior);
  }

  void write_interior(std::span<const std::byte> bytes, std::uint64_t offset, bool direct) {
    if (direct) {
      if (direct_->try_write(bytes, offset)) return;
      direct_works_ = false;
    }
    write_buffered(bytes, offset);
  }

  void write_edge(std::span<const std::byte> bytes, std::uint64_t offset) {
    if (edges_)
      edges_->write(bytes, offset);
    else
      write_buffered(bytes, offset);
  }

  void write_buffered(std::span<const std::byte> bytes, std::uint64_t offset) {
    buffered_.write(bytes, offset);
    if (fsync_) write_back_.add(buffered_.file(), offset, bytes.size());
  }

  bool fsync_;
  bool finished_ = false;
  std::atomic<bool> direct_works_{false};
  Channel buffered_;
  std::optional<Channel> edges_;  // where a buffered write is widened to its page
  std::optional<Channel> direct_;
  WriteBack write_back_;
};

}  // namespace

std::unique_ptr<Sink> open_direct_sink(const base::File& directory, const std::string& file_name,
                                       const IoOptions& options) {
  return std::make_unique<DirectSink>(directory, file_name, options);
}

}  // namespace cairn::io
