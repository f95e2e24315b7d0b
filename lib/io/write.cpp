#include "io/write.hpp"

#include "io/block_writer.hpp"

namespace cairn::io {

base::Digest row_digest(std::span<const std::byte> encoded, std::uint64_t row) noexcept {
  return base::digest(encoded, row);
}

Written write_blocks(Sink& sink, const WriteJob& job, const IoOptions& options) {
  BlockWriter writer(job);
  writer.put_blocks(sink, thread_count(options), [](const tree::StoredLeaf&) { return true; });
  const auto rows = writer.put_rows(sink);
  sink.finish();
  return {writer.bytes(), rows};
}

}  // namespace cairn::io
