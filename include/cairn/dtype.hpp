#pragma once

#include "detail/traits.hpp"

/// \file
/// The types of array elements.

namespace cairn {
inline namespace CAIRN_ABI {

/// The type of an element: signed and unsigned integers, floating-point numbers (e4m3 and e5m2 are fp8),
/// complex numbers of two f32 (c64) or two f64 (c128), bool, and UTF-8 text.
enum class Dtype : std::uint8_t {
  none,
  i8,
  i16,
  i32,
  i64,
  u8,
  u16,
  u32,
  u64,
  f16,
  bf16,
  f32,
  f64,
  e4m3,
  e5m2,
  c64,
  c128,
  boolean,
  string
};

/// The Dtype of a C++ type, by size and sign: `long` and `long long` are both i64, enums are their underlying
/// type, `char` and `std::byte` are u8; `none` where there is no exact one (long double, wchar_t). Types of
/// two bytes that `std::numeric_limits` knows are f16 or bf16 by their digits; a class of two floating-point
/// numbers with real() and imag() is complex. Specialise it for a type of your own, of the same size and
/// bytes as the Dtype that you name:
///
///     template <> struct cairn::DtypeOf<my_half> { static constexpr cairn::Dtype value = cairn::Dtype::f16;
///     };
template <class Value, class = void>
struct DtypeOf {
  static constexpr Dtype value = detail::guess<Dtype, Value>();
};

/// "f64", "bool", ... as h5py and NumPy's kin would write it. Not collective; any thread.
CAIRN_API const char* to_string(Dtype dtype) noexcept;
/// Bytes of one element; 0 for `none`, 1 for `string` (a byte of text). Not collective; any thread.
CAIRN_API std::size_t size_of(Dtype dtype) noexcept;

}  // namespace CAIRN_ABI
}  // namespace cairn
