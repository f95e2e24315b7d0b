#pragma once

#include "cairn/dtype.hpp"
#include "cairn/load.hpp"

#include <cstddef>

namespace cairn::tree {

/// Converts `count` values; false where `in_range` was asked and a value is out of the target's range (NaN to
/// an integer, 300 to u8, 1e300 to f32). Rounding of floating-point values is not out of range; a fraction
/// lost in a conversion to an integer is.
using Converter = bool (*)(const std::byte* from, std::byte* to, std::size_t count, Cast cast);

/// Null where there is no such conversion (to or from strings; complex to real).
Converter converter(Dtype from, Dtype to) noexcept;

}  // namespace cairn::tree
