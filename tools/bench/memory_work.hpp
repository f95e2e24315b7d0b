#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace cairn::bench {

/// What a snapshot is compared with, and what a program does meanwhile. Its memory has been touched.
class MemoryWork {
 public:
  explicit MemoryWork(std::uint64_t bytes) : from_(bytes, std::byte{1}), to_(bytes), field_(kPoints, 1.0) {}

  /// One memcpy of all the bytes.
  void copy();
  /// Steps of a small stencil, of a fixed number, that stay in the cache of a core: about a fifth of a
  /// second.
  void compute();

 private:
  static constexpr std::size_t kPoints = 1 << 14;
  std::vector<std::byte> from_, to_;
  std::vector<double> field_;
};

}  // namespace cairn::bench
