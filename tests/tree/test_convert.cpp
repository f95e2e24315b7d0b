#include "tree/convert.hpp"

#include <cmath>
#include <complex>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

using namespace cairn;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const double kNan = std::numeric_limits<double>::quiet_NaN();

/// Converts one value, through memory that is not aligned.
template <class To, class From>
To convert(Dtype from, Dtype to, From value, bool& fits, Cast cast = Cast::any) {
  std::byte source[sizeof(From) + 1], target[sizeof(To) + 1];
  std::memcpy(source + 1, &value, sizeof value);
  const auto run = tree::converter(from, to);
  REQUIRE(run != nullptr);
  fits = run(source + 1, target + 1, 1, cast);
  To result;
  std::memcpy(&result, target + 1, sizeof result);
  return result;
}
template <class To, class From>
To any(Dtype from, Dtype to, From value) {
  bool fits = false;
  const auto result = convert<To>(from, to, value, fits);
  CHECK(fits);
  return result;
}
template <class To, class From>
bool in_range(Dtype from, Dtype to, From value) {
  bool fits = false;
  convert<To>(from, to, value, fits, Cast::in_range);
  return fits;
}

/// A small format by its definition: the values of all its codes, searched for the nearest.
struct Format {
  Dtype dtype;
  int exponent_bits, mantissa_bits;
  bool has_infinity;

  double value(unsigned code) const {
    const int bias = (1 << (exponent_bits - 1)) - 1;
    const unsigned exponent = code >> mantissa_bits, mantissa = code & ((1u << mantissa_bits) - 1);
    if (has_infinity && exponent == (1u << exponent_bits) - 1) return mantissa == 0 ? kInfinity : kNan;
    if (!has_infinity && code == (1u << (exponent_bits + mantissa_bits)) - 1) return kNan;
    if (exponent == 0) return std::ldexp(mantissa, 1 - bias - mantissa_bits);
    return std::ldexp(mantissa + (1u << mantissa_bits), static_cast<int>(exponent) - bias - mantissa_bits);
  }
  unsigned infinity() const {
    const auto all = (1u << (exponent_bits + mantissa_bits)) - 1;
    return has_infinity ? ((1u << exponent_bits) - 1) << mantissa_bits : all;
  }
  /// Of a value that is neither negative nor NaN. Past the largest: by half of the last step, as if one more
  /// followed.
  unsigned nearest(long double value) const {
    unsigned low = 0, high = infinity();
    const auto at = [&](unsigned code) {
      if (code < infinity()) return static_cast<long double>(this->value(code));
      return 2 * static_cast<long double>(this->value(code - 1)) -
             static_cast<long double>(this->value(code - 2));
    };
    while (high - low > 1) (at((low + high) / 2) <= value ? low : high) = (low + high) / 2;
    const auto below = value - at(low), above = at(high) - value;
    if (below != above) return below < above ? low : high;
    return low % 2 == 0 ? low : high;
  }
};
constexpr Format kFormats[] = {{Dtype::f16, 5, 10, true},
                               {Dtype::bf16, 8, 7, true},
                               {Dtype::e4m3, 4, 3, false},
                               {Dtype::e5m2, 5, 2, true}};

template <class From>
unsigned encode(const Format& format, Dtype from, From value) {
  return size_of(format.dtype) == 1 ? any<std::uint8_t>(from, format.dtype, value)
                                    : any<std::uint16_t>(from, format.dtype, value);
}
double decode(const Format& format, unsigned code) {
  return size_of(format.dtype) == 1 ? any<double>(format.dtype, Dtype::f64, static_cast<std::uint8_t>(code))
                                    : any<double>(format.dtype, Dtype::f64, static_cast<std::uint16_t>(code));
}

}  // namespace

TEST_CASE("small floating-point formats hold the values of their definition") {
  for (const auto& format : kFormats) {
    const auto sign = 1u << (format.exponent_bits + format.mantissa_bits);
    for (unsigned code = 0; code < sign; ++code) {
      const auto expected = format.value(code), found = decode(format, code);
      if (std::isnan(expected)) {
        REQUIRE(std::isnan(found));
        REQUIRE(std::isnan(decode(format, encode(format, Dtype::f64, found))));
        continue;
      }
      REQUIRE(found == expected);
      REQUIRE(decode(format, code | sign) == -expected);
      REQUIRE(std::signbit(decode(format, code | sign)));
      if (format.has_infinity || code < format.infinity()) {
        REQUIRE(encode(format, Dtype::f64, expected) == code);
        REQUIRE(encode(format, Dtype::f64, -expected) == (code | sign));
      }
    }
  }
  CHECK(decode(kFormats[2], 0x7e) == 448);
  CHECK(encode(kFormats[2], Dtype::f64, kNan) == 0x7f);
  CHECK(encode(kFormats[2], Dtype::f64, kInfinity) == 0x7f);
}

