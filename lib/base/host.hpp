#pragma once

#include <string>

namespace cairn::base {

/// The name of this host, or "unknown".
std::string host_name();

}  // namespace cairn::base
