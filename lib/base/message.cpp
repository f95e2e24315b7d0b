#include "base/message.hpp"

namespace cairn::base {

std::string_view message_of(const Error& error) noexcept {
  std::string_view text = error.what();
  const std::string_view code = to_string(error.code());
  constexpr std::string_view colon = ": ";
  if (text.substr(0, code.size()) == code && text.substr(code.size(), colon.size()) == colon)
    text.remove_prefix(code.size() + colon.size());
  return text;
}

Error with_message(const Error& error, const std::string& message) {
  return Error(error.code(), message, error.system_error(), error.rank(), error.path());
}

}  // namespace cairn::base
