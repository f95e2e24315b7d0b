#include "cairn/error.hpp"
#include "io/read.hpp"
#include "tree/convert.hpp"

#include <algorithm>
#include <optional>
#include <vector>

namespace cairn::io {
namespace {

/// Values converted at once: what they need stays in the cache.
constexpr std::uint64_t kConvertedAtOnce = 16384;

/// The element at `index` of a memory whose first element is that of `box.start`.
template <class Byte>
Byte* element(Byte* memory, const tree::Box& box, const Dims& strides, const Dims& index,
              std::uint64_t element_bytes) noexcept {
  return memory + tree::offset_between(box.start, index, strides) * static_cast<std::int64_t>(element_bytes);
}

void place_converted(const tree::StoredLeaf& leaf, const tree::Box& box, const std::byte* packed,
                     const tree::Box& common, const Want& want) {
  const auto convert = want.cast == Cast::never ? nullptr : tree::converter(leaf.dtype, want.dtype);
  if (!convert)
    throw Error(ErrorCode::mismatch, leaf.path + " is stored as " + to_string(leaf.dtype) +
                                         " and cannot be loaded as " + to_string(want.dtype) +
                                         (want.cast == Cast::never ? " unless `cast` is set" : ""));
  const auto to_bytes = size_of(want.dtype);
  const auto strides = tree::row_major_strides(box.count);
  const auto most = std::min(kConvertedAtOnce, tree::product(common.count));
  std::vector<std::byte> from(most * leaf.element_bytes), to(most * to_bytes);
  for (const auto& piece : tree::cut(common, kConvertedAtOnce)) {
    const auto dense = tree::row_major_strides(piece.count);
    tree::copy_strided(element(packed, box, strides, piece.start, leaf.element_bytes), strides, from.data(),
                       dense, piece.count, leaf.element_bytes);
    if (!convert(from.data(), to.data(), tree::product(piece.count), want.cast))
      throw Error(ErrorCode::mismatch,
                  leaf.path + " " + tree::to_string(piece) + " holds a " + to_string(leaf.dtype) + " that " +
                      to_string(want.dtype) +
                      " cannot hold; load it as it was saved, or with `cast` set to any");
    tree::copy_strided(to.data(), dense, element(want.data, want.box, want.strides, piece.start, to_bytes),
                       want.strides, piece.count, to_bytes);
  }
}

void place_on_host(const tree::StoredLeaf& leaf, const tree::Box& box, const std::byte* packed,
                   const tree::Box& common, const Want& want) {
  if (want.dtype != leaf.dtype && want.dtype != Dtype::none) {
    place_converted(leaf, box, packed, common, want);
    return;
  }
  const auto bytes = leaf.element_bytes;
  const auto strides = tree::row_major_strides(box.count);
  tree::copy_strided(element(packed, box, strides, common.start, bytes), strides,
                     element(want.data, want.box, want.strides, common.start, bytes), want.strides,
                     common.count, bytes);
}

/// Made as it is wanted on the host first, unless it is already, and copied from there.
void place_on_device(const tree::StoredLeaf& leaf, const tree::Box& box, const std::byte* packed,
                     const tree::Box& common, const Want& want, device::Copies* copies) {
  const bool converts = want.dtype != leaf.dtype && want.dtype != Dtype::none;
  const std::uint64_t bytes = converts ? size_of(want.dtype) : leaf.element_bytes;
  const device::Box to{element(want.data, want.box, want.strides, common.start, bytes), want.strides,
                       common.count, bytes};
  if (copies != nullptr && !converts && common == box) {
    copies->scatter(packed, to);
    return;
  }
  std::vector<std::byte> made(tree::product(common.count) * bytes);
  Want host = want;
  host.box = common;
  host.data = made.data();
  host.strides = tree::row_major_strides(common.count);
  place_on_host(leaf, box, packed, common, host);
  std::optional<device::Copies> own;
  if (copies == nullptr) copies = &own.emplace(nullptr);
  copies->scatter(made.data(), to);
  copies->wait();
}

}  // namespace

void place(const tree::StoredLeaf& leaf, const tree::Box& box, const std::byte* packed, const Want& want,
           device::Copies* copies) {
  const auto common = tree::intersect(box, want.box);
  if (tree::is_empty(common)) return;
  if (device::is_device(want.data))
    place_on_device(leaf, box, packed, common, want, copies);
  else
    place_on_host(leaf, box, packed, common, want);
}

}  // namespace cairn::io
