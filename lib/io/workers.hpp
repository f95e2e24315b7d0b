#pragma once

#include <cstddef>
#include <functional>

namespace cairn::io {

/// Calls `work(worker, unit)` once for each unit below `units`, which are taken in ascending order by up to
/// `threads` threads; `worker` numbers them, and 0 is the caller's own. Returns when all are done. The first
/// exception of any thread stops the others at their next unit, and is thrown here. The threads it starts
/// take no signals. Where none can be started, the caller does the work.
void run_workers(int threads, std::size_t units,
                 const std::function<void(std::size_t worker, std::size_t unit)>& work);

}  // namespace cairn::io
