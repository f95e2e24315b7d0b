#pragma once

#include "base/checksum.hpp"
#include "base/storage.hpp"
#include "cairn/options.hpp"
#include "io/thread_count.hpp"
#include "plan/plan.hpp"
#include "tree/layout.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

/// The write stage of one rank: each block is staged, checksummed and written. Nothing here is collective but
/// what says so.
namespace cairn::io {

/// A packed block in memory, and where its bytes belong.
struct Staged {
  const tree::StoredLeaf* leaf = nullptr;
  tree::Box box = {};
  std::span<const std::byte> packed = {};
  std::vector<tree::Extent> extents = {};
};

/// Where staged blocks go. `put`, `put_all` and `put_rows` may be called from several threads at once where
/// `concurrent()` says so.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual bool concurrent() const noexcept = 0;
  /// How a large block is best put.
  enum class Preference {
    whole,    // at once
    pieces,   // piece by piece, each while it is still in the cache
    aligned,  // at once where its memory is congruent to the file offset of its extent modulo `page_bytes()`;
              // else piece by piece
  };
  virtual Preference preference() const noexcept = 0;
  /// A packed block and where its bytes belong. Blocks of one file never overlap.
  virtual void put(const tree::StoredLeaf& leaf, const tree::Box& box, std::span<const std::byte> packed,
                   std::span<const tree::Extent> extents) = 0;
  /// Small blocks that were staged one after another in one buffer.
  virtual void put_all(std::span<const Staged> blocks) {
    for (const auto& block : blocks) put(*block.leaf, block.box, block.packed, block.extents);
  }
  /// Bytes of the block table.
  virtual void put_rows(std::uint64_t file_offset, std::span<const std::byte> bytes) = 0;
  /// Everything is on the disk (fsync, once, through the descriptors that wrote) if options.fsync, and
  /// closed.
  virtual void finish() = 0;
};

/// `pwrite` by several threads: O_DIRECT for the page-aligned interior of large extents, buffered edges
/// (O_DSYNC on NFS), early write-back. Opens its descriptors here, for an existing file. The first error of
/// a descriptor is thrown by every later use of it. Any threads at once, but for `finish`.
std::unique_ptr<Sink> open_direct_sink(const base::File& directory, const std::string& file_name,
                                       const IoOptions& options);

/// Parallel HDF5 over MPI_COMM_SELF, independent. On the caller's thread.
std::unique_ptr<Sink> open_mpio_sink(const base::File& directory, const std::filesystem::path& file_path,
                                     const IoOptions& options);

struct WriteJob {
  const std::vector<tree::StoredLeaf>* leaves = nullptr;  // with tilings
  std::span<const plan::Block> blocks;                    // ordered by leaf
  int rank = 0;
  bool checksums = true;
  tree::RowFormat row_format = {};
  std::uint64_t table_offset = 0;          // of the whole table in the file
  std::uint64_t first_row = 0;             // of this rank's section
  int device = -1;                         // of `device::current_device()` in the thread of the program
  void* device_stream = nullptr;           // of the caller
  std::uint64_t pinned_bytes = 64u << 20;  // for blocks in a device's memory
};

struct Written {
  std::uint64_t bytes = 0;
  base::Digest rows = {};  // the sum of `row_digest` over this rank's rows
};

/// Stages, checksums and writes all blocks and this rank's rows, then finishes the sink. Stops at the first
/// failure and throws it; the sink is then of no more use. A block of no bytes is passed over and has no row.
/// Blocks are read once, while this runs, by up to `thread_count` threads, each of which holds one buffer of
/// the largest block.
Written write_blocks(Sink& sink, const WriteJob& job, const IoOptions& options);

/// Parallel HDF5 over the whole communicator with collective transfers, for arrays large enough to gain by
/// it; small ones, and those with a tile a shard, are written independently. Collective over `comm`, and
/// without a deadline. What it wrote is read back and its checksums compared, since collective MPI-IO may
/// report success for bytes that were never written: Error(corrupt) names the array and the box.
Written write_collective(comm::Communicator& comm, const base::File& directory,
                         const std::filesystem::path& file_path, const WriteJob& job,
                         const IoOptions& options);

/// The digest of one encoded row at `row` of the table: XXH3-128 seeded with the row's number. A table's
/// digest is the sum over its rows that are not padding, so that each rank knows its part.
base::Digest row_digest(std::span<const std::byte> encoded, std::uint64_t row) noexcept;

}  // namespace cairn::io
