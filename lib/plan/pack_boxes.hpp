#pragma once

#include "base/pack.hpp"
#include "tree/box.hpp"

namespace cairn::plan {

inline void pack_box(base::Packer& packer, const tree::Box& box) {
  packer.u64(box.ndims());
  for (std::size_t dim = 0; dim < box.ndims(); ++dim) {
    packer.u64(static_cast<std::uint64_t>(box.start[dim]));
    packer.u64(static_cast<std::uint64_t>(box.count[dim]));
  }
}

inline tree::Box unpack_box(base::Unpacker& unpacker) {
  tree::Box box;
  for (auto ndims = unpacker.u64(); ndims > 0; --ndims) {
    box.start.push_back(unpacker.u64());
    box.count.push_back(unpacker.u64());
  }
  return box;
}

}  // namespace cairn::plan
