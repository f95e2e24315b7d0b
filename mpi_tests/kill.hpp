#pragma once

#include "base/storage.hpp"

#include <atomic>
#include <csignal>
#include <cstdint>
#include <string_view>
#include <vector>

#include <mpi.h>
#include <unistd.h>

namespace mpi_test {

/// Kills this process, and the `others`, at its file-system call number `call` since it was made.
class Killer : public cairn::base::StorageHook {
 public:
  Killer(long call, std::vector<int> others) : call_(call), others_(std::move(others)) {}
  int before(cairn::base::Op, std::string_view, std::uint64_t, std::uint64_t) override {
    if (calls_++ == call_) {
      for (int pid : others_) kill(pid, SIGKILL);
      raise(SIGKILL);
    }
    return 0;
  }
  long calls() const { return calls_; }

 private:
  std::atomic<long> calls_{0};
  long call_;
  std::vector<int> others_;
};

/// The process ids of the other ranks. Collective.
inline std::vector<int> other_processes(MPI_Comm comm) {
  int size = 1, pid = getpid();
  MPI_Comm_size(comm, &size);
  std::vector<int> pids(static_cast<std::size_t>(size));
  MPI_Allgather(&pid, 1, MPI_INT, pids.data(), 1, MPI_INT, comm);
  std::erase(pids, pid);
  return pids;
}

}  // namespace mpi_test
