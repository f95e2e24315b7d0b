#include "base/pack.hpp"
#include "tree/index.hpp"

namespace cairn::tree {

namespace {

using base::Packer;
using base::Unpacker;

void pack(Packer& packer, const Dims& dims) {
  packer.u64(dims.ndims());
  for (const auto extent : dims) packer.u64(static_cast<std::uint64_t>(extent));
}

Dims unpack_dims(Unpacker& unpacker) {
  Dims dims;
  for (auto ndims = unpacker.u64(); ndims > 0; --ndims) dims.push_back(unpacker.u64());
  return dims;
}

void pack(Packer& packer, const Tiling& tiling) {
  packer.u64(static_cast<std::uint64_t>(tiling.kind));
  if (tiling.kind == TileKind::none) return;
  if (tiling.kind == TileKind::one) return packer.u64(tiling.offset);
  pack(packer, tiling.cell);
  packer.u64(tiling.boxes.size());
  for (const auto& box : tiling.boxes) {
    pack(packer, box.start);
    pack(packer, box.count);
  }
  const auto runs = to_runs(tiling.offsets);
  packer.u64(runs.size());
  for (const auto& run : runs) {
    packer.u64(run.first);
    packer.u64(run.stride);
    packer.u64(run.count);
  }
}

Tiling unpack_tiling(Unpacker& unpacker) {
  Tiling tiling;
  tiling.kind = static_cast<TileKind>(unpacker.u64());
  if (tiling.kind == TileKind::none) return tiling;
  if (tiling.kind == TileKind::one) {
    tiling.offset = unpacker.u64();
    return tiling;
  }
  tiling.cell = unpack_dims(unpacker);
  for (auto boxes = unpacker.u64(); boxes > 0; --boxes) {
    const auto start = unpack_dims(unpacker);
    const auto count = unpack_dims(unpacker);
    tiling.boxes.push_back({start, count});
  }
  for (auto runs = unpacker.u64(); runs > 0; --runs) {
    const auto first = unpacker.u64(), stride = unpacker.u64(), count = unpacker.u64();
    for (std::uint64_t i = 0; i < count; ++i) tiling.offsets.push_back(first + stride * i);
  }
  return tiling;
}

}  // namespace

std::string pack_leaves(const std::vector<StoredLeaf>& leaves) {
  Packer packer;
  packer.u64(leaves.size());
  for (const auto& leaf : leaves) {
    packer.str(leaf.path);
    packer.u64(static_cast<std::uint64_t>(leaf.kind));
    packer.u64(static_cast<std::uint64_t>(leaf.dtype));
    packer.u64(leaf.element_bytes);
    pack(packer, leaf.shape);
    packer.u64(leaf.rows.size());
    for (const auto rows : leaf.rows) packer.u64(static_cast<std::uint64_t>(rows));
    packer.u64(leaf.fortran_order ? 1 : 0);
    pack(packer, leaf.tiling);
  }
  return std::move(packer).text();
}

std::vector<StoredLeaf> unpack_leaves(std::string_view bytes) {
  Unpacker unpacker(bytes);
  std::vector<StoredLeaf> leaves;
  for (auto count = unpacker.u64(); count > 0; --count) {
    StoredLeaf leaf;
    leaf.path = unpacker.str();
    leaf.kind = static_cast<Kind>(unpacker.u64());
    leaf.dtype = static_cast<Dtype>(unpacker.u64());
    leaf.element_bytes = unpacker.u64();
    leaf.shape = unpack_dims(unpacker);
    for (auto rows = unpacker.u64(); rows > 0; --rows) {
      leaf.rows.push_back(static_cast<std::int64_t>(unpacker.u64()));
    }
    leaf.fortran_order = unpacker.u64() != 0;
    leaf.tiling = unpack_tiling(unpacker);
    leaves.push_back(std::move(leaf));
  }
  return leaves;
}

std::string pack_tilings(const std::vector<StoredLeaf>& leaves) {
  Packer packer;
  packer.u64(leaves.size());
  for (const auto& leaf : leaves) pack(packer, leaf.tiling);
  return std::move(packer).text();
}

void unpack_tilings(std::string_view bytes, std::vector<StoredLeaf>& leaves) {
  Unpacker unpacker(bytes);
  if (unpacker.u64() != leaves.size()) {
    throw Error(ErrorCode::internal, "a message between ranks is about other arrays");
  }
  for (auto& leaf : leaves) leaf.tiling = unpack_tiling(unpacker);
}

}  // namespace cairn::tree
