#pragma once

#include "cairn/error.hpp"

#include <string_view>

namespace cairn::base {

/// The text of an error without its code, which a new Error puts before it again. Lives as long as the error.
std::string_view message_of(const Error& error) noexcept;

}  // namespace cairn::base
