#pragma once

#include "cairn/options.hpp"

namespace cairn::io {

/// How many threads a rank uses: options.threads, else one for each core that it has to itself and one that
/// waits for the disk; 2 to 8.
int thread_count(const IoOptions& options) noexcept;

}  // namespace cairn::io
