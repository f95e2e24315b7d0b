#include "count_collectives.hpp"

#ifndef OMPI_SKIP_MPICXX
#define OMPI_SKIP_MPICXX 1
#endif
#include <mpi.h>

namespace {

int started = 0;

}  // namespace

int cairn::testing::collectives_started() {
  return started;
}

extern "C" {

int MPI_Allreduce(const void* sent, void* received, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm) {
  ++started;
  return PMPI_Allreduce(sent, received, count, type, op, comm);
}
int MPI_Bcast(void* buffer, int count, MPI_Datatype type, int root, MPI_Comm comm) {
  ++started;
  return PMPI_Bcast(buffer, count, type, root, comm);
}
int MPI_Barrier(MPI_Comm comm) {
  ++started;
  return PMPI_Barrier(comm);
}
int MPI_Gather(const void* sent, int sent_count, MPI_Datatype sent_type, void* received, int count,
               MPI_Datatype type, int root, MPI_Comm comm) {
  ++started;
  return PMPI_Gather(sent, sent_count, sent_type, received, count, type, root, comm);
}
int MPI_Allgather(const void* sent, int sent_count, MPI_Datatype sent_type, void* received, int count,
                  MPI_Datatype type, MPI_Comm comm) {
  ++started;
  return PMPI_Allgather(sent, sent_count, sent_type, received, count, type, comm);
}
int MPI_Iallreduce(const void* sent, void* received, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm,
                   MPI_Request* request) {
  ++started;
  return PMPI_Iallreduce(sent, received, count, type, op, comm, request);
}
int MPI_Ibcast(void* buffer, int count, MPI_Datatype type, int root, MPI_Comm comm, MPI_Request* request) {
  ++started;
  return PMPI_Ibcast(buffer, count, type, root, comm, request);
}
int MPI_Iexscan(const void* sent, void* received, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm,
                MPI_Request* request) {
  ++started;
  return PMPI_Iexscan(sent, received, count, type, op, comm, request);
}
int MPI_Igatherv(const void* sent, int sent_count, MPI_Datatype sent_type, void* received, const int counts[],
                 const int offsets[], MPI_Datatype type, int root, MPI_Comm comm, MPI_Request* request) {
  ++started;
  return PMPI_Igatherv(sent, sent_count, sent_type, received, counts, offsets, type, root, comm, request);
}
int MPI_Iallgather(const void* sent, int sent_count, MPI_Datatype sent_type, void* received, int count,
                   MPI_Datatype type, MPI_Comm comm, MPI_Request* request) {
  ++started;
  return PMPI_Iallgather(sent, sent_count, sent_type, received, count, type, comm, request);
}

}  // extern "C"
