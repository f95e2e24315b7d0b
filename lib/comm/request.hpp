#pragma once

#include "comm/duplicate.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <mpi.h>

namespace cairn::comm {

/// A nonblocking collective under way. All that a pending request touches is in here, on the heap, because it
/// must outlive a deadline that has passed.
struct Request {
  MPI_Request handle = MPI_REQUEST_NULL;
  MPI_Comm made = MPI_COMM_NULL;  // a communicator in the making
  std::vector<std::uint64_t> sent, received;
  std::string sent_bytes, received_bytes;
  std::vector<int> counts, offsets;
};

/// Waits until the request is complete: spins for a moment, then yields, then sleeps. Where the deadline
/// passes first, or MPI returns an error, the duplicate is poisoned and the request left on the heap for
/// good: Error(timeout) or Error(mpi), on this rank alone.
std::unique_ptr<Request> finish(Duplicate& duplicate, std::unique_ptr<Request> request,
                                std::string_view stage, double timeout_s);

/// Throws Error(mpi), and poisons the duplicate, where an MPI function returned an error.
void check(Duplicate& duplicate, int mpi_code, std::string_view stage);

}  // namespace cairn::comm
