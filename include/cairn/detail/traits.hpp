#pragma once

#ifndef OMPI_SKIP_MPICXX
#define OMPI_SKIP_MPICXX 1
#endif
#ifndef MPICH_SKIP_MPICXX
#define MPICH_SKIP_MPICXX 1
#endif
#include <algorithm>
#include <array>
#include <chrono>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <mpi.h>
#include <nlohmann/json.hpp>

#if defined(OPEN_MPI)
#define CAIRN_ABI v0_openmpi
#else
#define CAIRN_ABI v0_mpich
#endif

#define CAIRN_API [[gnu::visibility("default")]]

namespace cairn {
inline namespace CAIRN_ABI {
namespace detail {

struct Access;
struct ArrayRep;
struct ErrorRep;

/// A JSON value as text; what cannot be dumped (text that is not UTF-8) becomes a marker that the next
/// collective call reports.
CAIRN_API std::string dump(const nlohmann::json& value) noexcept;

/// A leaf's own copy of a value.
template <class Value>
std::shared_ptr<ArrayRep> own(const Value& value);
CAIRN_API std::shared_ptr<ArrayRep> own_text(std::string_view text);

template <class T>
using bare = std::remove_cv_t<std::remove_reference_t<T>>;

/// An integer, but neither bool nor a character.
template <class Int>
inline constexpr bool is_index = std::is_integral_v<Int> && !std::is_same_v<bare<Int>, bool> &&
                                 !std::is_same_v<bare<Int>, char> && !std::is_same_v<bare<Int>, wchar_t> &&
                                 !std::is_same_v<bare<Int>, char16_t> && !std::is_same_v<bare<Int>, char32_t>;
template <class Int>
using if_index = std::enable_if_t<is_index<Int>, int>;

/// A range of such integers.
template <class Range, class = void>
inline constexpr bool is_index_range = false;
template <class Range>
inline constexpr bool is_index_range<Range, std::void_t<decltype(std::begin(std::declval<const Range&>())),
                                                        decltype(std::end(std::declval<const Range&>()))>> =
    is_index<bare<decltype(*std::begin(std::declval<const Range&>()))>>;
}  // namespace detail
class Dims;
namespace detail {
template <class Range>
using if_range = std::enable_if_t<is_index_range<Range> && !std::is_same_v<bare<Range>, Dims>, int>;

template <class Of>
using if_stored = std::enable_if_t<static_cast<int>(Of::value) != 0, int>;

template <class Text>
using if_text = std::enable_if_t<
    std::is_convertible_v<const Text&, std::string_view> && !std::is_same_v<bare<Text>, std::nullptr_t>, int>;

/// MPI_Comm, or a class that converts to it. Under MPICH, where MPI_Comm is int, no other number.
template <class Comm>
using if_comm = std::enable_if_t<std::is_same_v<Comm, MPI_Comm> ||
                                     (std::is_class_v<Comm> && std::is_convertible_v<const Comm&, MPI_Comm>),
                                 int>;

template <class Value>
using if_json = std::enable_if_t<std::is_same_v<bare<Value>, nlohmann::json>, int>;

template <class Data, class Target>
using if_not = std::enable_if_t<!std::is_convertible_v<const Data&, Target>, int>;

template <class T, class = void>
inline constexpr bool is_complex = false;
template <class T>
inline constexpr bool
    is_complex<T, std::void_t<typename T::value_type, decltype(std::declval<const T&>().real()),
                              decltype(std::declval<const T&>().imag())>> =
        std::is_floating_point_v<typename T::value_type> && sizeof(T) == 2 * sizeof(typename T::value_type);

/// The dtype of a C++ type, by size and sign; `none` where there is no exact one (long double, wchar_t).
template <class Dtype, class Raw>
constexpr Dtype guess() {
  using T = std::remove_cv_t<Raw>;
  if constexpr (std::is_same_v<T, bool>) {
    return Dtype::boolean;
  } else if constexpr (std::is_same_v<T, std::byte>) {
    return Dtype::u8;
  } else if constexpr (std::is_enum_v<T>) {
    return guess<Dtype, std::underlying_type_t<T>>();
  } else if constexpr (std::is_same_v<T, wchar_t> || std::is_same_v<T, char16_t> ||
                       std::is_same_v<T, char32_t>) {
    return Dtype::none;
  } else if constexpr (std::is_same_v<T, char>) {
    return Dtype::u8;
  } else if constexpr (std::is_integral_v<T>) {
    switch (sizeof(T)) {
      case 1:
        return std::is_signed_v<T> ? Dtype::i8 : Dtype::u8;
      case 2:
        return std::is_signed_v<T> ? Dtype::i16 : Dtype::u16;
      case 4:
        return std::is_signed_v<T> ? Dtype::i32 : Dtype::u32;
      case 8:
        return std::is_signed_v<T> ? Dtype::i64 : Dtype::u64;
      default:
        return Dtype::none;
    }
  } else if constexpr (std::is_same_v<T, float>) {
    return Dtype::f32;
  } else if constexpr (std::is_same_v<T, double>) {
    return Dtype::f64;
#if defined(__FLT16_MANT_DIG__) && \
    (!defined(__cplusplus) || defined(__STDCPP_FLOAT16_T__) || defined(__clang__) || __GNUC__ >= 13)
  } else if constexpr (std::is_same_v<T, _Float16>) {
    return Dtype::f16;
#endif
  } else if constexpr (is_complex<T>) {
    return sizeof(T) == 8 ? Dtype::c64 : Dtype::c128;
  } else if constexpr (std::numeric_limits<T>::is_specialized && sizeof(T) == 2) {
    return std::numeric_limits<T>::digits == 11  ? Dtype::f16
           : std::numeric_limits<T>::digits == 8 ? Dtype::bf16
                                                 : Dtype::none;
  } else {
    return Dtype::none;
  }
}

}  // namespace detail
}  // namespace CAIRN_ABI
}  // namespace cairn
