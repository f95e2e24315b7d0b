#pragma once

#include "detail/traits.hpp"

namespace cairn {
inline namespace CAIRN_ABI {

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
template <class Value, class = void>
struct DtypeOf {
  static constexpr Dtype value = detail::guess<Dtype, Value>();
};  // specialise for your own types
CAIRN_API const char* to_string(Dtype) noexcept;
CAIRN_API std::size_t size_of(Dtype) noexcept;

}  // namespace CAIRN_ABI
}  // namespace cairn