TEST_CASE("small floating-point formats are rounded to the nearest, ties to even") {
  std::mt19937_64 engine(7);
  for (const auto& format : kFormats) {
    const auto largest = format.infinity() - 1;
    for (int round = 0; round < 3000; ++round) {
      const auto code = static_cast<unsigned>(engine() % largest);
      const double low = format.value(code), high = format.value(code + 1);
      const double middle = low + (high - low) / 2;
      const double between = low + (high - low) * std::uniform_real_distribution<double>()(engine);
      for (const double value :
           {middle, std::nextafter(middle, low), std::nextafter(middle, high), between}) {
        REQUIRE(encode(format, Dtype::f64, value) == format.nearest(value));
        const auto single = static_cast<float>(value);
        REQUIRE(encode(format, Dtype::f32, single) == format.nearest(single));
      }
    }
    const double top = format.value(largest), step = top - format.value(largest - 1);
    const bool tie_is_even = largest % 2 == 0;
    CHECK(encode(format, Dtype::f64, top + step / 2) == (tie_is_even ? largest : format.infinity()));
    CHECK(encode(format, Dtype::f64, std::nextafter(top + step / 2, 0)) == largest);
    CHECK(encode(format, Dtype::f64, top + step) == format.infinity());
    CHECK(encode(format, Dtype::f64, 1e300) == format.infinity());
    CHECK(encode(format, Dtype::f64, 5e-324) == 0);
  }
}

TEST_CASE("large integers are rounded once") {
  const auto& bf16 = kFormats[1];
  const auto tie = (std::int64_t{1} << 62) + (std::int64_t{1} << 54);
  CHECK(encode(bf16, Dtype::i64, tie) == bf16.nearest(static_cast<long double>(tie)));
  CHECK(encode(bf16, Dtype::i64, tie + 1) == bf16.nearest(static_cast<long double>(tie)) + 1);
  std::mt19937_64 engine(8);
  for (int round = 0; round < 3000; ++round) {
    const auto value = engine() >> (engine() % 64);
    REQUIRE(encode(bf16, Dtype::u64, value) == bf16.nearest(static_cast<long double>(value)));
    REQUIRE(any<float>(Dtype::u64, Dtype::f32, value) == static_cast<float>(value));
    REQUIRE(any<double>(Dtype::i64, Dtype::f64, static_cast<std::int64_t>(value)) ==
            static_cast<double>(static_cast<std::int64_t>(value)));
  }
}

TEST_CASE("integers keep their value where they fit, and wrap where anything goes") {
  CHECK(any<std::int64_t>(Dtype::i8, Dtype::i64, std::int8_t{-5}) == -5);
  CHECK(any<std::uint8_t>(Dtype::i32, Dtype::u8, 300) == 44);
  CHECK(any<std::uint64_t>(Dtype::i32, Dtype::u64, -1) == ~std::uint64_t{0});
  CHECK(in_range<std::uint8_t>(Dtype::i32, Dtype::u8, 255));
  CHECK_FALSE(in_range<std::uint8_t>(Dtype::i32, Dtype::u8, 256));
  CHECK_FALSE(in_range<std::uint8_t>(Dtype::i32, Dtype::u8, -1));
  CHECK_FALSE(in_range<std::int64_t>(Dtype::u64, Dtype::i64, std::uint64_t{1} << 63));
}

TEST_CASE("floating-point values become integers towards zero, within the target's range") {
  CHECK(any<std::int32_t>(Dtype::f64, Dtype::i32, -2.9) == -2);
  CHECK(any<std::uint8_t>(Dtype::f32, Dtype::u8, 1e9f) == 255);
  CHECK(any<std::int64_t>(Dtype::f64, Dtype::i64, -1e300) == std::numeric_limits<std::int64_t>::min());
  CHECK(any<std::int64_t>(Dtype::f64, Dtype::i64, kInfinity) == std::numeric_limits<std::int64_t>::max());
  CHECK(any<std::int32_t>(Dtype::f64, Dtype::i32, kNan) == 0);
  CHECK(in_range<std::int64_t>(Dtype::f64, Dtype::i64, -0x1p63));
  CHECK_FALSE(in_range<std::int64_t>(Dtype::f64, Dtype::i64, 0x1p63));
  CHECK(in_range<std::uint64_t>(Dtype::f64, Dtype::u64, 0x1.fffffffffffffp63));
  CHECK_FALSE(in_range<std::uint64_t>(Dtype::f64, Dtype::u64, 0x1p64));
  CHECK_FALSE(in_range<std::int32_t>(Dtype::f64, Dtype::i32, 0.5));
  CHECK_FALSE(in_range<std::int32_t>(Dtype::f64, Dtype::i32, kNan));
  CHECK_FALSE(in_range<std::uint8_t>(Dtype::f64, Dtype::u8, -1.0));
  CHECK(in_range<std::uint8_t>(Dtype::f64, Dtype::u8, -0.0));
}

