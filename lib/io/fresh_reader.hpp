#pragma once

#include "base/storage.hpp"

#include <optional>
#include <span>
#include <string>

namespace cairn::io {

/// Reads a file past the page cache where it can, so that what it sees is what the file holds and not what a
/// writer of this node has yet to write. Opens its descriptors anew. Any thread.
class FreshReader {
 public:
  FreshReader(const base::File& directory, const std::string& name);
  /// All of `bytes` at `offset`; past the cache for the whole pages of memory that is congruent to the
  /// offset.
  void read(std::span<std::byte> bytes, std::uint64_t offset) const;

 private:
  base::File buffered_;
  std::optional<base::File> direct_;
};

}  // namespace cairn::io
