#pragma once

#include "detail/traits.hpp"

namespace cairn {
inline namespace CAIRN_ABI {

using Path = std::filesystem::path;
enum class ErrorCode : int {
  invalid_argument = 1,
  already_exists = 2,
  not_found = 3,
  not_a_checkpoint = 4,
  corrupt = 5,
  mismatch = 6,
  io = 7,
  no_space = 8,
  unsupported = 9,
  timeout = 10,
  mpi = 11,
  cancelled = 12,
  locked = 13,
  device = 14,
  out_of_memory = 15,
  internal = 16
};  // as in C; never renumbered
CAIRN_API const char* to_string(ErrorCode) noexcept;
class CAIRN_API Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message, int system_error = 0, int rank = -1, Path path = {});
  Error(const Error&) noexcept;
  ~Error() override;
  ErrorCode code() const noexcept;
  const Path& path() const noexcept;
  int system_error() const noexcept,
      rank() const noexcept;  // an errno, or 0; the first rank that failed, or -1
 private:
  std::shared_ptr<const detail::ErrorRep> rep_;
};

}  // namespace CAIRN_ABI
}  // namespace cairn
