#pragma once

#include "cairn/checkpointables.hpp"

#include <string>

namespace cairn {
namespace handlers {

/// What a Checkpointable refers to; null of one that was moved from.
const detail::Object* try_object_of(const Checkpointable& thing) noexcept;
/// The same where it is known to be there.
const detail::Object& object_of(const Checkpointable& thing) noexcept;

/// The C++ name of its type.
std::string type_name(const detail::Object& object);

/// Its state as JSON text. Error(invalid_argument) where there is none.
std::string state_of(const detail::Object& object);

}  // namespace handlers
}  // namespace cairn
