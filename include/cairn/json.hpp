#pragma once

#include "detail/traits.hpp"

namespace cairn {
inline namespace CAIRN_ABI {

class Json {
 public:
  Json() = default;  // null
  Json(nlohmann::json::initializer_list_t
           braces) noexcept;  // {{"lr", 1e-3}}: an object; {1, 2}: an array; {existing}: existing
  Json(const nlohmann::json& value) noexcept
      : text_(detail::dump(value)) {}  // what is not UTF-8, the next collective call reports
  template <class Value = nlohmann::json>
  Value value() const {
    return Value::parse(text_);
  }
  const std::string& text() const noexcept { return text_; }

 private:
  std::string text_ = "null";
};

}  // namespace CAIRN_ABI
}  // namespace cairn
