#pragma once

#include <cstddef>
#include <cstdint>

/// What the kernel that packs boxes does; plain C++ too, so that it is tested without a device.
#ifdef __CUDACC__
#define CAIRN_ON_DEVICE __host__ __device__
#else
#define CAIRN_ON_DEVICE
#endif

namespace cairn::device {

/// One box between its place in an array and its packed bytes, in words: equal pieces of up to 16 bytes, none
/// of which crosses a gap. The first word is at `strided` and `packed`; word `w` of the packed bytes is word
/// `w % run` of its run, and these lie in rows, and the rows in planes.
struct PackItem {
  std::byte* strided;
  std::byte* packed;
  std::int64_t row_stride, plane_stride;  // in bytes
  std::uint32_t rows;                     // of a plane; a run each
  std::uint32_t run;                      // words
  std::uint32_t word_bytes;
  std::uint32_t first;  // of all the words of a batch
};

/// Boxes that one launch packs or unpacks: the argument of the kernel, which may have 4096 bytes.
struct PackBatch {
  static constexpr std::uint32_t most_items = 72, most_words = 1u << 30;
  PackItem items[most_items];
  std::uint32_t count = 0, words = 0;
  bool unpacks = false;
};
static_assert(sizeof(PackBatch) <= 4096);

namespace detail {

struct alignas(16) Words {
  std::uint64_t low, high;
};
template <class Word>
CAIRN_ON_DEVICE inline void copy_word(std::byte* to, const std::byte* from) {
#ifdef __CUDA_ARCH__
  *reinterpret_cast<Word*>(to) = *reinterpret_cast<const Word*>(from);
#else
  // A device refuses such addresses, too.
  if ((reinterpret_cast<std::uintptr_t>(to) | reinterpret_cast<std::uintptr_t>(from)) % sizeof(Word) != 0)
    __builtin_trap();
  __builtin_memcpy(to, from, sizeof(Word));
#endif
}

}  // namespace detail

/// Copies the words `thread`, `thread + threads`, ... of a batch: neighbours copy neighbouring packed words.
CAIRN_ON_DEVICE inline void pack_words(const PackBatch& batch, std::uint32_t thread, std::uint32_t threads) {
  std::uint32_t number = 0;
  for (auto word = thread; word < batch.words; word += threads) {
    while (number + 1 < batch.count && batch.items[number + 1].first <= word) ++number;
    const auto& item = batch.items[number];
    const auto in_item = word - item.first;
    const auto run = in_item / item.run;
    auto offset = static_cast<std::int64_t>(in_item % item.run) * item.word_bytes;
    offset += static_cast<std::int64_t>(run % item.rows) * item.row_stride +
              static_cast<std::int64_t>(run / item.rows) * item.plane_stride;
    auto* const strided = item.strided + offset;
    auto* const packed = item.packed + static_cast<std::uint64_t>(in_item) * item.word_bytes;
    auto* const to = batch.unpacks ? strided : packed;
    const auto* const from = batch.unpacks ? packed : strided;
    switch (item.word_bytes) {
      case 16:
        detail::copy_word<detail::Words>(to, from);
        break;
      case 8:
        detail::copy_word<std::uint64_t>(to, from);
        break;
      case 4:
        detail::copy_word<std::uint32_t>(to, from);
        break;
      case 2:
        detail::copy_word<std::uint16_t>(to, from);
        break;
      default:
        detail::copy_word<std::uint8_t>(to, from);
    }
  }
}

}  // namespace cairn::device
