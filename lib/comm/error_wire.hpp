#pragma once

#include "cairn/error.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace cairn::comm {

/// An Error as a message of fixed size, so that telling every rank of it takes one collective. A text or a
/// path that is too long is cut between two UTF-8 characters and ends in "...".
struct ErrorMessage {
  static constexpr std::size_t kTextBytes = 4096 - 5 * sizeof(std::int32_t);

  std::int32_t code = 0;  // 0: no error
  std::int32_t system_error = 0;
  std::int32_t rank = -1;
  std::uint32_t path_bytes = 0;
  std::uint32_t text_bytes = 0;
  std::array<char, kTextBytes> text = {};  // the path, then the message
};
static_assert(sizeof(ErrorMessage) == 4096);

/// `rank` is that of the rank that failed; an error that names a rank already keeps it.
ErrorMessage encode(const Error& error, int rank) noexcept;
Error decode(const ErrorMessage& message);

}  // namespace cairn::comm
