#pragma once

#include "arrays.hpp"

namespace mpi_test {

struct Half {
  std::uint16_t bits;
};
struct Brain {
  std::uint16_t bits;
};
struct E4m3 {
  std::uint8_t bits;
};
struct E5m2 {
  std::uint8_t bits;
};

}  // namespace mpi_test

template <>
struct cairn::DtypeOf<mpi_test::Half> {
  static constexpr cairn::Dtype value = cairn::Dtype::f16;
};
template <>
struct cairn::DtypeOf<mpi_test::Brain> {
  static constexpr cairn::Dtype value = cairn::Dtype::bf16;
};
template <>
struct cairn::DtypeOf<mpi_test::E4m3> {
  static constexpr cairn::Dtype value = cairn::Dtype::e4m3;
};
template <>
struct cairn::DtypeOf<mpi_test::E5m2> {
  static constexpr cairn::Dtype value = cairn::Dtype::e5m2;
};

namespace mpi_test {

inline constexpr cairn::Dtype all_dtypes[] = {
    cairn::Dtype::i8,   cairn::Dtype::i16,     cairn::Dtype::i32,  cairn::Dtype::i64,  cairn::Dtype::u8,
    cairn::Dtype::u16,  cairn::Dtype::u32,     cairn::Dtype::u64,  cairn::Dtype::f16,  cairn::Dtype::bf16,
    cairn::Dtype::f32,  cairn::Dtype::f64,     cairn::Dtype::e4m3, cairn::Dtype::e5m2, cairn::Dtype::c64,
    cairn::Dtype::c128, cairn::Dtype::boolean,
};

/// Calls `use` with a null pointer of the C++ type of a dtype.
template <class Use>
auto with_type(cairn::Dtype dtype, Use&& use) {
  using cairn::Dtype;
  switch (dtype) {
    case Dtype::i8:
      return use(static_cast<std::int8_t*>(nullptr));
    case Dtype::i16:
      return use(static_cast<std::int16_t*>(nullptr));
    case Dtype::i32:
      return use(static_cast<std::int32_t*>(nullptr));
    case Dtype::i64:
      return use(static_cast<std::int64_t*>(nullptr));
    case Dtype::u8:
      return use(static_cast<std::uint8_t*>(nullptr));
    case Dtype::u16:
      return use(static_cast<std::uint16_t*>(nullptr));
    case Dtype::u32:
      return use(static_cast<std::uint32_t*>(nullptr));
    case Dtype::u64:
      return use(static_cast<std::uint64_t*>(nullptr));
    case Dtype::f16:
      return use(static_cast<Half*>(nullptr));
    case Dtype::bf16:
      return use(static_cast<Brain*>(nullptr));
    case Dtype::f32:
      return use(static_cast<float*>(nullptr));
    case Dtype::f64:
      return use(static_cast<double*>(nullptr));
    case Dtype::e4m3:
      return use(static_cast<E4m3*>(nullptr));
    case Dtype::e5m2:
      return use(static_cast<E5m2*>(nullptr));
    case Dtype::c64:
      return use(static_cast<std::complex<float>*>(nullptr));
    case Dtype::c128:
      return use(static_cast<std::complex<double>*>(nullptr));
    default:
      return use(static_cast<bool*>(nullptr));
  }
}

/// Binds this rank's shards of an array. The shards must outlive the tree and not move.
inline cairn::Array bind_shards(std::vector<Shard>& shards, const Dims& shape, cairn::Dtype dtype) {
  return with_type(dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    cairn::Array array = cairn::sharded<T>(shape);
    for (auto& shard : shards)
      array.also(reinterpret_cast<T*>(shard.bytes.data()),
                 {.shape = shape, .start = shard.box.start, .count = shard.box.count}, shard.memory);
    return array;
  });
}

/// An array with a decomposition over the ranks of a communicator: the same on every rank, given the same
/// generator.
struct RandomArray {
  std::uint64_t number = 0;
  cairn::Dtype dtype = cairn::Dtype::f64;
  Dims shape;
  std::vector<Shard> shards;  // of this rank

  static RandomArray make(Random& random, std::uint64_t number) {
    RandomArray array;
    array.number = number;
    array.dtype = all_dtypes[static_cast<std::size_t>(between(random, 0, std::size(all_dtypes) - 1))];
    const auto ndims = between(random, 1, 8);
    std::int64_t budget = between(random, 1, 6000);
    for (std::int64_t d = 0; d < ndims; ++d) {
      const auto extent = d + 1 == ndims ? budget : between(random, 1, std::min<std::int64_t>(budget, 9));
      array.shape.push_back(extent);
      budget /= extent;
      if (budget < 1) budget = 1;
    }
    if (between(random, 0, 19) == 0) array.shape[static_cast<std::size_t>(between(random, 0, ndims - 1))] = 0;
    return array;
  }

  /// Cuts the array anew; `rank` may be none of the owners (-1).
  void distribute(Random& random, int rank, int size) {
    std::vector<Box> boxes;
    if (tree_elements() > 0 && between(random, 0, 2) == 0) {
      Dims cell;
      for (auto extent : shape)
        cell.push_back(std::max<std::int64_t>(1, (extent + 1) / between(random, 1, 2)));
      boxes = grid_boxes(shape, cell);
    } else {
      boxes = random_boxes(random, shape, static_cast<int>(between(random, 1, 2 * size + 1)));
    }
    shards.clear();
    for (const auto& box : boxes) {
      const auto owner = between(random, 0, size - 1);
      const bool halo = between(random, 0, 1) == 1;
      Shard shard = Shard::make(random, box, dtype, halo);
      if (owner == rank) shards.push_back(std::move(shard));
    }
  }

  std::uint64_t tree_elements() const { return cairn::tree::product(shape); }
  void fill() {
    for (auto& shard : shards) shard.fill(number, shape, dtype);
  }
  bool holds() {
    bool right = true;
    for (auto& shard : shards) right = shard.holds(number, shape, dtype) && right;
    return right;
  }
};

}  // namespace mpi_test
