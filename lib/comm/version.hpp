#pragma once

#include "base/library_version.hpp"

#include <string_view>

namespace cairn::comm {

/// Of MPI; it may be asked before MPI_Init. Not collective; any thread.
base::LibraryVersion mpi_version();

/// "Open MPI 4.1.4" out of what MPI says of itself, its first line where that is of no known form.
std::string short_version(std::string_view library_version);

}  // namespace cairn::comm
