#pragma once

#include "detail/traits.hpp"
#include "dtype.hpp"
#include "slab.hpp"

namespace cairn {
inline namespace CAIRN_ABI {

enum class Kind : std::uint8_t { value, sharded, replicated, per_rank, appended };
template <class Value>
struct ArrayView {
  Value* data = nullptr;
  Dims shape = {}, strides = {};
};  // a pointer with a shape; a view
template <class Container, class = void>
struct ArrayTraits;  // specialise: static ArrayView<V> view(Container&); bool is_view if copies share memory
class CAIRN_API Array {
 public:
  template <class Data>
  Array& also(Data&& data, Slab slab,
              Memory memory = {}) &;  // one more shard of this rank's; slab.shape may be left out
  template <class Data>
  Array also(Data&& data, Slab slab, Memory memory = {}) && {
    return std::move(also(std::forward<Data>(data), slab, memory));
  }
  explicit Array(std::shared_ptr<detail::ArrayRep> rep) noexcept : rep_(std::move(rep)) {}

 private:
  friend class Leaf;
  std::shared_ptr<detail::ArrayRep> rep_;
};
template <class Data>
Array sharded(Data&& data, Slab slab, Memory memory = {});
template <class Value>
Array sharded(Dims shape);  // this rank holds nothing of it but what .also() adds
template <class Data>
Array replicated(Data&& data, Dims shape = {});  // shape {}: the container's
template <class Data>
Array per_rank(Data&& data, Dims shape = {});  // stored as {ranks, shape...}
template <class Data>
Array appended(Data&& rows, Dims row_shape = {});  // load resizes a std::vector

}  // namespace CAIRN_ABI
}  // namespace cairn
