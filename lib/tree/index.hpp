#pragma once

#include "tree/layout.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace cairn::tree {

/// The index of a file, `/_cairn/index`: JSON that says for each leaf its path, kind, dtype, element bytes,
/// shape, rows and tiles (docs/format.md). Reading needs no HDF5.
std::string encode_index(const std::vector<StoredLeaf>& leaves);
/// Error(corrupt) on anything that is not such an index, overlapping or out-of-file tiles included
/// (`file_bytes`).
std::vector<StoredLeaf> decode_index(std::string_view json, std::uint64_t file_bytes);

/// The same as compact binary, for sending between ranks.
std::string pack_leaves(const std::vector<StoredLeaf>& leaves);
std::vector<StoredLeaf> unpack_leaves(std::string_view bytes);
/// Only the tilings, for ranks that know the rest.
std::string pack_tilings(const std::vector<StoredLeaf>& leaves);
void unpack_tilings(std::string_view bytes, std::vector<StoredLeaf>& leaves);

}  // namespace cairn::tree
