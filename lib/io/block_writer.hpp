#pragma once

#include "device/memory.hpp"
#include "io/buffer.hpp"
#include "io/pace.hpp"
#include "io/staging_pool.hpp"
#include "io/write.hpp"

#include <functional>
#include <optional>
#include <vector>

namespace cairn::io {

/// Stages and checksums the blocks of a job, puts them into a sink, and makes their rows of the block table.
/// Refers to the job and to what it refers to. Not collective.
class BlockWriter {
 public:
  explicit BlockWriter(const WriteJob& job);

  /// Whether any block is in a device's memory: such blocks are copied to pinned memory first.
  bool reads_device() const noexcept { return !on_device_.empty(); }
  /// Of all blocks.
  std::uint64_t bytes() const noexcept { return bytes_; }
  using Pick = std::function<bool(const tree::StoredLeaf&)>;

  /// The blocks of the leaves that `wanted` picks, in order where the sink is not concurrent. Throws the
  /// first failure, with all threads stopped.
  void put_blocks(Sink& sink, int threads, const Pick& wanted, Pace* pace = nullptr);

  /// In two parts: first copies the blocks into the pool, and puts those into the sink at once for which
  /// there is no memory. Afterwards the caller may change its own.
  void stage(Sink& sink, StagingPool& pool, int threads);
  /// Then puts what was staged, and gives the memory back piece by piece. The pool must still be there.
  void put_staged(Sink& sink, int threads, Pace* pace = nullptr);
  /// Gives back the memory of what will not be put.
  void drop_staged() noexcept { staged_.clear(); }

  /// Notes the blocks' checksums as they are now: a block that has another one when it is put was changed
  /// meanwhile, which is Error(invalid_argument).
  void note_checksums(int threads);

  /// The rows of all blocks, once all have been put; nothing where checksums are off. Their digest.
  base::Digest put_rows(Sink& sink);

 private:
  /// Blocks that are staged and put at once.
  struct Unit {
    std::vector<std::size_t> blocks;
    std::uint64_t bytes = 0;
    StagingPool::Piece staged = {};  // the blocks one after another, once staged
  };
  /// What one thread holds on to from unit to unit.
  struct Worker {
    bool has_device = false;
    Buffer buffer;
    std::vector<Staged> staged;
    const tree::StoredLeaf* leaf = nullptr;  // of `finder`
    std::optional<tree::ExtentFinder> finder;
    base::StreamingChecksum checksum;
    std::optional<device::Copies> copies;
    std::vector<std::span<std::byte>> runs;
  };

  std::vector<Unit> make_units(const Pick& wanted) const;
  void run(int threads, std::vector<Unit>& units, const std::function<void(Worker&, Unit&)>& step) const;
  bool try_stage(StagingPool& pool, Worker& worker, Unit& unit);
  std::uint64_t checksum_of(Worker& worker, std::size_t block) const;
  template <class Use>
  void for_each_piece(Worker& worker, std::size_t block, const Use& use) const;
  void put(Sink& sink, Worker& worker, const Unit& unit);
  void put_one(Sink& sink, Worker& worker, std::size_t block);
  void put_in_pieces(Sink& sink, Worker& worker, std::size_t block);
  void put_together(Sink& sink, Worker& worker, const Unit& unit);
  std::vector<tree::Extent> extents_of(Worker& worker, const plan::Block& block) const;
  void gather(Worker& worker, std::span<std::byte> memory, const plan::Block& block, bool on_device) const;
  void gather_past_caches(Worker& worker, std::span<std::byte> memory, const plan::Block& block) const;
  static void finish_gathering(Worker& worker);
  std::span<std::byte> take(Worker& worker, std::uint64_t bytes, std::uint64_t offset, bool on_device) const;
  bool is_staged(const plan::Block& block) const noexcept;
  bool is_on_device(std::size_t block) const noexcept { return !on_device_.empty() && on_device_[block]; }
  std::uint64_t bytes_of(const plan::Block& block) const noexcept;
  const tree::StoredLeaf& leaf_of(const plan::Block& block) const noexcept;
  bool needs_checksum() const noexcept { return job_->checksums || !noted_.empty(); }
  void make_row(std::size_t block, std::uint64_t checksum);
  std::span<std::byte> row(std::size_t block);

  const WriteJob* job_;
  std::vector<const plan::Block*> blocks_;  // those that have bytes
  std::vector<bool> on_device_;             // of `blocks_`; empty: none is
  std::vector<std::byte> rows_;
  std::vector<plan::Block> staged_blocks_;  // what `blocks_` points at, once staged
  std::vector<Unit> staged_;
  std::vector<std::uint64_t> noted_;  // checksums, by block; empty: none
  std::uint64_t bytes_ = 0;
};

}  // namespace cairn::io
