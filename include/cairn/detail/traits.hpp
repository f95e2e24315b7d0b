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

// CUDA's small floating-point types, known by name alone.
struct __half;
struct __nv_bfloat16;
struct __nv_fp8_e4m3;
struct __nv_fp8_e5m2;

/// \file
/// What the templates of the public headers accept. Nothing here is for use by programs.

namespace cairn {
inline namespace CAIRN_ABI {
namespace detail {

struct Access;
struct ArrayRep;
struct ErrorRep;
struct Object;

/// The first character of a Json that could not be made; what went wrong follows it. No JSON begins so.
inline constexpr char json_marker = '\x01';

/// JSON as text, or `json_marker` and why not. Inline, so that no symbol of the library names nlohmann.
inline std::string dump(const nlohmann::json& value) noexcept {
  try {
    return value.dump();
  } catch (const nlohmann::json::type_error& error) {
    return json_marker + std::string(error.what());
  } catch (...) {
    return json_marker + std::string("no memory");
  }
}

/// The same of text that should be JSON.
inline std::string dump_parsed(std::string_view text) noexcept {
  try {
    return dump(nlohmann::json::parse(text));
  } catch (const nlohmann::json::parse_error& error) {
    return json_marker + std::string(error.what());
  } catch (...) {
    return json_marker + std::string("no memory");
  }
}

/// The same of what stands in braces: a single element that is no pair means that element.
inline std::string dump(const nlohmann::json::initializer_list_t& braces) noexcept {
  try {
    if (braces.size() == 1) {
      const auto& only = *braces.begin();
      const nlohmann::json& element = *only;
      const auto* address = reinterpret_cast<const char*>(std::addressof(element));
      const auto* here = reinterpret_cast<const char*>(std::addressof(only));
      const bool existing = std::less<>()(address, here) || !std::less<>()(address, here + sizeof(only));
      const bool pair = element.is_array() && element.size() == 2 && element[0].is_string();
      if (existing || !pair) return dump(element);
    }
    return dump(nlohmann::json(braces));
  } catch (...) {
    return json_marker + std::string("no memory");
  }
}

template <class T>
using bare = std::remove_cv_t<std::remove_reference_t<T>>;

#if defined(__cpp_char8_t)
template <class T>
inline constexpr bool is_char8 = std::is_same_v<T, char8_t>;
#else
template <class T>
inline constexpr bool is_char8 = false;
#endif

/// An integer, but neither bool nor a character.
template <class Int>
inline constexpr bool is_index =
    std::is_integral_v<Int> && !std::is_same_v<bare<Int>, bool> && !std::is_same_v<bare<Int>, char> &&
    !std::is_same_v<bare<Int>, wchar_t> && !std::is_same_v<bare<Int>, char16_t> &&
    !std::is_same_v<bare<Int>, char32_t> && !is_char8<bare<Int>>;
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
inline namespace policies {
class SavePolicy;
class KeepPolicy;
}  // namespace policies
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

/// None of the types named, nor nlohmann::json, nor what refers to an object.
template <class Thing, class... Named>
using if_foreign = std::enable_if_t<!(std::is_same_v<bare<Thing>, Named> || ...) &&
                                        !std::is_same_v<bare<Thing>, nlohmann::json> &&
                                        !std::is_same_v<bare<Thing>, std::shared_ptr<Object>>,
                                    int>;

/// A callable, by copy, of this argument, whose answer converts to `Result`; not a policy itself.
template <class Call, class Result, class Argument>
using if_calls = std::enable_if_t<
    std::conjunction_v<std::negation<std::is_same<Call, SavePolicy>>,
                       std::negation<std::is_same<Call, KeepPolicy>>,
                       std::is_invocable_r<Result, Call&, Argument>, std::is_copy_constructible<Call>>,
    int>;

template <class Data, class Target>
using if_not = std::enable_if_t<!std::is_convertible_v<const Data&, Target>, int>;

template <class T, class = void>
inline constexpr bool is_complex = false;
/// Two floating-point numbers with real() and imag(): std::complex and its look-alikes. (An Eigen vector of
/// two has these too, but they are not numbers.)
template <class T>
inline constexpr bool
    is_complex<T, std::void_t<typename T::value_type, decltype(std::declval<const T&>().real()),
                              decltype(std::declval<const T&>().imag())>> =
        std::is_floating_point_v<typename T::value_type> && sizeof(T) == 2 * sizeof(typename T::value_type) &&
        std::is_same_v<bare<decltype(std::declval<const T&>().real())>, typename T::value_type>;

#if defined(__FLT16_MANT_DIG__) && (defined(__clang__) || __GNUC__ >= 13)
__extension__ typedef _Float16 float16;
#else
struct float16;
#endif

/// Bytes of one element, by the order of Dtype: none, i8, i16, i32, i64, u8, u16, u32, u64, f16, bf16, f32,
/// f64, e4m3, e5m2, c64, c128, boolean, string.
template <class Dtype>
constexpr std::size_t bytes_of(Dtype dtype) noexcept {
  constexpr unsigned char bytes[] = {0, 1, 2, 4, 8, 1, 2, 4, 8, 2, 2, 4, 8, 1, 1, 8, 16, 1, 1};
  const auto index = static_cast<std::size_t>(dtype);
  return index < sizeof(bytes) ? bytes[index] : 0;
}

template <class Dtype, class T>
constexpr Dtype guess_integer() {
  constexpr bool is_signed = std::is_signed_v<T>;
  switch (sizeof(T)) {
    case 1:
      return is_signed ? Dtype::i8 : Dtype::u8;
    case 2:
      return is_signed ? Dtype::i16 : Dtype::u16;
    case 4:
      return is_signed ? Dtype::i32 : Dtype::u32;
    case 8:
      return is_signed ? Dtype::i64 : Dtype::u64;
    default:
      return Dtype::none;
  }
}

/// The dtype of a C++ type; `none` where there is no exact one.
template <class Dtype, class Raw>
constexpr Dtype guess() {
  using T = std::remove_cv_t<Raw>;
  if constexpr (std::is_void_v<T> || std::is_same_v<T, wchar_t> || std::is_same_v<T, char16_t> ||
                std::is_same_v<T, char32_t>) {
    return Dtype::none;
  } else if constexpr (std::is_same_v<T, bool>) {
    return sizeof(T) == 1 ? Dtype::boolean : Dtype::none;
  } else if constexpr (std::is_same_v<T, std::byte> || std::is_same_v<T, char>) {
    return Dtype::u8;
  } else if constexpr (std::is_enum_v<T>) {
    return guess<Dtype, std::underlying_type_t<T>>();
  } else if constexpr (std::is_integral_v<T>) {
    return guess_integer<Dtype, T>();
  } else if constexpr (std::is_same_v<T, float>) {
    return Dtype::f32;
  } else if constexpr (std::is_same_v<T, double>) {
    return Dtype::f64;
  } else if constexpr (std::is_same_v<T, float16> || std::is_same_v<T, __half>) {
    return Dtype::f16;
  } else if constexpr (std::is_same_v<T, __nv_bfloat16>) {
    return Dtype::bf16;
  } else if constexpr (std::is_same_v<T, __nv_fp8_e4m3>) {
    return Dtype::e4m3;
  } else if constexpr (std::is_same_v<T, __nv_fp8_e5m2>) {
    return Dtype::e5m2;
  } else if constexpr (is_complex<T>) {
    return sizeof(T) == 8 ? Dtype::c64 : sizeof(T) == 16 ? Dtype::c128 : Dtype::none;
  } else if constexpr (std::numeric_limits<T>::is_specialized) {
    if (sizeof(T) != 2) return Dtype::none;
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
