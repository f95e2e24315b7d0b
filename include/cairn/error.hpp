#pragma once

#include "detail/traits.hpp"

/// \file
/// What goes wrong. A collective function throws the same Error on every rank, or on none.

namespace cairn {
inline namespace CAIRN_ABI {

using Path = std::filesystem::path;

/// What kind of failure it is. The numbers are those of the C interface and never change.
enum class ErrorCode : int {
  invalid_argument = 1,  ///< a leaf, an option or an environment variable is wrong in itself
  already_exists = 2,    ///< there is a checkpoint at the path, and `overwrite` was not asked for
  not_found = 3,         ///< no checkpoint, file, leaf or directory of that name
  not_a_checkpoint = 4,  ///< something else is at the path
  corrupt = 5,           ///< bytes on disk are not those that were saved
  mismatch = 6,          ///< ranks disagree, or a tree does not fit the checkpoint
  io = 7,                ///< a system call failed; see `system_error`
  no_space = 8,          ///< the disk or the quota is full
  unsupported = 9,       ///< made by a newer version, or not available in this build
  timeout = 10,          ///< a rank did not arrive in time (`RankOptions::timeout_s`)
  mpi = 11,              ///< an MPI call failed, or MPI is not running
  cancelled = 12,        ///< the caller cancelled it
  locked = 13,           ///< another thread or job is saving there
  device = 14,           ///< a call of the device's runtime failed
  out_of_memory = 15,    ///< host memory could not be allocated
  internal = 16          ///< a defect of Cairn, or an exception of the caller's own code
};

/// The name of a code, as written above; "unknown" for any other number. Not collective; any thread.
CAIRN_API const char* to_string(ErrorCode code) noexcept;

/// A failure. `what()` is `to_string(code())`, a colon, and the message, which says what to do; where the
/// message does not already hold them, the system's error, the path and the rank follow. Copies share what
/// they hold and are cheap. Not collective; any thread.
class CAIRN_API Error : public std::runtime_error {
 public:
  /// `system_error` is an errno, or 0; `rank` the first rank that failed, or -1; `path` the file, or empty.
  Error(ErrorCode code, const std::string& message, int system_error = 0, int rank = -1, Path path = {});
  Error(const Error& other) noexcept;
  Error& operator=(const Error& other) noexcept;
  ~Error() override;

  ErrorCode code() const noexcept;
  const Path& path() const noexcept;  ///< of the file or checkpoint in question, or empty
  int system_error() const noexcept;  ///< an errno, or 0
  int rank() const noexcept;          ///< the first rank that failed, or -1

 private:
  std::shared_ptr<const detail::ErrorRep> rep_;
};

}  // namespace CAIRN_ABI
}  // namespace cairn
