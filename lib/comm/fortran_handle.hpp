#pragma once

#include <mpi.h>

namespace cairn::comm {

/// The communicator of a Fortran handle. Not collective.
MPI_Comm from_fortran(MPI_Fint comm) noexcept;

}  // namespace cairn::comm
