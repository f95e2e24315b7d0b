

#include "io/thread_count.hpp"

#include <algorithm>
#include <cstdlib>

#include <sched.h>
#include <unistd.h>

namespace cairn::io {
namespace {

/// More threads than this add nothing: a few large transfers under way keep a file system busy.
constexpr int kMostThreads = 8;

/// The cores that this process may run on.
int allowed_cores() noexcept {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (::sched_getaffinity(0, sizeof cores, &cores) != 0)
    return static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
  return CPU_COUNT(&cores);
}

/// How many ranks share this node, as the launcher tells it; 1 where it does not.
int ranks_on_node() noexcept {
  for (const char* name :
       {"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "PMI_LOCAL_SIZE", "MV2_COMM_WORLD_LOCAL_SIZE"})
    if (const char* value = std::getenv(name))
      if (const int ranks = std::atoi(value); ranks > 0) return ranks;
  return 1;
}

}  // namespace

int thread_count(const IoOptions& options) noexcept {
  if (options.threads > 0) return options.threads;
  // A rank bound to its own cores has those; unbound ranks share the node's.
  const auto share = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN)) / ranks_on_node();
  return std::clamp(std::min(allowed_cores(), share) + 1, 2, kMostThreads);
}

}  // namespace cairn::io
