#pragma once

#include "cairn/error.hpp"

#include <string>
#include <string_view>

namespace cairn::base {

/// The text of an error without its code, which a new Error puts before it again. Lives as long as the error.
std::string_view message_of(const Error& error) noexcept;
/// The same error with another text.
Error with_message(const Error& error, const std::string& message);

}  // namespace cairn::base
