#include "cairn/error.hpp"

#include <cctype>
#include <system_error>

namespace cairn {
inline namespace CAIRN_ABI {
namespace detail {

struct ErrorRep {
  ErrorCode code;
  int system_error;
  int rank;
  Path path;
};

namespace {

bool names_rank(const std::string& text, const std::string& rank) {
  for (auto at = text.find(rank); at != std::string::npos; at = text.find(rank, at + 1)) {
    const auto after = at + rank.size();
    if (after == text.size() || std::isdigit(static_cast<unsigned char>(text[after])) == 0) return true;
  }
  return false;
}

/// Adding only what is not there yet makes an Error that is built again from another's text read the same.
std::string describe(ErrorCode code, const std::string& message, int system_error, int rank,
                     const Path& path) {
  std::string text = std::string(to_string(code)) + ": " + message;
  if (system_error != 0) {
    const std::string system = std::generic_category().message(system_error);
    if (text.find(system) == std::string::npos) text += ": " + system;
  }
  if (!path.empty() && text.find(path.native()) == std::string::npos) text += " [" + path.native() + "]";
  if (rank >= 0) {
    const std::string name = "rank " + std::to_string(rank);
    if (!names_rank(text, name)) text += " (" + name + ")";
  }
  return text;
}

}  // namespace
}  // namespace detail

const char* to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "invalid_argument";
    case ErrorCode::already_exists:
      return "already_exists";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::not_a_checkpoint:
      return "not_a_checkpoint";
    case ErrorCode::corrupt:
      return "corrupt";
    case ErrorCode::mismatch:
      return "mismatch";
    case ErrorCode::io:
      return "io";
    case ErrorCode::no_space:
      return "no_space";
    case ErrorCode::unsupported:
      return "unsupported";
    case ErrorCode::timeout:
      return "timeout";
    case ErrorCode::mpi:
      return "mpi";
    case ErrorCode::cancelled:
      return "cancelled";
    case ErrorCode::locked:
      return "locked";
    case ErrorCode::device:
      return "device";
    case ErrorCode::out_of_memory:
      return "out_of_memory";
    case ErrorCode::internal:
      return "internal";
  }
  return "unknown";
}

Error::Error(ErrorCode code, const std::string& message, int system_error, int rank, Path path)
    : std::runtime_error(detail::describe(code, message, system_error, rank, path)),
      rep_(std::make_shared<const detail::ErrorRep>(
          detail::ErrorRep{code, system_error, rank, std::move(path)})) {}
Error::Error(const Error& other) noexcept = default;
Error& Error::operator=(const Error& other) noexcept = default;
Error::~Error() = default;

ErrorCode Error::code() const noexcept {
  return rep_->code;
}
const Path& Error::path() const noexcept {
  return rep_->path;
}
int Error::system_error() const noexcept {
  return rep_->system_error;
}
int Error::rank() const noexcept {
  return rep_->rank;
}

}  // namespace CAIRN_ABI
}  // namespace cairn
