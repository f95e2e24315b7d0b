#include "base/stream_copy.hpp"

#include <random>
#include <vector>

#include <catch2/catch.hpp>

TEST_CASE("a copy past the caches copies just the bytes, from and to any address") {
  std::mt19937_64 random(5);
  std::vector<std::byte> from(5000), to(5000);
  for (auto& byte : from) byte = static_cast<std::byte>(random());
  for (int round = 0; round < 3000; ++round) {
    const auto bytes = random() % 1500, source = random() % 3000, target = random() % 3000;
    std::fill(to.begin(), to.end(), std::byte{7});
    cairn::base::stream_copy(to.data() + target, from.data() + source, bytes);
    auto expected = std::vector<std::byte>(5000, std::byte{7});
    std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(source), bytes,
                expected.begin() + static_cast<std::ptrdiff_t>(target));
    REQUIRE(to == expected);
  }
}
