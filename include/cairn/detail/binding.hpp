#pragma once

#include "../dtype.hpp"
#include "../slab.hpp"
#include "traits.hpp"

/// \file
/// What a bound container looks like to the library, without its type. Nothing here is for use by programs.

namespace cairn {
inline namespace CAIRN_ABI {

enum class Kind : std::uint8_t;

namespace detail {

enum class Form : std::uint8_t {
  pointer,  ///< as many elements as are asked for
  flat,     ///< extents {size}: a row-major array of any shape
  shaped    ///< extents and strides of its own
};

/// The memory of a container at one moment. No strides: row-major.
struct View {
  const void* data = nullptr;
  Form form = Form::pointer;
  Dims extents = {};
  Dims strides = {};
};

/// How to ask a container, or a kept view, for its memory.
struct Source {
  std::shared_ptr<void> kept = {};               ///< a view's copy; null for containers and pointers
  const void* object = nullptr;                  ///< the container, the kept copy, or the pointer itself
  View (*view)(const void*) = nullptr;           ///< may throw what the container throws
  void (*resize)(void*, const Dims&) = nullptr;  ///< null where it cannot be resized
  Dtype dtype = Dtype::none;
  std::size_t element_bytes = 0;
  bool read_only = false;
};

/// An array without shards, and one more shard of it; neither throws but for want of memory.
CAIRN_API std::shared_ptr<ArrayRep> make_array(Kind kind, Dtype dtype, std::size_t element_bytes,
                                               const Dims& shape);
CAIRN_API void add_shard(ArrayRep& array, Source source, const Slab& slab, const Memory& memory);

/// A leaf's own copies.
CAIRN_API std::shared_ptr<ArrayRep> own_bytes(const void* value, Dtype dtype, std::size_t bytes);
CAIRN_API std::shared_ptr<ArrayRep> own_string(std::string_view text);
CAIRN_API std::shared_ptr<ArrayRep> own_null_text();

/// Leaf::data and Leaf::get. Error(mismatch).
CAIRN_API const void* values_of(const ArrayRep* array, Dtype dtype);
CAIRN_API void copy_value(const ArrayRep* array, Dtype dtype, void* value);
CAIRN_API std::string copy_text(const ArrayRep* array);

}  // namespace detail
}  // namespace CAIRN_ABI
}  // namespace cairn
