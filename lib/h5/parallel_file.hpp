#pragma once

#include "tree/layout.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>

#include <mpi.h>

namespace cairn::h5 {

/// An existing file opened for writing through parallel HDF5's MPI-IO driver. On the caller's thread only.
/// Its destructor closes without a word; a communicator of more than one rank makes opening, writing and
/// closing collective.
class ParallelFile {
 public:
  struct Settings {
    MPI_Comm comm = MPI_COMM_SELF;
    bool collective = false;                      // collective transfers
    std::map<std::string, std::string> hints;     // MPI_Info
    std::uint64_t most_bytes_per_call = 1 << 30;  // HDF5 1.10 fails from 2 GiB on
  };
  ParallelFile(const std::filesystem::path& path, const Settings& settings);
  ~ParallelFile();
  /// Writes a packed, row-major box of one leaf, split into calls of at most 1 GiB. For a leaf tiled by
  /// boxes, `box` must lie within one tile, and the transfer is independent. An empty box takes part in a
  /// collective write and writes nothing. Collective where Settings say so, but for leaves tiled by boxes:
  /// every rank then calls it as many times for each leaf. Error(io, no_space) with the path.
  void write(const tree::StoredLeaf& leaf, const tree::Box& box, std::span<const std::byte> packed);
  /// Flushes to the disk (MPI_File_sync) if `sync`, and closes. Throws what goes wrong.
  void close(bool sync);

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace cairn::h5
