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
    memory_.reset();
    capacity_ = 0;
    memory_.reset(static_cast<std::byte*>(std::aligned_alloc(page, needed)));
    if (!memory_) throw std::bad_alloc();
    capacity_ = needed;
  }
  return {memory_.get() + offset % page, bytes};
}

}  // namespace cairn::io
