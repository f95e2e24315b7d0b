#include "cairn/error.hpp"
#include "comm/communicator.hpp"
#include "h5/parallel_file.hpp"
#include "io/block_writer.hpp"
#include "io/fresh_reader.hpp"
#include "io/write.hpp"

#include <algorithm>
#include <exception>
#include <optional>
#include <vector>

#include <fcntl.h>

namespace cairn::io {
namespace {

constexpr std::uint64_t kMostATransfer = 1u
                                         << 30;  // larger ones ParallelFile would split, each rank otherwise
constexpr std::uint64_t kWorthCollective = 1u << 20;

/// Whether an array is written collectively: every rank then writes into the same dataset at once. The same
/// on every rank.
bool is_collective(const tree::StoredLeaf& leaf) noexcept {
  return (leaf.tiling.kind == tree::TileKind::one || leaf.tiling.kind == tree::TileKind::grid) &&
         leaf.shape.ndims() > 0 && leaf.bytes() >= kWorthCollective;
}

std::vector<tree::Box> transfers(const tree::StoredLeaf& leaf, const tree::Box& box) {
  return tree::cut(box, kMostATransfer / leaf.element_bytes);
}

/// Keeps every rank in step: all make the same number of transfers of each array, in order, with empty boxes
/// where a rank has no more blocks, or has failed.
class CollectiveSink final : public Sink {
 public:
  /// Collective. `rounds`: how many transfers each leaf takes, the same on every rank.
  CollectiveSink(comm::Communicator& comm, const std::filesystem::path& path,
                 const std::vector<tree::StoredLeaf>& leaves, std::vector<std::uint64_t> rounds,
                 const IoOptions& options)
      : fsync_(options.fsync),
        leaves_(&leaves),
        rounds_(std::move(rounds)),
        file_(path, {comm.handle(), true, options.hints}) {}

  bool concurrent() const noexcept override { return false; }
  Preference preference() const noexcept override { return Preference::whole; }

  void put(const tree::StoredLeaf& leaf, const tree::Box& box, std::span<const std::byte> packed,
           std::span<const tree::Extent> extents) override {
    const auto number = static_cast<std::size_t>(&leaf - leaves_->data());
    idle_until(number);
    written_.push_back({&leaf, box, {extents.begin(), extents.end()}, base::checksum(packed)});
    for (const auto& piece : transfers(leaf, box)) {
      const auto bytes = tree::product(piece.count) * leaf.element_bytes;
      --rounds_[number];
      file_.write(leaf, piece, packed.first(bytes));
      packed = packed.subspan(bytes);
    }
  }
  void put_rows(std::uint64_t, std::span<const std::byte>) override {
    throw Error(ErrorCode::internal, "rows are not written collectively; please report this");
  }
  /// Collective: also after a failure, so that no other rank is left waiting.
  void finish() override {
    std::exception_ptr failure;
    try {
      idle_until(rounds_.size());
    } catch (...) {
      failure = std::current_exception();
    }
    file_.close(fsync_);
    if (failure) std::rethrow_exception(failure);
  }

  /// Reads back what this rank wrote. Error(corrupt).
  void verify(const base::File& directory, const std::string& name) const {
    if (written_.empty()) return;
    const FreshReader reader(directory, name);
    Buffer buffer;
    for (const auto& block : written_) {
      const auto packed = buffer.take(tree::product(block.box.count) * block.leaf->element_bytes,
                                      block.extents[0].file_offset);
      for (const auto& extent : block.extents)
        reader.read(packed.subspan(extent.box_offset, extent.bytes), extent.file_offset);
      if (base::checksum(packed) != block.checksum)
        throw Error(ErrorCode::corrupt,
                    "collective MPI-IO reported success, but " + block.leaf->path + " " +
                        tree::to_string(block.box) +
                        " is not what was written; use the direct writer, or mpio without `collective`",
                    0, -1, directory.name() / name);
    }
  }

 private:
  struct Block {
    const tree::StoredLeaf* leaf;
    tree::Box box;
    std::vector<tree::Extent> extents;
    std::uint64_t checksum;
  };

  /// Takes part, with nothing, in what is left of the leaves before `end`. Goes on after a failure, and
  /// throws the first.
  void idle_until(std::size_t end) {
    std::exception_ptr failure;
    for (; leaf_ < end; ++leaf_)
      while (rounds_[leaf_] > 0) {
        --rounds_[leaf_];
        const auto& leaf = (*leaves_)[leaf_];
        auto empty = tree::whole(leaf.shape);
        empty.count[0] = 0;
        try {
          file_.write(leaf, empty, {});
        } catch (...) {
          if (!failure) failure = std::current_exception();
        }
      }
    if (failure) std::rethrow_exception(failure);
  }

  bool fsync_;
  const std::vector<tree::StoredLeaf>* leaves_;
  std::vector<std::uint64_t> rounds_;
  std::size_t leaf_ = 0;
  h5::ParallelFile file_;
  std::vector<Block> written_;
};

std::vector<std::uint64_t> own_rounds(const WriteJob& job) {
  std::vector<std::uint64_t> rounds(job.leaves->size(), 0);
  for (const auto& block : job.blocks) {
    const auto& leaf = (*job.leaves)[block.leaf];
    if (is_collective(leaf)) rounds[block.leaf] += transfers(leaf, block.box).size();
  }
  return rounds;
}

/// The collective part. What goes wrong on this rank alone is thrown when no rank waits for it any more.
void put_collectively(comm::Communicator& comm, const base::File& directory,
                      const std::filesystem::path& path, const WriteJob& job, const IoOptions& options,
                      BlockWriter& writer) {
  comm.agree("open for collective writing",
             [&] { return base::open_file(&directory, path.filename(), O_RDWR).close(); });
  auto rounds = *comm.max("collective transfers", own_rounds(job));
  CollectiveSink sink(comm, path, *job.leaves, std::move(rounds), options);
  std::exception_ptr failure;
  try {
    writer.put_blocks(sink, 1, is_collective);
  } catch (...) {
    failure = std::current_exception();
  }
  try {
    sink.finish();
  } catch (...) {
    if (!failure) failure = std::current_exception();
  }
  if (failure) std::rethrow_exception(failure);
  sink.verify(directory, path.filename());
}

}  // namespace

Written write_collective(comm::Communicator& comm, const base::File& directory,
                         const std::filesystem::path& file_path, const WriteJob& job,
                         const IoOptions& options) {
  BlockWriter writer(job);
  if (std::any_of(job.leaves->begin(), job.leaves->end(), is_collective))
    put_collectively(comm, directory, file_path, job, options, writer);
  const auto alone = [](const tree::StoredLeaf& leaf) { return !is_collective(leaf); };
  const auto sink = open_mpio_sink(directory, file_path, options);
  writer.put_blocks(*sink, 1, alone);
  const auto rows = writer.put_rows(*sink);
  sink->finish();
  return {writer.bytes(), rows};
}

}  // namespace cairn::io
