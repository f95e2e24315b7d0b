#pragma once

#include "io/buffer.hpp"
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

  /// Of all blocks.
  std::uint64_t bytes() const noexcept { return bytes_; }
  /// How many blocks of the leaves that `wanted` picks there are.
  using Pick = std::function<bool(const tree::StoredLeaf&)>;
  std::size_t count(const Pick& wanted) const;

  /// The blocks of the leaves that `wanted` picks, in order where the sink is not concurrent. Throws the
  /// first failure, with all threads stopped.
  void put_blocks(Sink& sink, int threads, const Pick& wanted);
  /// The rows of all blocks, once all have been put; nothing where checksums are off. Their digest.
  base::Digest put_rows(Sink& sink);

 private:
  /// Blocks that are staged and put at once.
  struct Unit {
    std::vector<std::size_t> blocks;
    std::uint64_t bytes = 0;
  };
  /// What one thread holds on to from unit to unit.
  struct Worker {
    Buffer buffer;
    std::vector<Staged> staged;
    const tree::StoredLeaf* leaf = nullptr;  // of `finder`
    std::optional<tree::ExtentFinder> finder;
    base::StreamingChecksum checksum;
  };

  std::vector<Unit> make_units(const Pick& wanted) const;
  void put(Sink& sink, Worker& worker, const Unit& unit);
  void put_one(Sink& sink, Worker& worker, std::size_t block);
  void put_in_pieces(Sink& sink, Worker& worker, std::size_t block);
  void put_together(Sink& sink, Worker& worker, const Unit& unit);
  std::vector<tree::Extent> extents_of(Worker& worker, const plan::Block& block) const;
  void gather(std::span<std::byte> memory, const plan::Block& block) const;
  std::uint64_t bytes_of(const plan::Block& block) const noexcept;
  const tree::StoredLeaf& leaf_of(const plan::Block& block) const noexcept;
  void make_row(std::size_t block, std::uint64_t checksum);
  std::span<std::byte> row(std::size_t block);

  const WriteJob* job_;
  std::vector<const plan::Block*> blocks_;  // those that have bytes
  std::vector<std::byte> rows_;
  std::uint64_t bytes_ = 0;
};

}  // namespace cairn::io
