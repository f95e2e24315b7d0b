#include "base/checksum.hpp"

#include "cairn/error.hpp"

#include <cerrno>
#include <new>

#include <sys/random.h>
#include <xxhash.h>
#ifdef CAIRN_XXH_DISPATCH
#include <xxh_x86dispatch.h>  // the widest instructions that this processor has
#endif

namespace cairn::base {

namespace {

Digest from_xxh(const XXH128_hash_t& hash) noexcept {
  return {hash.low64, hash.high64};
}

void append_hex(std::string& text, std::uint64_t lane) {
  constexpr char digits[] = "0123456789abcdef";
  for (int shift = 60; shift >= 0; shift -= 4) text += digits[(lane >> shift) & 15];
}

bool parse_hex(std::string_view text, std::uint64_t& lane) noexcept {
  lane = 0;
  for (const char c : text) {
    unsigned digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<unsigned>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<unsigned>(c - 'a') + 10;
    } else {
      return false;
    }
    lane = lane << 4 | digit;
  }
  return true;
}

}  // namespace

std::uint64_t checksum(std::span<const std::byte> bytes) noexcept {
  return XXH3_64bits(bytes.data(), bytes.size());
}

Digest digest(std::span<const std::byte> bytes, std::uint64_t seed) noexcept {
  return from_xxh(XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed));
}

struct Xxh3State {
  Xxh3State() : xxh(XXH3_createState()) {
    if (xxh == nullptr) throw std::bad_alloc();
  }
  ~Xxh3State() { XXH3_freeState(xxh); }
  Xxh3State(const Xxh3State&) = delete;
  Xxh3State& operator=(const Xxh3State&) = delete;

  XXH3_state_t* xxh;
};

StreamingChecksum::StreamingChecksum() : state_(std::make_unique<Xxh3State>()) {
  reset();
}
StreamingChecksum::~StreamingChecksum() = default;

void StreamingChecksum::reset() noexcept {
  XXH3_64bits_reset(state_->xxh);
}

void StreamingChecksum::add(std::span<const std::byte> bytes) noexcept {
  if (!bytes.empty()) XXH3_64bits_update(state_->xxh, bytes.data(), bytes.size());
}

std::uint64_t StreamingChecksum::result() const noexcept {
  return XXH3_64bits_digest(state_->xxh);
}

StreamingDigest::StreamingDigest() : state_(std::make_unique<Xxh3State>()) {
  XXH3_128bits_reset(state_->xxh);
}
StreamingDigest::~StreamingDigest() = default;

void StreamingDigest::add(std::span<const std::byte> bytes) noexcept {
  if (!bytes.empty()) XXH3_128bits_update(state_->xxh, bytes.data(), bytes.size());
}

Digest StreamingDigest::result() const noexcept {
  return from_xxh(XXH3_128bits_digest(state_->xxh));
}

std::string to_hex(const Digest& digest) {
  std::string text;
  text.reserve(32);
  append_hex(text, digest.hi);
  append_hex(text, digest.lo);
  return text;
}

bool from_hex(std::string_view text, Digest& digest) noexcept {
  Digest parsed;
  if (text.size() != 32 || !parse_hex(text.substr(0, 16), parsed.hi) ||
      !parse_hex(text.substr(16), parsed.lo)) {
    return false;
  }
  digest = parsed;
  return true;
}

Digest random_id() {
  Digest id;
  while (id == Digest{}) {
    const auto got = ::getrandom(&id, sizeof id, 0);
    if (got < 0 && errno != EINTR) {
      throw Error(ErrorCode::internal, "the system gives no random numbers (getrandom failed)", errno);
    }
    if (got != static_cast<ssize_t>(sizeof id)) id = {};
  }
  return id;
}

}  // namespace cairn::base
