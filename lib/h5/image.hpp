#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>

namespace cairn::h5 {

/// The bytes of a file, in memory and sparse: only what was written takes memory, so that a file of terabytes
/// can be laid out. What was never written reads as zeros. One thread at a time.
class Image {
 public:
  void write(std::uint64_t offset, std::span<const std::byte> bytes);
  void read(std::uint64_t offset, std::span<std::byte> bytes) const noexcept;
  std::string read(std::uint64_t offset, std::uint64_t bytes) const;

  /// The length of the file: what was last set or written beyond it.
  std::uint64_t bytes() const noexcept { return bytes_; }
  void set_bytes(std::uint64_t bytes) noexcept { bytes_ = bytes; }

  /// The ranges written so far, begin -> end, apart from one another.
  const std::map<std::uint64_t, std::uint64_t>& written() const noexcept { return written_; }

  /// Remembers the leftmost leaf of a chunk index (version 1 B-tree) that HDF5 wrote or read: where the node
  /// with this first child lies.
  void note_chunk_node(std::uint64_t first_child, std::uint64_t node) { chunk_nodes_[first_child] = node; }
  std::optional<std::uint64_t> chunk_node(std::uint64_t first_child) const;

 private:
  static constexpr std::uint64_t page_bytes = 1 << 16;
  void record(std::uint64_t begin, std::uint64_t end);

  std::unordered_map<std::uint64_t, std::unique_ptr<std::byte[]>> pages_;  // by offset / page_bytes
  std::map<std::uint64_t, std::uint64_t> written_;
  std::unordered_map<std::uint64_t, std::uint64_t> chunk_nodes_;
  std::uint64_t bytes_ = 0;
};

}  // namespace cairn::h5
