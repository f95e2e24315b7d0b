#pragma once

#include <mpi.h>

namespace cairn::comm {

/// The communicator of a Fortran handle. Not collective.
MPI_Comm from_fortran(MPI_Fint comm) noexcept;
MPI_Fint to_fortran(MPI_Comm comm) noexcept;

}  // namespace cairn::comm
