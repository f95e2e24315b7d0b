#pragma once

#include "bind.hpp"

/// \file
/// A leaf's own values. Nothing here is for use by programs.

namespace cairn {
inline namespace CAIRN_ABI {
namespace detail {

template <class Value>
std::shared_ptr<ArrayRep> own(const Value& value) {
  check_element<Value>();
  return own_bytes(std::addressof(value), DtypeOf<Value>::value, sizeof(Value));
}

/// A null pointer is kept as a problem of the leaf.
template <class Text>
std::shared_ptr<ArrayRep> own_text(const Text& text) {
  if constexpr (std::is_pointer_v<Text>) {
    if (text == nullptr) return own_null_text();
  }
  return own_string(std::string_view(text));
}

}  // namespace detail
}  // namespace CAIRN_ABI
}  // namespace cairn
