#include "io/staging_pool.hpp"

#include "io/buffer.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace cairn::io {
namespace {

/// Of a chunk, where the bound allows it and no piece needs more: a multiple of huge pages.
constexpr std::uint64_t kChunkBytes = 64u << 20;

}  // namespace

StagingPool::Piece::Piece(Piece&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)), chunk_(other.chunk_), bytes_(other.bytes_) {}

StagingPool::Piece& StagingPool::Piece::operator=(Piece&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(chunk_, other.chunk_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

StagingPool::Piece::~Piece() {
  if (pool_ != nullptr) pool_->give_back(*chunk_);
}

StagingPool::StagingPool() = default;
StagingPool::~StagingPool() = default;

void StagingPool::set_bound(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  bound_ = bytes;
  if (bound_ > 0 && total_ > bound_) give_up_unused(bound_);
}

void StagingPool::pin() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(pins_, true)) return;
  for (auto& chunk : chunks_) chunk.pinned = device::Pinned(chunk.pages.bytes());
}

std::optional<StagingPool::Piece> StagingPool::try_take(std::uint64_t bytes, std::uint64_t offset) {
  const std::lock_guard lock(mutex_);
  // The fullest first would pack tighter; the one cut last is the one whose pages are at hand.
  for (auto chunk = chunks_.rbegin(); chunk != chunks_.rend(); ++chunk)
    if (auto piece = cut(*chunk, bytes, offset)) return piece;

  const auto page = page_bytes();
  const auto needed = (bytes + offset % page + page - 1) / page * page;
  auto size = std::max(kChunkBytes, needed);
  if (bound_ > 0) {
    const auto left = bound_ > total_ ? bound_ - total_ : 0;
    if (needed > left) return std::nullopt;
    size = std::min(size, left);
  }
  try {
    chunks_.push_back({base::Pages(size), {}, 0, 0});
    if (pins_) chunks_.back().pinned = device::Pinned(chunks_.back().pages.bytes());
  } catch (const std::bad_alloc&) {
    return std::nullopt;
  }
  total_ += size;
  return cut(chunks_.back(), bytes, offset);
}

std::optional<StagingPool::Piece> StagingPool::cut(Chunk& chunk, std::uint64_t bytes, std::uint64_t offset) {
  const auto page = page_bytes();
  const auto memory = chunk.pages.bytes();
  // Chunks begin on a page.
  const auto start = chunk.used + (offset % page + page - chunk.used % page) % page;
  if (start > memory.size() || bytes > memory.size() - start) return std::nullopt;
  chunk.used = start + bytes;
  if (chunk.pieces++ == 0) peak_ = std::max(peak_, in_use());
  Piece piece;
  piece.pool_ = this;
  piece.chunk_ = &chunk;
  piece.bytes_ = memory.subspan(start, bytes);
  return piece;
}

void StagingPool::give_back(Chunk& chunk) noexcept {
  const std::lock_guard lock(mutex_);
  if (--chunk.pieces == 0) chunk.used = 0;
}

void StagingPool::trim() noexcept {
  const std::lock_guard lock(mutex_);
  give_up_unused(std::max(peak_, peak_before_));
  peak_before_ = std::exchange(peak_, in_use());
}

std::uint64_t StagingPool::bytes() const {
  const std::lock_guard lock(mutex_);
  return total_;
}

std::uint64_t StagingPool::in_use() const noexcept {
  std::uint64_t bytes = 0;
  for (const auto& chunk : chunks_)
    if (chunk.pieces > 0) bytes += chunk.pages.bytes().size();
  return bytes;
}

void StagingPool::give_up_unused(std::uint64_t keep) noexcept {
  for (auto chunk = chunks_.begin(); chunk != chunks_.end() && total_ > keep;) {
    if (chunk->pieces > 0) {
      ++chunk;
      continue;
    }
    total_ -= chunk->pages.bytes().size();
    chunk = chunks_.erase(chunk);
  }
}

}  // namespace cairn::io
