#pragma once

#include "base/pages.hpp"
#include "device/memory.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

namespace cairn::io {

/// Host memory for snapshots, kept from save to save. It is taken from the system in chunks, and a chunk is
/// used again once all that was taken from it is given back. Any threads at once.
class StagingPool {
  struct Chunk;

 public:
  /// A piece of the pool, given back by the destructor. Must not outlive the pool.
  class Piece {
   public:
    Piece() = default;
    Piece(Piece&& other) noexcept;
    Piece& operator=(Piece&& other) noexcept;
    ~Piece();
    std::span<std::byte> bytes() const noexcept { return bytes_; }

   private:
    friend class StagingPool;
    StagingPool* pool_ = nullptr;
    Chunk* chunk_ = nullptr;
    std::span<std::byte> bytes_;
  };

  StagingPool();
  ~StagingPool();
  StagingPool(const StagingPool&) = delete;
  StagingPool& operator=(const StagingPool&) = delete;

  /// Of all chunks together; 0: as much as is asked for. Chunks beyond it are not given up before `trim`.
  void set_bound(std::uint64_t bytes);
  /// All chunks, also later ones, are pinned for the copies of a device. For good.
  void pin();
  /// `bytes` bytes whose address is congruent to `offset` modulo `page_bytes()`; nullopt where the bound, or
  /// the system's memory, does not allow it now.
  std::optional<Piece> try_take(std::uint64_t bytes, std::uint64_t offset);
  /// Gives unused chunks back to the system, but keeps as much as was in use at once since the last trim or
  /// the one before it.
  void trim() noexcept;
  std::uint64_t bytes() const;  // of all chunks

 private:
  /// Memory from which pieces are cut, one after another.
  struct Chunk {
    base::Pages pages;
    device::Pinned pinned;
    std::uint64_t used = 0;
    std::size_t pieces = 0;  // that are out
  };

  std::optional<Piece> cut(Chunk& chunk, std::uint64_t bytes, std::uint64_t offset);
  void give_back(Chunk& chunk) noexcept;
  std::uint64_t in_use() const noexcept;
  void give_up_unused(std::uint64_t keep) noexcept;

  mutable std::mutex mutex_;
  std::list<Chunk> chunks_;
  std::uint64_t bound_ = 0;
  bool pins_ = false;
  std::uint64_t total_ = 0;                   // bytes of all chunks
  std::uint64_t peak_ = 0, peak_before_ = 0;  // bytes of chunks in use at once
};

}  // namespace cairn::io
