#pragma once

#include "workload.hpp"

#include <filesystem>

#include <mpi.h>

namespace cairn::bench {

/// Writes a workload as a program without Cairn would: one file created by all ranks through the MPI-IO
/// driver, a contiguous dataset an array, H5Dwrite of each hyperslab out of its halo, H5Fclose, and fsync.
/// Replicated arrays are written by rank 0. With `collective`, arrays of one piece a rank are transferred
/// collectively. Collective. Throws std::runtime_error.
void write_parallel_hdf5(MPI_Comm comm, const std::filesystem::path& path, const Workload& workload,
                         bool collective);

}  // namespace cairn::bench
