#include "simulated_nccl.hpp"

#include "simulated_cuda.hpp"

struct ncclComm {
  MPI_Comm comm = MPI_COMM_NULL;
  int broadcasts = 0;
  bool fails = false;
};

namespace simulated {

NcclComm::NcclComm(MPI_Comm comm) : comm_(new ncclComm) {
  MPI_Comm_dup(comm, &comm_->comm);
}
NcclComm::~NcclComm() {
  MPI_Comm_free(&comm_->comm);
  delete comm_;
}
int NcclComm::broadcasts() const {
  return comm_->broadcasts;
}
void NcclComm::fail(bool fails) {
  comm_->fails = fails;
}

}  // namespace simulated

const char* ncclGetErrorString(ncclResult_t result) {
  return result == ncclSuccess ? "no error" : "a simulated failure";
}
ncclResult_t ncclCommCount(const ncclComm_t comm, int* count) {
  MPI_Comm_size(comm->comm, count);
  return ncclSuccess;
}
ncclResult_t ncclCommUserRank(const ncclComm_t comm, int* rank) {
  MPI_Comm_rank(comm->comm, rank);
  return ncclSuccess;
}
ncclResult_t ncclCommGetAsyncError(ncclComm_t, ncclResult_t* failure) {
  *failure = ncclSuccess;
  return ncclSuccess;
}
ncclResult_t ncclBroadcast(const void* from, void* to, size_t count, ncclDataType_t, int root,
                           ncclComm_t comm, cudaStream_t stream) {
  ++comm->broadcasts;
  if (from != to) return ncclInvalidArgument;
  cudaStreamSynchronize(stream);
  MPI_Bcast(simulated::inside(to), static_cast<int>(count), MPI_BYTE, root, comm->comm);
  return comm->fails ? ncclUnhandledCudaError : ncclSuccess;
}
