#pragma once

#include "device/memory.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

namespace cairn::io {

/// The size of a page of memory, and at least 4 KiB: what O_DIRECT transfers are cut to, in the file and in
/// memory.
std::uint64_t page_bytes() noexcept;

/// Memory that is reused from block to block. One thread at a time.
class Buffer {
 public:
  /// `bytes` bytes, whose address is congruent to `offset` modulo `page_bytes()`. What was taken before is
  /// gone.
  std::span<std::byte> take(std::uint64_t bytes, std::uint64_t offset = 0);
  /// The same, pinned for the copies of a device.
  std::span<std::byte> take_pinned(std::uint64_t bytes, std::uint64_t offset = 0);

 private:
  struct Free {
    void operator()(std::byte* memory) const noexcept { std::free(memory); }
  };
  std::unique_ptr<std::byte, Free> memory_;
  std::uint64_t capacity_ = 0;
  device::Pinned pinned_;  // of the memory; goes first
  bool is_pinned_ = false;
};

}  // namespace cairn::io
