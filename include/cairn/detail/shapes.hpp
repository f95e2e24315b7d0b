#pragma once

#include "binding.hpp"

/// \file
/// Which kind of container a type is, told by what it offers. Included by array.hpp
/// alone; nothing here is for use by programs.

namespace cairn {
inline namespace CAIRN_ABI {
namespace detail {

/// The type of a call of data() where it is a pointer to elements.
template <class T>
using data_of = std::enable_if_t<std::is_pointer_v<decltype(std::declval<T&>().data())>,
                                 decltype(std::declval<T&>().data())>;

template <class T, class = void>
inline constexpr bool has_data = false;
template <class T>
inline constexpr bool has_data<T, std::void_t<data_of<T>>> = true;

// ---- ArrayTraits

template <class T, class = void>
inline constexpr bool has_traits = false;
template <class T>
inline constexpr bool has_traits<T, std::void_t<decltype(sizeof(ArrayTraits<bare<T>>))>> = true;

template <class T, class = void>
inline constexpr bool has_traits_view = false;
template <class T>
inline constexpr bool
    has_traits_view<T, std::void_t<decltype(ArrayTraits<bare<T>>::view(std::declval<T&>()).data)>> = true;

template <class T, class = void>
inline constexpr bool traits_say_view = false;
template <class T>
inline constexpr bool traits_say_view<T, std::enable_if_t<ArrayTraits<bare<T>>::is_view>> = true;

template <class T>
inline constexpr bool is_array_view = false;
template <class Value>
inline constexpr bool is_array_view<ArrayView<Value>> = true;

// ---- mdspan, and Kokkos views, whose rank is a function or a number

template <class T, class = void>
inline constexpr bool has_rank_call = false;
template <class T>
inline constexpr bool has_rank_call<T, std::void_t<decltype(std::size_t(std::declval<T&>().rank()))>> = true;

template <class T, class = void>
inline constexpr bool has_rank_number = false;
template <class T>
inline constexpr bool has_rank_number<T, std::void_t<decltype(std::size_t(T::rank))>> = true;

template <class T, class = void>
inline constexpr bool has_extents = false;
template <class T>
inline constexpr bool has_extents<T, std::void_t<decltype(std::int64_t(std::declval<T&>().extent(0))),
                                                 decltype(std::int64_t(std::declval<T&>().stride(0)))>> =
    has_rank_call<T> || has_rank_number<T>;

template <class T>
using handle_of = std::enable_if_t<std::is_pointer_v<decltype(std::declval<T&>().data_handle())>,
                                   decltype(std::declval<T&>().data_handle())>;
template <class T, class = void>
inline constexpr bool has_handle = false;
template <class T>
inline constexpr bool has_handle<T, std::void_t<handle_of<T>>> = true;

template <class T>
inline constexpr bool is_extents_like = has_extents<T> && (has_handle<T> || has_data<T>);

template <class T, class = void>
inline constexpr bool has_container_type = false;
template <class T>
inline constexpr bool has_container_type<T, std::void_t<typename T::container_type>> = true;

// ---- Eigen

template <class T, class = void>
inline constexpr bool is_eigen_like = false;
template <class T>
inline constexpr bool is_eigen_like<
    T, std::void_t<decltype(bool(T::IsRowMajor)), decltype(std::int64_t(std::declval<T&>().rows())),
                   decltype(std::int64_t(std::declval<T&>().cols())),
                   decltype(std::int64_t(std::declval<T&>().innerStride())),
                   decltype(std::int64_t(std::declval<T&>().outerStride()))>> = has_data<T>;

template <class T, class = void>
inline constexpr bool is_eigen_vector = false;
template <class T>
inline constexpr bool is_eigen_vector<T, std::void_t<decltype(bool(T::IsVectorAtCompileTime))>> =
    bool(T::IsVectorAtCompileTime);

/// Whether it owns its elements: a Matrix or an Array, not a Map, a Ref or a block.
template <class T, class = void>
inline constexpr bool owns_like_eigen = false;
template <class T>
inline constexpr bool owns_like_eigen<T, std::void_t<typename T::PlainObject>> =
    std::is_same_v<typename T::PlainObject, T>;

// ---- xtensor

template <class T, class = void>
inline constexpr bool is_strided_like = false;
template <class T>
inline constexpr bool
    is_strided_like<T, std::void_t<decltype(std::int64_t(*std::begin(std::declval<T&>().shape()))),
                                   decltype(std::int64_t(*std::begin(std::declval<T&>().strides())))>> =
        has_data<T>;

template <class T, class = void>
inline constexpr bool has_data_offset = false;
template <class T>
inline constexpr bool has_data_offset<T, std::void_t<decltype(std::declval<T&>().data_offset())>> = true;

/// A view's temporary_type, its copy in memory of its own, is another type.
template <class T, class = void>
inline constexpr bool copies_elsewhere = false;
template <class T>
inline constexpr bool copies_elsewhere<T, std::void_t<typename T::temporary_type>> =
    !std::is_same_v<typename T::temporary_type, T>;

// ---- data() and size()

template <class T, class = void>
inline constexpr bool has_size = false;
template <class T>
inline constexpr bool has_size<T, std::void_t<decltype(std::int64_t(std::declval<T&>().size()))>> = true;

/// Whether it has a shape that the rules above do not know: then its order is not known either.
template <class T, class = void>
inline constexpr bool has_rows = false;
template <class T>
inline constexpr bool has_rows<T, std::void_t<decltype(std::declval<T&>().rows())>> = true;
template <class T, class = void>
inline constexpr bool has_shape = false;
template <class T>
inline constexpr bool has_shape<T, std::void_t<decltype(std::declval<T&>().shape())>> = true;
template <class T, class = void>
inline constexpr bool has_dimensions = false;
template <class T>
inline constexpr bool has_dimensions<T, std::void_t<decltype(std::declval<T&>().dimensions())>> = true;

template <class T>
inline constexpr bool is_flat_like =
    has_data<T>&& has_size<T> && !has_rows<T> && !has_shape<T> && !has_dimensions<T> && !has_extents<T>;

template <class T, class = void>
inline constexpr bool has_element_type = false;
template <class T>
inline constexpr bool has_element_type<T, std::void_t<typename T::element_type>> = true;

template <class T>
inline constexpr bool is_string_view = false;
template <class Char, class Traits>
inline constexpr bool is_string_view<std::basic_string_view<Char, Traits>> = true;

/// A const one gives memory that is not const.
template <class T, class = void>
inline constexpr bool is_shallow = false;
template <class T>
inline constexpr bool is_shallow<T, std::void_t<data_of<const T>>> =
    !std::is_const_v<std::remove_pointer_t<data_of<const T>>>;

/// A span, by what it offers: nothing but a pointer and a size in it, so that it copies trivially.
template <class T>
inline constexpr bool is_span_like = is_string_view<T> || (std::is_trivially_copyable_v<T> &&
                                                           (has_element_type<T> || is_shallow<T>));

// ---- the rules, in order

enum class Shape { none, traits, array_view, pointer, scalar, c_array, extents, eigen, strided, flat };

template <class T>
constexpr Shape shape_of() {
  using Bare = bare<T>;
  if constexpr (is_array_view<Bare>) {
    return Shape::array_view;
  } else if constexpr (has_traits<T>) {
    return has_traits_view<T> ? Shape::traits : Shape::none;
  } else if constexpr (std::is_pointer_v<Bare>) {
    return Shape::pointer;
  } else if constexpr (std::is_array_v<Bare>) {
    return Shape::c_array;
  } else if constexpr (DtypeOf<Bare>::value != Dtype::none) {
    return Shape::scalar;
  } else if constexpr (is_extents_like<T>) {
    return Shape::extents;
  } else if constexpr (is_eigen_like<T>) {
    return Shape::eigen;
  } else if constexpr (is_strided_like<T>) {
    return Shape::strided;
  } else {
    return is_flat_like<T> ? Shape::flat : Shape::none;
  }
}

/// Whether copies share their memory, so that a copy is kept.
template <class T>
constexpr bool is_view() {
  using Bare = bare<T>;
  switch (shape_of<T>()) {
    case Shape::traits:
      return traits_say_view<T>;
    case Shape::array_view:
    case Shape::pointer:
      return true;
    case Shape::extents:
      return has_handle<T> || !has_container_type<Bare>;
    case Shape::eigen:
      return !owns_like_eigen<Bare>;
    case Shape::strided:
      return copies_elsewhere<Bare>;
    case Shape::flat:
      return is_span_like<Bare>;
    default:
      return false;
  }
}

}  // namespace detail
}  // namespace CAIRN_ABI
}  // namespace cairn
