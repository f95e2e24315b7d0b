#pragma once

#include "detail/traits.hpp"

/// \file
/// JSON values that travel with a checkpoint.

namespace cairn {
inline namespace CAIRN_ABI {

/// Any JSON value, held as text: library and program need not share a version of nlohmann/json. Making one
/// never throws: what cannot be written as JSON (text that is not UTF-8, or no JSON) the next collective call
/// reports on all ranks. A number that is not finite becomes null. Not collective; like a std::string, not
/// for two threads at once.
class Json {
 public:
  Json() = default;  ///< null

  /// `{{"lr", 1e-3}}` is an object, `{1, 2}` an array, `{existing}` means existing, `{1}` means 1. (For an
  /// array of one value say `nlohmann::json::array({1})`.)
  Json(nlohmann::json::initializer_list_t braces) noexcept : text_(detail::dump(braces)) {}
  Json(const nlohmann::json& value) noexcept : text_(detail::dump(value)) {}

  /// From JSON text.
  static Json parse(std::string_view text) noexcept {
    Json json;
    json.text_ = detail::dump_parsed(text);
    return json;
  }

  /// The value, parsed. Throws nlohmann's parse_error where the value could not be written as JSON.
  template <class Value = nlohmann::json>
  Value value() const {
    return Value::parse(text_);
  }
  /// The value as compact JSON text.
  const std::string& text() const noexcept { return text_; }

 private:
  std::string text_ = "null";
};

}  // namespace CAIRN_ABI
}  // namespace cairn
