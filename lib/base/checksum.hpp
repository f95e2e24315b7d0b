#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace cairn::base {

/// XXH3-64 (xxHash 0.8), seed 0: the checksum of blocks. Any thread.
std::uint64_t checksum(std::span<const std::byte> bytes) noexcept;

struct Xxh3State;

/// The checksum of bytes that arrive in pieces: equal to `checksum` of them joined. Reused after `reset`.
class StreamingChecksum {
 public:
  StreamingChecksum();
  ~StreamingChecksum();
  StreamingChecksum(const StreamingChecksum&) = delete;
  StreamingChecksum& operator=(const StreamingChecksum&) = delete;
  void reset() noexcept;
  void add(std::span<const std::byte> bytes) noexcept;
  std::uint64_t result() const noexcept;

 private:
  std::unique_ptr<Xxh3State> state_;
};

/// A 128-bit digest as two lanes that can be added with wrap-around: XXH3-128.
struct Digest {
  std::uint64_t lo = 0, hi = 0;
  bool operator==(const Digest&) const = default;
  Digest& operator+=(const Digest& other) noexcept {
    lo += other.lo;
    hi += other.hi;
    return *this;
  }
  Digest& operator-=(const Digest& other) noexcept {
    lo -= other.lo;
    hi -= other.hi;
    return *this;
  }
};
Digest digest(std::span<const std::byte> bytes, std::uint64_t seed = 0) noexcept;
inline Digest digest(std::string_view text, std::uint64_t seed = 0) noexcept {
  return digest(std::as_bytes(std::span(text)), seed);
}

/// The digest of bytes that arrive in pieces: equal to `digest` of them joined, seed 0.
class StreamingDigest {
 public:
  StreamingDigest();
  ~StreamingDigest();
  StreamingDigest(const StreamingDigest&) = delete;
  StreamingDigest& operator=(const StreamingDigest&) = delete;
  void add(std::span<const std::byte> bytes) noexcept;
  Digest result() const noexcept;

 private:
  std::unique_ptr<Xxh3State> state_;
};

std::string to_hex(const Digest& digest);                       // 32 lower-case hex digits, hi first
bool from_hex(std::string_view text, Digest& digest) noexcept;  // false: not exactly that; digest is kept

/// 128 random bits from the system, never zero: the id of a save.
Digest random_id();

}  // namespace cairn::base
