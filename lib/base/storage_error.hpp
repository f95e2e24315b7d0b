#pragma once

#include "base/storage.hpp"

#include <filesystem>

namespace cairn::base {

/// Throws the Error of a failed storage call: what was tried, on what, why it failed, and what to do.
[[noreturn]] void fail(Op op, const std::filesystem::path& name, int error);

}  // namespace cairn::base
