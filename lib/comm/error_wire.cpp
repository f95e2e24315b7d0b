#include "comm/error_wire.hpp"

#include "base/message.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace cairn::comm {
namespace {

constexpr std::string_view kCut = "...";
constexpr std::size_t kMostPathBytes = 1024;

/// The longest beginning of `text` of at most `most` bytes that does not end inside a UTF-8 character.
std::string_view cut(std::string_view text, std::size_t most) noexcept {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) --most;
  return text.substr(0, most);
}

/// Copies `from` to the front of `to`, cut where it is longer than `most`; the bytes used.
std::uint32_t put(char* to, std::string_view from, std::size_t most) noexcept {
  const bool fits = from.size() <= most;
  const auto kept = fits ? from : cut(from, most - kCut.size());
  std::memcpy(to, kept.data(), kept.size());
  if (fits) return static_cast<std::uint32_t>(kept.size());
  std::memcpy(to + kept.size(), kCut.data(), kCut.size());
  return static_cast<std::uint32_t>(kept.size() + kCut.size());
}

}  // namespace

ErrorMessage encode(const Error& error, int rank) noexcept {
  ErrorMessage message;
  message.code = static_cast<std::int32_t>(error.code());
  message.system_error = error.system_error();
  message.rank = error.rank() >= 0 ? error.rank() : rank;
  message.path_bytes = put(message.text.data(), error.path().native(), kMostPathBytes);
  message.text_bytes = put(message.text.data() + message.path_bytes, base::message_of(error),
                           ErrorMessage::kTextBytes - message.path_bytes);
  return message;
}

Error decode(const ErrorMessage& message) {
  const std::string_view all(message.text.data(), message.text.size());
  const auto path = all.substr(0, message.path_bytes);
  const auto text = all.substr(path.size(), message.text_bytes);
  return Error(static_cast<ErrorCode>(message.code), std::string(text), message.system_error, message.rank,
               Path(path));
}

}  // namespace cairn::comm
