#pragma once

#include <mpi.h>
#include <nccl.h>

namespace simulated {

/// An ncclComm_t of these ranks, freed by the destructor. Broadcasts over it are done when they are called.
/// Making one and its end are collective.
class NcclComm {
 public:
  explicit NcclComm(MPI_Comm comm);
  ~NcclComm();
  NcclComm(const NcclComm&) = delete;
  ncclComm_t get() const { return comm_; }
  /// How many broadcasts there were.
  int broadcasts() const;
  /// Broadcasts of this rank take part, and then say that they failed.
  void fail(bool fails);

 private:
  ncclComm_t comm_ = nullptr;
};

}  // namespace simulated
