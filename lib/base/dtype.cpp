#include "cairn/dtype.hpp"

namespace cairn {
inline namespace CAIRN_ABI {

const char* to_string(Dtype dtype) noexcept {
  switch (dtype) {
    case Dtype::none:
      return "none";
    case Dtype::i8:
      return "i8";
    case Dtype::i16:
      return "i16";
    case Dtype::i32:
      return "i32";
    case Dtype::i64:
      return "i64";
    case Dtype::u8:
      return "u8";
    case Dtype::u16:
      return "u16";
    case Dtype::u32:
      return "u32";
    case Dtype::u64:
      return "u64";
    case Dtype::f16:
      return "f16";
    case Dtype::bf16:
      return "bf16";
    case Dtype::f32:
      return "f32";
    case Dtype::f64:
      return "f64";
    case Dtype::e4m3:
      return "e4m3";
    case Dtype::e5m2:
      return "e5m2";
    case Dtype::c64:
      return "c64";
    case Dtype::c128:
      return "c128";
    case Dtype::boolean:
      return "bool";
    case Dtype::string:
      return "string";
  }
  return "unknown";
}

std::size_t size_of(Dtype dtype) noexcept {
  return detail::bytes_of(dtype);
}

}  // namespace CAIRN_ABI
}  // namespace cairn
