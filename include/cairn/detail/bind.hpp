#pragma once

#include "shapes.hpp"

/// \file
/// The bodies of the templates of array.hpp. Included by array.hpp
/// alone; nothing here is for use by programs.

namespace cairn {
inline namespace CAIRN_ABI {
namespace detail {

template <class T>
std::size_t rank_of(T& object) {
  if constexpr (has_rank_call<T>) {
    return static_cast<std::size_t>(object.rank());
  } else {
    return static_cast<std::size_t>(T::rank);
  }
}

template <class Range>
Dims dims_of(const Range& range) {
  Dims dims;
  for (auto extent : range) dims.push_back(static_cast<std::int64_t>(extent));
  return dims;
}

template <class T, std::size_t... Dim>
Dims c_array_extents(std::index_sequence<Dim...>) {
  return Dims{static_cast<std::int64_t>(std::extent_v<T, Dim>)...};
}

/// A pointer to the first element, of the element's own type.
template <class T>
auto first_of(T& object) {
  constexpr Shape shape = shape_of<T>();
  if constexpr (shape == Shape::traits) {
    return ArrayTraits<bare<T>>::view(object).data;
  } else if constexpr (shape == Shape::array_view) {
    return object.data;
  } else if constexpr (shape == Shape::pointer) {
    return object;
  } else if constexpr (shape == Shape::scalar) {
    return std::addressof(object);
  } else if constexpr (shape == Shape::c_array) {
    return reinterpret_cast<std::remove_all_extents_t<T>*>(std::addressof(object));
  } else if constexpr (shape == Shape::extents && has_handle<T>) {
    return object.data_handle();
  } else if constexpr (shape == Shape::strided && has_data_offset<T>) {
    return object.data() + object.data_offset();
  } else {
    return object.data();
  }
}

template <class T>
View view_of_extents(T& object) {
  View view{first_of(object), Form::shaped, {}, {}};
  const std::size_t rank = rank_of(object);
  for (std::uint8_t dim = 0; dim < rank; ++dim) {  // of a type that every index type can hold
    view.extents.push_back(static_cast<std::int64_t>(object.extent(dim)));
    view.strides.push_back(static_cast<std::int64_t>(object.stride(dim)));
  }
  return view;
}

template <class T>
View view_of_eigen(T& object) {
  View view{first_of(object), Form::shaped, {}, {}};
  const auto inner = static_cast<std::int64_t>(object.innerStride());
  if constexpr (is_eigen_vector<bare<T>>) {
    view.extents = Dims{static_cast<std::int64_t>(object.rows()) * static_cast<std::int64_t>(object.cols())};
    view.strides = Dims{inner};
  } else {
    const auto outer = static_cast<std::int64_t>(object.outerStride());
    view.extents = Dims{object.rows(), object.cols()};
    view.strides = bool(bare<T>::IsRowMajor) ? Dims{outer, inner} : Dims{inner, outer};
  }
  return view;
}

/// What `Source::view` does for a container or a kept view of type T, which may be const.
template <class T>
View look(const void* address) {
  T& object = *static_cast<T*>(const_cast<void*>(address));
  constexpr Shape shape = shape_of<T>();
  if constexpr (shape == Shape::traits) {
    const auto view = ArrayTraits<bare<T>>::view(object);
    return {view.data, Form::shaped, view.shape, view.strides};
  } else if constexpr (shape == Shape::array_view) {
    return {object.data, Form::shaped, object.shape, object.strides};
  } else if constexpr (shape == Shape::scalar) {
    return {first_of(object), Form::shaped, {}, {}};
  } else if constexpr (shape == Shape::c_array) {
    constexpr std::size_t rank = std::rank_v<T>;
    return {first_of(object),
            rank == 1 ? Form::flat : Form::shaped,
            c_array_extents<T>(std::make_index_sequence<rank>()),
            {}};
  } else if constexpr (shape == Shape::extents) {
    return view_of_extents(object);
  } else if constexpr (shape == Shape::eigen) {
    return view_of_eigen(object);
  } else if constexpr (shape == Shape::strided) {
    return {first_of(object), Form::shaped, dims_of(object.shape()), dims_of(object.strides())};
  } else {
    return {first_of(object), Form::flat, Dims{static_cast<std::int64_t>(object.size())}, {}};
  }
}

inline View look_at_pointer(const void* pointer) {
  return {pointer, Form::pointer, {}, {}};
}

// ---- resizing

template <class T, class = void>
inline constexpr bool resizes_flat = false;
template <class T>
inline constexpr bool resizes_flat<T, std::void_t<decltype(std::declval<T&>().resize(std::size_t{}))>> =
    shape_of<T>() == Shape::flat;

template <class T, class = void>
inline constexpr bool resizes_eigen = false;
template <class T>
inline constexpr bool resizes_eigen<
    T, std::void_t<decltype(std::declval<T&>().resize(1, 1)), decltype(int(T::RowsAtCompileTime))>> =
    shape_of<T>() == Shape::eigen &&
    (is_eigen_vector<T> ? int(T::SizeAtCompileTime) == -1 : int(T::RowsAtCompileTime) == -1);

template <class T, class = void>
inline constexpr bool resizes_strided = false;
template <class T>
inline constexpr bool resizes_strided<
    T, std::void_t<decltype(std::declval<T&>().resize(bare<decltype(std::declval<T&>().shape())>()))>> =
    shape_of<T>() == Shape::strided;

/// What `Source::resize` does: makes the container's extents these (a flat container: their product).
template <class T>
void regrow(void* address, const Dims& extents) {
  T& object = *static_cast<T*>(address);
  if constexpr (resizes_flat<T>) {
    std::size_t size = 1;
    for (auto extent : extents) size *= static_cast<std::size_t>(extent);
    object.resize(size);
  } else if constexpr (resizes_eigen<T>) {
    using Index = decltype(object.rows());
    const auto first = static_cast<Index>(extents[0]);
    if constexpr (!is_eigen_vector<T>) {
      object.resize(first, extents.ndims() > 1 ? static_cast<Index>(extents[1]) : Index{1});
    } else if constexpr (int(T::ColsAtCompileTime) == 1) {
      object.resize(first, Index{1});
    } else {
      object.resize(Index{1}, first);
    }
  } else {
    auto shape = object.shape();
    auto to = std::begin(shape);
    for (auto from = extents.begin(); from != extents.end() && to != std::end(shape); ++from, ++to)
      *to = static_cast<bare<decltype(*to)>>(*from);
    object.resize(shape);
  }
}

template <class T>
constexpr bool can_resize() {
  if constexpr (std::is_const_v<T>) {
    return false;
  } else {
    return !is_view<T>() && (resizes_flat<T> || resizes_eigen<T> || resizes_strided<T>);
  }
}

// ---- binding

template <class Element>
constexpr void check_element() {
  constexpr Dtype dtype = DtypeOf<std::remove_cv_t<Element>>::value;
  static_assert(
      dtype != Dtype::none && dtype != Dtype::string,
      "Cairn cannot store elements of this type exactly (long double, wchar_t, pointers, classes): bind "
      "another type, or specialise cairn::DtypeOf for it");
  if constexpr (dtype != Dtype::none)
    static_assert(sizeof(Element) == bytes_of(dtype),
                  "cairn::DtypeOf names a Dtype of another size than the type's");
}

template <class Data>
Source bind(Data&& data) {
  using T = std::remove_reference_t<Data>;
  using Bare = bare<Data>;
  static_assert(
      shape_of<T>() != Shape::none,
      "Cairn does not know how to get at this container's elements: bind a pointer, a variable, something "
      "with data() and size(), a span or a view, or specialise cairn::ArrayTraits for it");
  Source source;
  if constexpr (shape_of<T>() == Shape::pointer) {
    using Element = std::remove_pointer_t<Bare>;
    check_element<Element>();
    source.object = data;
    source.view = look_at_pointer;
    source.dtype = DtypeOf<std::remove_cv_t<Element>>::value;
    source.element_bytes = bytes_of(source.dtype);
    source.read_only = std::is_const_v<Element>;
  } else if constexpr (shape_of<T>() != Shape::none) {
    static_assert(is_view<T>() || std::is_lvalue_reference_v<Data>,
                  "a temporary container is gone before it is saved: keep it in a variable and bind that");
    using Seen = std::conditional_t<is_view<T>(), Bare, T>;
    using Element = std::remove_pointer_t<decltype(first_of(std::declval<Seen&>()))>;
    check_element<Element>();
    if constexpr (is_view<T>()) {
      source.kept = std::make_shared<Bare>(std::forward<Data>(data));
      source.object = source.kept.get();
    } else {
      source.object = std::addressof(data);
    }
    source.view = look<Seen>;
    if constexpr (can_resize<Seen>()) source.resize = regrow<Seen>;
    source.dtype = DtypeOf<std::remove_cv_t<Element>>::value;
    source.element_bytes = bytes_of(source.dtype);
    source.read_only = std::is_const_v<Element>;
  }
  return source;
}

template <class Data>
Array bind_whole(Kind kind, Data&& data, const Dims& shape) {
  Source source = bind(std::forward<Data>(data));
  auto array = make_array(kind, source.dtype, source.element_bytes, shape);
  add_shard(*array, std::move(source), Slab(), Memory());
  return Array(std::move(array));
}

}  // namespace detail

template <class Data>
Array& Array::also(Data&& data, Slab slab, Memory memory) & {
  detail::add_shard(*rep_, detail::bind(std::forward<Data>(data)), slab, memory);
  return *this;
}

template <class Data>
Array sharded(Data&& data, Slab slab, Memory memory) {
  detail::Source source = detail::bind(std::forward<Data>(data));
  auto array = detail::make_array(Kind::sharded, source.dtype, source.element_bytes, slab.shape);
  detail::add_shard(*array, std::move(source), slab, memory);
  return Array(std::move(array));
}

template <class Value>
Array sharded(Dims shape) {
  detail::check_element<Value>();
  constexpr Dtype dtype = DtypeOf<std::remove_cv_t<Value>>::value;
  return Array(detail::make_array(Kind::sharded, dtype, detail::bytes_of(dtype), shape));
}

template <class Data>
Array replicated(Data&& data, Dims shape) {
  return detail::bind_whole(Kind::replicated, std::forward<Data>(data), shape);
}

template <class Data>
Array per_rank(Data&& data, Dims shape) {
  return detail::bind_whole(Kind::per_rank, std::forward<Data>(data), shape);
}

template <class Data>
Array appended(Data&& rows, Dims row_shape) {
  static_assert(!std::is_pointer_v<detail::bare<Data>>,
                "a pointer does not say how many rows there are: bind a cairn::ArrayView or a span");
  return detail::bind_whole(Kind::appended, std::forward<Data>(rows), row_shape);
}

}  // namespace CAIRN_ABI
}  // namespace cairn
