#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>

#include <mpi.h>

/// One file that all ranks share, written and read with plain system calls: the yardstick of the benchmark.
namespace cairn::bench {

enum class PosixWay {
  buffered,      // pwrite, fsync
  preallocated,  // fallocate first, pwrite, early write-back after each 8 MiB, fsync
  direct,        // fallocate first, O_DIRECT, fsync
};

/// A rank's part of such a file: `bytes` of it, packed and aligned, at an offset that is a multiple of 4 KiB.
class PosixFile {
 public:
  /// Collective. Fills the part with values of the rank's own.
  PosixFile(MPI_Comm comm, std::filesystem::path path, std::uint64_t bytes);

  /// Creates the file, writes every rank's part, fsyncs and closes. Collective. Throws std::system_error on
  /// the rank where something fails.
  void write(PosixWay way);
  /// Opens the file and reads this rank's part. Not collective.
  void read();
  /// Removes the file, where it exists. Collective.
  void remove();

 private:
  struct Free {
    void operator()(std::byte* memory) const noexcept;
  };
  MPI_Comm comm_;
  std::filesystem::path path_;
  std::uint64_t bytes_ = 0, padded_ = 0, offset_ = 0, file_bytes_ = 0;
  std::unique_ptr<std::byte, Free> data_;
};

/// Asks the kernel to forget the cached pages of every file in a directory (or of a file). They must be on
/// the disk.
void forget_cached_pages(const std::filesystem::path& path);

}  // namespace cairn::bench
