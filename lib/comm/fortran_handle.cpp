#include "comm/fortran_handle.hpp"

namespace cairn::comm {

MPI_Comm from_fortran(MPI_Fint comm) noexcept {
  return MPI_Comm_f2c(comm);
}

MPI_Fint to_fortran(MPI_Comm comm) noexcept {
  return MPI_Comm_c2f(comm);
}

}  // namespace cairn::comm
