#include "base/checksum.hpp"

#include <cstring>
#include <numeric>
#include <vector>

#include <catch2/catch.hpp>

using namespace cairn;

namespace {

std::vector<std::byte> some_bytes(std::size_t count) {
  std::vector<std::byte> bytes(count);
  std::uint32_t state = 12345;
  for (auto& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<std::byte>(state >> 24);
  }
  return bytes;
}

}  // namespace

TEST_CASE("checksums are XXH3: published values of the empty text") {
  REQUIRE(base::checksum({}) == 0x2d06800538d394c2u);
  REQUIRE(base::to_hex(base::digest(std::string_view())) == "99aa06d3014798d86001c324468d497f");
}

TEST_CASE("every flipped bit changes checksum and digest") {
  auto bytes = some_bytes(300);
  const auto checksum = base::checksum(bytes);
  const auto digest = base::digest(bytes);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    REQUIRE(base::checksum(bytes) != checksum);
    REQUIRE(base::digest(bytes) != digest);
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
  }
  REQUIRE(base::digest(bytes) == digest);
}

TEST_CASE("a seed changes the digest") {
  const auto bytes = some_bytes(100);
  REQUIRE(base::digest(bytes, 1) != base::digest(bytes));
  REQUIRE(base::digest(bytes, 1) == base::digest(bytes, 1));
}

TEST_CASE("a streaming digest is that of the pieces joined, wherever they are cut") {
  const auto bytes = some_bytes(5000);
  const std::span<const std::byte> all(bytes);
  for (std::size_t piece : {1u, 7u, 64u, 255u, 256u, 1024u, 5000u}) {
    base::StreamingDigest streaming;
    for (std::size_t at = 0; at < all.size(); at += piece) {
      streaming.add(all.subspan(at, std::min(piece, all.size() - at)));
      streaming.add({});
    }
    REQUIRE(streaming.result() == base::digest(all));
  }
  REQUIRE(base::StreamingDigest().result() == base::digest(std::string_view()));
}

TEST_CASE("digests add and subtract with wrap-around") {
  base::Digest sum{~std::uint64_t{0}, 1};
  sum += base::Digest{2, ~std::uint64_t{0}};
  REQUIRE(sum == base::Digest{1, 0});
  sum -= base::Digest{2, ~std::uint64_t{0}};
  REQUIRE(sum == base::Digest{~std::uint64_t{0}, 1});
}

TEST_CASE("hex digits go round, and nothing else is taken") {
  const base::Digest digest{0x0123456789abcdef, 0xfedcba9876543210};
  const std::string text = base::to_hex(digest);
  REQUIRE(text == "fedcba98765432100123456789abcdef");
  base::Digest parsed;
  REQUIRE(base::from_hex(text, parsed));
  REQUIRE(parsed == digest);

  const std::string upper = "FEDCBA98765432100123456789abcdef";
  for (const std::string& bad : {std::string(), text.substr(1), text + "0", upper, "g" + text.substr(1),
                                 text.substr(0, 31) + '\0', " " + text.substr(1)}) {
    base::Digest kept = digest;
    REQUIRE_FALSE(base::from_hex(bad, kept));
    REQUIRE(kept == digest);
  }
}

TEST_CASE("ids are random and never zero") {
  const auto first = base::random_id();
  REQUIRE(first != base::Digest{});
  REQUIRE(base::random_id() != first);
}
