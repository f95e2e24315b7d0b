#pragma once

#include "cairn/options.hpp"

namespace cairn::io {

/// How many threads a rank uses: options.threads, else what cores this rank has to itself allow, at least 2
/// (one waits for the disk).
int thread_count(const IoOptions& options) noexcept;

}  // namespace cairn::io
