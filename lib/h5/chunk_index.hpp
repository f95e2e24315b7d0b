#pragma once

#include "cairn/slab.hpp"
#include "h5/image.hpp"

#include <cstdint>
#include <span>
#include <vector>

#include <hdf5.h>

namespace cairn::h5 {

/// Where each chunk of a dataset lies, in row-major order of the grid of `cell`s over `shape`, read from the
/// dataset's index (a version 1 B-tree: docs/format.md) in one pass: HDF5 1.10 has only calls that walk the
/// index again for every chunk. `image`: what the dataset's file was opened with. Error(internal) where the
/// index is not that of an allocated, unfiltered grid of these cells.
std::vector<std::uint64_t> chunk_offsets(const Image& image, hid_t dataset, const Dims& shape,
                                         const Dims& cell, std::uint64_t element_bytes);

/// Has `image` remember a node of a B-tree at `address` if it is one where `chunk_offsets` starts.
void note_chunk_node(Image& image, std::uint64_t address, std::span<const std::byte> node);

}  // namespace cairn::h5
