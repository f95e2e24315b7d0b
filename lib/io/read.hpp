#pragma once

#include "base/storage.hpp"
#include "cairn/load.hpp"
#include "cairn/options.hpp"
#include "device/memory.hpp"
#include "tree/layout.hpp"

#include <cstdint>
#include <span>
#include <vector>

/// The read stage of one rank. Not collective.
namespace cairn::io {

/// One box that this rank wants, and the memory for it.
struct Want {
  std::uint32_t leaf = 0;  // in ReadJob::leaves
  tree::Box box = {};
  std::byte* data = nullptr;  // the element at box.start
  Dims strides = {};          // of the memory, in elements
  Dtype dtype = Dtype::none;  // of the memory: where it differs from the leaf's, values are converted; none:
                              // as the leaf's
  Cast cast = Cast::never;
};

struct ReadJob {
  const std::vector<tree::StoredLeaf>* leaves = nullptr;
  std::span<const tree::BlockRow> rows;  // of the wanted leaves, ordered by leaf; empty: no checksums
  std::span<const Want> wants;
  Verify verify = Verify::blocks;
  int device = -1;                // of `device::current_device()` in the thread of the program
  void* device_stream = nullptr;  // of the caller, where wants are in a device's memory
  std::uint64_t pinned_bytes = 64u << 20;
};

struct ReadResult {
  std::uint64_t bytes = 0;           // read from the file
  std::uint64_t verified_bytes = 0;  // of which a checksum was compared
};

/// Reads exactly the bytes of each wanted box (with `full`: of each block that it touches) and verifies each
/// block that is read whole. Straight into the caller's memory where it can, on several threads; the memories
/// of wants must not overlap. Error(corrupt) names the array, the box and the writing rank, or an array that
/// the rows given do not cover; Error(mismatch) where a conversion does not exist or is out of range. After
/// an error the memories are undefined.
ReadResult read(const base::File& file, const ReadJob& job, const IoOptions& options);

/// Puts what `box` of a leaf, whose bytes as in the file are at `packed`, shares with a want into the want's
/// memory, converted. Error(mismatch) as above. A want in a device's memory has its values once `copies`
/// are waited for, and `packed` must stay until then; without `copies`, at once.
void place(const tree::StoredLeaf& leaf, const tree::Box& box, const std::byte* packed, const Want& want,
           device::Copies* copies = nullptr);

}  // namespace cairn::io
