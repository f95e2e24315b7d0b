#pragma once

#include "cairn/error.hpp"

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

/// Values as bytes, for sending between ranks of one job (native byte order; never stored).
namespace cairn::base {

class Packer {
 public:
  void u64(std::uint64_t value) { text_.append(reinterpret_cast<const char*>(&value), sizeof value); }
  void str(std::string_view value) {
    u64(value.size());
    text_.append(value);
  }
  void append(std::string_view bytes) { text_.append(bytes); }
  std::string text() && { return std::move(text_); }

 private:
  std::string text_;
};

/// Reads back what a Packer wrote; Error(internal) past the end. Refers to the bytes given.
class Unpacker {
 public:
  explicit Unpacker(std::string_view text) : text_(text) {}
  std::uint64_t u64() {
    std::uint64_t value = 0;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string_view str() { return take(u64()); }
  std::string_view rest() { return take(text_.size()); }
  bool empty() const noexcept { return text_.empty(); }

 private:
  std::string_view take(std::uint64_t bytes) {
    if (bytes > text_.size()) throw Error(ErrorCode::internal, "a message between ranks is too short");
    const auto taken = text_.substr(0, bytes);
    text_.remove_prefix(bytes);
    return taken;
  }
  std::string_view text_;
};

}  // namespace cairn::base
