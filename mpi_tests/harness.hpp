#pragma once

#include "cairn/error.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>
#include <mpi.h>

/// What tests under mpirun share. `main` is in here: it starts MPI (at the thread level that the environment
/// variable CAIRN_TEST_THREADS names: single, the default, funneled, or multiple), runs every test case on
/// every rank, and exits with a failure on all ranks where a check failed on one. Only a rank that failed
/// prints. A rank that stays in one test case for longer than CAIRN_TEST_LIMIT_S seconds (50) ends the whole
/// run.
namespace cairn::testing {

int rank(MPI_Comm comm = MPI_COMM_WORLD);
int size(MPI_Comm comm = MPI_COMM_WORLD);

/// Requires `good` on every rank: where it is false on one, all of them fail here. Collective.
void require_everywhere(MPI_Comm comm, bool good);

/// Requires that `text` is the same on every rank. Collective.
void require_same_everywhere(MPI_Comm comm, const std::string& text);

/// Requires that `call` throws an Error of this code on every rank, with the same text, rank, errno and path,
/// and that its text holds `part`. Returns the text. Collective, whatever `call` does.
std::string require_same_error_everywhere(MPI_Comm comm, const std::function<void()>& call, ErrorCode code,
                                          std::string_view part = {});

/// An empty directory that all ranks see, removed when the program ends. Collective.
std::filesystem::path make_directory(MPI_Comm comm);

/// A communicator of the first `ranks` ranks of MPI_COMM_WORLD (or all, where there are fewer), freed by the
/// destructor. Making one is collective over MPI_COMM_WORLD.
class FirstRanks {
 public:
  explicit FirstRanks(int ranks);
  ~FirstRanks();
  FirstRanks(const FirstRanks&) = delete;
  FirstRanks& operator=(const FirstRanks&) = delete;
  bool contains_me() const noexcept { return comm_ != MPI_COMM_NULL; }
  MPI_Comm comm() const noexcept { return comm_; }

 private:
  MPI_Comm comm_ = MPI_COMM_NULL;
};

}  // namespace cairn::testing
