#pragma once

#include "detail/traits.hpp"

/// \file
/// Numbers that are kept with a checkpoint.

namespace cairn {
inline namespace CAIRN_ABI {

/// Name -> value. A value may be infinite or not a number; a name is UTF-8.
using Metrics = std::map<std::string, double>;

}  // namespace CAIRN_ABI
}  // namespace cairn
