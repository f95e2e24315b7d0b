#include "io/buffer.hpp"

#include <algorithm>
#include <new>

#include <unistd.h>

namespace cairn::io {

std::uint64_t page_bytes() noexcept {
  static const auto bytes = static_cast<std::uint64_t>(std::max(4096L, ::sysconf(_SC_PAGESIZE)));
  return bytes;
}

std::span<std::byte> Buffer::take(std::uint64_t bytes, std::uint64_t offset) {
  const auto page = page_bytes();
  const auto needed = (bytes + 2 * page - 1) / page * page;
  if (needed > capacity_) {
    pinned_ = {};
    is_pinned_ = false;
    memory_.reset();
    capacity_ = 0;
    memory_.reset(static_cast<std::byte*>(std::aligned_alloc(page, needed)));
    if (!memory_) throw std::bad_alloc();
    capacity_ = needed;
  }
  return {memory_.get() + offset % page, bytes};
}

std::span<std::byte> Buffer::take_pinned(std::uint64_t bytes, std::uint64_t offset) {
  const auto taken = take(bytes, offset);
  if (!is_pinned_) {
    pinned_ = device::Pinned({memory_.get(), capacity_});
    is_pinned_ = true;
  }
  return taken;
}

}  // namespace cairn::io