TEST_CASE("rounding is in range, overflow is not") {
  CHECK(in_range<float>(Dtype::f64, Dtype::f32, 0.1));
  CHECK(in_range<float>(Dtype::f64, Dtype::f32, kInfinity));
  CHECK(in_range<float>(Dtype::f64, Dtype::f32, kNan));
  CHECK(in_range<float>(Dtype::i64, Dtype::f32, std::numeric_limits<std::int64_t>::max()));
  CHECK_FALSE(in_range<float>(Dtype::f64, Dtype::f32, 1e300));
  CHECK(in_range<std::uint16_t>(Dtype::f32, Dtype::f16, 65519.0f));
  CHECK_FALSE(in_range<std::uint16_t>(Dtype::f32, Dtype::f16, 65520.0f));
  CHECK_FALSE(in_range<std::uint16_t>(Dtype::i32, Dtype::f16, 70000));
  CHECK(in_range<std::uint8_t>(Dtype::f32, Dtype::e5m2, std::numeric_limits<float>::infinity()));
  CHECK_FALSE(in_range<std::uint8_t>(Dtype::f32, Dtype::e4m3, std::numeric_limits<float>::infinity()));
  CHECK(in_range<std::uint8_t>(Dtype::f32, Dtype::e4m3, std::numeric_limits<float>::quiet_NaN()));
  CHECK_FALSE(in_range<std::uint8_t>(Dtype::f32, Dtype::e4m3, 500.0f));
  CHECK(in_range<std::uint16_t>(Dtype::f32, Dtype::bf16, 3e38f));
  CHECK_FALSE(in_range<std::uint16_t>(Dtype::f32, Dtype::bf16, std::numeric_limits<float>::max()));
}

TEST_CASE("booleans are nought and one") {
  CHECK(any<std::uint8_t>(Dtype::f64, Dtype::boolean, 0.25) == 1);
  CHECK(any<std::uint8_t>(Dtype::f64, Dtype::boolean, -0.0) == 0);
  CHECK(any<double>(Dtype::boolean, Dtype::f64, std::uint8_t{1}) == 1.0);
  CHECK(any<std::int64_t>(Dtype::boolean, Dtype::i64, std::uint8_t{255}) == 1);
  CHECK(in_range<std::uint8_t>(Dtype::i32, Dtype::boolean, 1));
  CHECK_FALSE(in_range<std::uint8_t>(Dtype::i32, Dtype::boolean, 2));
  CHECK_FALSE(in_range<std::uint8_t>(Dtype::f64, Dtype::boolean, kNan));
}

TEST_CASE("complex values convert by parts, and reals become their real parts") {
  using C64 = std::complex<float>;
  using C128 = std::complex<double>;
  CHECK(any<C64>(Dtype::c128, Dtype::c64, C128(0.1, -2)) == C64(0.1f, -2));
  CHECK(any<C128>(Dtype::c64, Dtype::c128, C64(0.5f, 3)) == C128(0.5, 3));
  CHECK(any<C64>(Dtype::i32, Dtype::c64, 7) == C64(7, 0));
  CHECK(any<C128>(Dtype::boolean, Dtype::c128, std::uint8_t{1}) == C128(1, 0));
  CHECK_FALSE(in_range<C64>(Dtype::c128, Dtype::c64, C128(0, 1e300)));

  std::vector<std::uint16_t> halves(1000);
  std::vector<C64> complex(halves.size(), C64(9, 9));
  for (std::size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<std::uint16_t>(i * 31);
  REQUIRE(tree::converter(Dtype::f16, Dtype::c64)(reinterpret_cast<const std::byte*>(halves.data()),
                                                  reinterpret_cast<std::byte*>(complex.data()), halves.size(),
                                                  Cast::any));
  for (std::size_t i = 0; i < halves.size(); ++i)
    REQUIRE(complex[i] == C64(static_cast<float>(kFormats[0].value(halves[i])), 0));
}

TEST_CASE("every numeric type converts to every other, but complex to real and strings") {
  const auto last = static_cast<int>(Dtype::string);
  for (int from = 0; from <= last; ++from)
    for (int to = 0; to <= last; ++to) {
      const auto a = static_cast<Dtype>(from), b = static_cast<Dtype>(to);
      const auto is_none = [](Dtype dtype) { return dtype == Dtype::none || dtype == Dtype::string; };
      const auto is_complex = [](Dtype dtype) { return dtype == Dtype::c64 || dtype == Dtype::c128; };
      const bool expected = !is_none(a) && !is_none(b) && (!is_complex(a) || is_complex(b));
      CHECK((tree::converter(a, b) != nullptr) == expected);
    }
}

TEST_CASE("a long array is converted to its end, and the one bad value is found anywhere") {
  for (const std::size_t bad : {0u, 511u, 512u, 1999u}) {
    std::vector<std::int32_t> from(2000);
    for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<std::int32_t>(i % 128);
    std::vector<std::int8_t> to(from.size());
    const auto run = [&](Cast cast) {
      return tree::converter(Dtype::i32, Dtype::i8)(reinterpret_cast<const std::byte*>(from.data()),
                                                    reinterpret_cast<std::byte*>(to.data()), from.size(),
                                                    cast);
    };
    REQUIRE(run(Cast::in_range));
    for (std::size_t i = 0; i < from.size(); ++i) REQUIRE(to[i] == from[i]);
    from[bad] = 128;
    REQUIRE_FALSE(run(Cast::in_range));
    REQUIRE_FALSE(run(Cast::never));
    REQUIRE(run(Cast::any));
    REQUIRE(to[bad] == -128);
  }
}
