#pragma once

#include "detail/traits.hpp"
#include "dtype.hpp"
#include "slab.hpp"

/// \file
/// Arrays of the caller's, and how they are spread over the ranks.
///
/// What can be bound as `Data`: a pointer, a variable, a C array, std::vector, std::array, std::span and
/// whatever else has data() and size(); std::mdspan, Kokkos views, Eigen and xtensor objects, with their own
/// extents and strides; an ArrayView; and any class for which ArrayTraits says how.
///
/// Lifetime: a container is bound by reference, must outlive the tree, and is asked for its data() at each
/// save and load, so that it may grow or move its memory between them. Pointers and views (spans, mdspans,
/// Kokkos views, Eigen::Map and blocks, ArrayView) are kept by value: the memory behind them must stay where
/// it is. A span of a vector that grows afterwards dangles: bind the vector. Temporary containers are refused
/// at compile time.
///
/// Binding never throws: what is wrong with an extent, a size or a pointer is reported by the next save or
/// load, on all ranks, together with everything else. Memory that is const is saved and not loaded. Nothing
/// here is collective; one tree and its arrays are for one thread at a time.

namespace cairn {
inline namespace CAIRN_ABI {

/// How a leaf is spread over the ranks.
enum class Kind : std::uint8_t {
  value,       ///< a single value, equal on every rank
  sharded,     ///< each rank holds boxes of one array
  replicated,  ///< the same array on every rank: stored once, and checked to be equal
  per_rank,    ///< an array of its own on every rank: stored as {ranks, shape...}
  appended     ///< rows on every rank, as many as there are: stored one rank's after another
};

/// A pointer with a shape: memory of `shape`, in elements, slowest dimension first. `strides` are in
/// elements; left out: row-major. A view: it owns nothing.
template <class Value>
struct ArrayView {
  Value* data = nullptr;
  Dims shape = {};
  Dims strides = {};
};

/// Specialise it for a container that Cairn does not know:
///
///     template <> struct cairn::ArrayTraits<Field> {
///       static cairn::ArrayView<double> view(Field& field) { return {field.raw(), {field.ny(), field.nx()}};
///       }
///     };
///
/// `static constexpr bool is_view = true;` says that copies share their memory: then it is kept by value, and
/// temporaries are welcome. A const container needs a view() that takes it.
template <class Container, class = void>
struct ArrayTraits;

/// An array of the caller's, bound: what sharded, replicated, per_rank and appended return, and a tree takes.
/// A handle: copies are the same array.
class CAIRN_API Array {
 public:
  /// One more box of this rank's, for sharded arrays (block-structured meshes, several devices). slab.shape
  /// may be left out.
  template <class Data>
  Array& also(Data&& data, Slab slab, Memory memory = {}) &;
  template <class Data>
  Array also(Data&& data, Slab slab, Memory memory = {}) && {
    return std::move(also(std::forward<Data>(data), slab, memory));
  }

  explicit Array(std::shared_ptr<detail::ArrayRep> rep) noexcept : rep_(std::move(rep)) {}

 private:
  friend class Leaf;
  std::shared_ptr<detail::ArrayRep> rep_;
};

/// This rank's box of a global array. All ranks name the same slab.shape; their boxes must cover it, each
/// element once
/// (`Slab::replicas` times). The data's own extents, where it has some, must be slab.count's (or
/// memory.shape's); data() and size() must have as many elements.
template <class Data>
Array sharded(Data&& data, Slab slab, Memory memory = {});

/// A global array of which this rank holds nothing but what also() adds.
template <class Value>
Array sharded(Dims shape);

/// An array that every rank holds whole, with equal bytes. shape {}: the container's (a pointer: one value).
template <class Data>
Array replicated(Data&& data, Dims shape = {});

/// An array of each rank's own, of the same shape everywhere; stored as {ranks, shape...}. shape {}: the
/// container's (a pointer: one value).
template <class Data>
Array per_rank(Data&& data, Dims shape = {});

/// This rank's rows, each of row_shape, as many as the container holds; stored after those of the ranks
/// below. row_shape {}: single elements, or what the container's extents after the first say. A load resizes
/// the container where it can be resized. A pointer does not say how many rows there are: bind an ArrayView
/// or a span.
template <class Data>
Array appended(Data&& rows, Dims row_shape = {});

}  // namespace CAIRN_ABI
}  // namespace cairn

#include "detail/bind.hpp"
