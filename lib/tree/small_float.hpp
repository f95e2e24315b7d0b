#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

namespace cairn::tree {

/// A floating-point format of one sign bit, `kExponentBits` and `kMantissaBits`, in the low bits of `Bits`.
/// Without infinity (OCP fp8 e4m3 "FN"), the highest exponent holds ordinary values, and all ones are the one
/// NaN.
template <int kExponentBits, int kMantissaBits, bool kHasInfinity>
struct SmallFloat {
  using Bits = std::conditional_t<(kExponentBits + kMantissaBits > 7), std::uint16_t, std::uint8_t>;

  static double to_double(Bits bits) noexcept {
    const std::uint64_t sign = std::uint64_t{bits & kSign} << (63 - kExponentBits - kMantissaBits);
    const std::uint64_t rest = bits & kAllOnes;
    std::uint64_t magnitude = 0;
    if (kHasInfinity ? rest >= kInfinity : rest == kAllOnes) {
      magnitude = kDoubleInfinity | ((rest == kInfinity && kHasInfinity) ? 0 : kDoubleQuiet);
    } else if (rest >= (1u << kMantissaBits)) {
      magnitude = (rest << (52 - kMantissaBits)) + (std::uint64_t{1023 - kBias} << 52);
    } else {
      magnitude = std::bit_cast<std::uint64_t>(static_cast<double>(rest) * kSmallest);
    }
    return std::bit_cast<double>(sign | magnitude);
  }

  /// Rounds to nearest, ties to even. Past the largest value: infinity, or NaN where there is none, and
  /// `fits` becomes false; so it does for an infinity that has no counterpart.
  static Bits from_double(double value, bool& fits) noexcept {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    const auto sign = static_cast<std::uint32_t>((bits >> 63) << (kExponentBits + kMantissaBits));
    const auto magnitude = bits & ~(std::uint64_t{1} << 63);
    if (magnitude >= kDoubleInfinity) {
      if (magnitude > kDoubleInfinity) return static_cast<Bits>(sign | kNan);
      fits = fits && kHasInfinity;
      return static_cast<Bits>(sign | (kHasInfinity ? kInfinity : kNan));
    }
    const int exponent = static_cast<int>(magnitude >> 52) - 1023 + kBias;  // biased as in this format
    const std::uint64_t mantissa = (magnitude & ((std::uint64_t{1} << 52) - 1)) | (std::uint64_t{1} << 52);
    const int below = exponent < 1 ? 1 - exponent : 0;  // how far it lies below the normal numbers
    const int shift = 52 - kMantissaBits + below;
    if (shift > 60) return static_cast<Bits>(sign);
    const std::uint64_t half = std::uint64_t{1} << (shift - 1);
    const std::uint64_t even = (mantissa >> shift) & 1;
    std::uint64_t result = (mantissa + half - 1 + even) >> shift;
    if (exponent > 1) result += static_cast<std::uint64_t>(exponent - 1) << kMantissaBits;
    if (result > kLargest) {
      fits = false;
      result = kHasInfinity ? kInfinity : kNan;
    }
    return static_cast<Bits>(sign | result);
  }

 private:
  static constexpr int kBias = (1 << (kExponentBits - 1)) - 1;
  static constexpr std::uint32_t kSign = 1u << (kExponentBits + kMantissaBits);
  static constexpr std::uint32_t kAllOnes = kSign - 1;
  static constexpr std::uint32_t kInfinity = ((1u << kExponentBits) - 1) << kMantissaBits;
  static constexpr std::uint32_t kNan = kHasInfinity ? kInfinity | (1u << (kMantissaBits - 1)) : kAllOnes;
  static constexpr std::uint32_t kLargest = kHasInfinity ? kInfinity - 1 : kAllOnes - 1;
  static constexpr double kSmallest =  // of the numbers above zero: 2^(1 - bias - mantissa bits)
      std::bit_cast<double>(static_cast<std::uint64_t>(1023 + 1 - kBias - kMantissaBits) << 52);
  static constexpr std::uint64_t kDoubleInfinity = std::uint64_t{0x7ff} << 52;
  static constexpr std::uint64_t kDoubleQuiet = std::uint64_t{1} << 51;
};

using F16 = SmallFloat<5, 10, true>;
using Bf16 = SmallFloat<8, 7, true>;
using E4m3 = SmallFloat<4, 3, false>;
using E5m2 = SmallFloat<5, 2, true>;

}  // namespace cairn::tree
