#pragma once

#include "cairn/error.hpp"

#include <atomic>
#include <memory>
#include <vector>

#include <mpi.h>

namespace cairn::comm {

/// What an upper layer keeps with a communicator from one operation to the next.
class Attachment {
 public:
  virtual ~Attachment() = default;
  /// The communicator is about to go, or MPI_Finalize was called: ends what is under way. Calls no MPI.
  virtual void end() noexcept = 0;
};

struct Request;

/// This library's own duplicate of a communicator. It is an attribute of the original and lives until the
/// original is freed, or until MPI_Finalize where something still used it then.
struct Duplicate {
  MPI_Comm comm = MPI_COMM_NULL;
  int rank = 0;
  int size = 1;
  std::atomic<bool> busy = false;       // an operation uses it; what is below belongs to that operation
  std::shared_ptr<const Error> poison;  // why nothing may be communicated any more; null: all is well
  std::shared_ptr<Attachment> attachment;
  std::vector<std::shared_ptr<Request>> left;  // that nobody waits for any more, though they may be pending
};

/// The duplicate of `original`, marked busy, made the first time it is asked for: that is collective, and
/// takes at most `timeout_s`. Throws on this rank alone: invalid_argument (a null or an inter-communicator),
/// mpi (MPI is not running), unsupported (a thread that may not call MPI), locked (busy), or what poisoned
/// it.
std::shared_ptr<Duplicate> acquire(MPI_Comm original, double timeout_s);

/// Gives up an acquired duplicate. Local.
void release(Duplicate& duplicate) noexcept;

}  // namespace cairn::comm
