#include "tree/convert.hpp"

#include "tree/small_float.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

namespace cairn::tree {
namespace {

/// Every conversion goes through a wide type that holds its source exactly: std::int64_t, std::uint64_t or
/// double. So there is one reader a type and one writer a type and wide type, not one function a pair.
constexpr std::size_t kChunk = 512;

struct Boolean {};
template <class Real>
struct Complex {};

template <Dtype kDtype>
struct TypeOf {};
// clang-format off
template <> struct TypeOf<Dtype::i8> { using type = std::int8_t; };
template <> struct TypeOf<Dtype::i16> { using type = std::int16_t; };
template <> struct TypeOf<Dtype::i32> { using type = std::int32_t; };
template <> struct TypeOf<Dtype::i64> { using type = std::int64_t; };
template <> struct TypeOf<Dtype::u8> { using type = std::uint8_t; };
template <> struct TypeOf<Dtype::u16> { using type = std::uint16_t; };
template <> struct TypeOf<Dtype::u32> { using type = std::uint32_t; };
template <> struct TypeOf<Dtype::u64> { using type = std::uint64_t; };
template <> struct TypeOf<Dtype::f16> { using type = F16; };
template <> struct TypeOf<Dtype::bf16> { using type = Bf16; };
template <> struct TypeOf<Dtype::f32> { using type = float; };
template <> struct TypeOf<Dtype::f64> { using type = double; };
template <> struct TypeOf<Dtype::e4m3> { using type = E4m3; };
template <> struct TypeOf<Dtype::e5m2> { using type = E5m2; };
template <> struct TypeOf<Dtype::c64> { using type = Complex<float>; };
template <> struct TypeOf<Dtype::c128> { using type = Complex<double>; };
template <> struct TypeOf<Dtype::boolean> { using type = Boolean; };
// clang-format on

/// How a real type is stored, and read.
template <class Type>
struct Stored {
  using Bits = Type;
  using Wide = std::conditional_t<std::is_floating_point_v<Type>, double,
                                  std::conditional_t<std::is_signed_v<Type>, std::int64_t, std::uint64_t>>;
  static Wide widen(Bits bits) noexcept { return static_cast<Wide>(bits); }
};
template <>
struct Stored<Boolean> {
  using Bits = std::uint8_t;
  using Wide = std::uint64_t;
  static Wide widen(Bits bits) noexcept { return bits != 0; }
};
template <int kExponentBits, int kMantissaBits, bool kHasInfinity>
struct Stored<SmallFloat<kExponentBits, kMantissaBits, kHasInfinity>> {
  using Bits = typename SmallFloat<kExponentBits, kMantissaBits, kHasInfinity>::Bits;
  using Wide = double;
  static Wide widen(Bits bits) noexcept {
    return SmallFloat<kExponentBits, kMantissaBits, kHasInfinity>::to_double(bits);
  }
};

/// An integer as a double whose last bit is set where bits were lost ("round to odd"), so that rounding it
/// once more, to fewer than 52 bits, gives what rounding the integer itself would.
template <class Integer>
double sticky_double(Integer value) noexcept {
  const bool negative = value < 0;
  auto magnitude = static_cast<std::uint64_t>(value);
  if (negative) magnitude = 0 - magnitude;
  if (const int lost = 11 - std::countl_zero(magnitude); lost > 0) {
    const std::uint64_t mask = (std::uint64_t{1} << lost) - 1;
    const bool inexact = (magnitude & mask) != 0;
    magnitude = (magnitude & ~mask) | (inexact ? mask + 1 : 0);
  }
  const auto result = static_cast<double>(magnitude);
  return negative ? -result : result;
}

/// Narrows one wide value; `fits` becomes false where it is out of the target's range.
template <class Type>
struct Narrow {
  static_assert(std::is_integral_v<Type>);
  static Type from(std::int64_t value, bool& fits) noexcept { return from_integer(value, fits); }
  static Type from(std::uint64_t value, bool& fits) noexcept { return from_integer(value, fits); }
  static Type from(double value, bool& fits) noexcept {
    constexpr auto kLow = std::numeric_limits<Type>::min();
    constexpr auto kHigh = std::numeric_limits<Type>::max();
    // One past the highest value is a power of two, which a double holds exactly.
    const double end = std::ldexp(1.0, std::numeric_limits<Type>::digits);
    const double whole = std::trunc(value);
    fits = fits && value == whole && whole >= static_cast<double>(kLow) && whole < end;
    if (std::isnan(value)) return 0;
    if (whole >= end) return kHigh;
    if (whole < static_cast<double>(kLow)) return kLow;
    return static_cast<Type>(whole);
  }

 private:
  template <class Integer>
  static Type from_integer(Integer value, bool& fits) noexcept {
    fits = fits && std::in_range<Type>(value);
    return static_cast<Type>(value);
  }
};
template <>
struct Narrow<double> {
  template <class Wide>
  static double from(Wide value, bool&) noexcept {
    return static_cast<double>(value);
  }
};
template <>
struct Narrow<float> {
  template <class Wide>
  static float from(Wide value, bool& fits) noexcept {
    const auto result = static_cast<float>(value);
    if constexpr (std::is_same_v<Wide, double>) fits = fits && std::isinf(result) == std::isinf(value);
    return result;
  }
};
template <>
struct Narrow<Boolean> {
  template <class Wide>
  static std::uint8_t from(Wide value, bool& fits) noexcept {
    fits = fits && (value == 0 || value == 1);
    return value != 0;
  }
};
template <int kExponentBits, int kMantissaBits, bool kHasInfinity>
struct Narrow<SmallFloat<kExponentBits, kMantissaBits, kHasInfinity>> {
  using Small = SmallFloat<kExponentBits, kMantissaBits, kHasInfinity>;
  template <class Wide>
  static typename Small::Bits from(Wide value, bool& fits) noexcept {
    if constexpr (std::is_same_v<Wide, double>)
      return Small::from_double(value, fits);
    else
      return Small::from_double(sticky_double(value), fits);
  }
};

template <class Type>
void read_chunk(const std::byte* from, typename Stored<Type>::Wide* wide, std::size_t count) noexcept {
  typename Stored<Type>::Bits bits;
  for (std::size_t i = 0; i < count; ++i) {
    std::memcpy(&bits, from + i * sizeof bits, sizeof bits);
    wide[i] = Stored<Type>::widen(bits);
  }
}

/// `stride`: 1, or 2 for the real parts of complex values.
template <class Type, class Wide>
bool write_chunk(const Wide* wide, std::byte* to, std::size_t count, std::size_t stride) noexcept {
  bool fits = true;
  for (std::size_t i = 0; i < count; ++i) {
    const auto bits = Narrow<Type>::from(wide[i], fits);
    std::memcpy(to + i * stride * sizeof bits, &bits, sizeof bits);
  }
  return fits;
}

template <class From, class To>
bool convert_reals(const std::byte* from, std::byte* to, std::size_t count, std::size_t stride, Cast cast) {
  using Wide = typename Stored<From>::Wide;
  std::array<Wide, kChunk> wide;
  for (std::size_t done = 0; done < count; done += kChunk) {
    const auto now = std::min(kChunk, count - done);
    read_chunk<From>(from + done * sizeof(typename Stored<From>::Bits), wide.data(), now);
    const bool fits = write_chunk<To, Wide>(
        wide.data(), to + done * stride * sizeof(typename Stored<To>::Bits), now, stride);
    if (!fits && cast != Cast::any) return false;
  }
  return true;
}

template <class From, class To>
struct Pair {
  static bool convert(const std::byte* from, std::byte* to, std::size_t count, Cast cast) {
    return convert_reals<From, To>(from, to, count, 1, cast);
  }
};
template <class Same>
requires(!std::is_empty_v<Same> || std::is_same_v<Same, Boolean>) struct Pair<Same, Same> {
  static bool convert(const std::byte* from, std::byte* to, std::size_t count, Cast) {
    std::memcpy(to, from, count * sizeof(typename Stored<Same>::Bits));
    return true;
  }
};
template <class From, class To>
struct Pair<Complex<From>, Complex<To>> {
  static bool convert(const std::byte* from, std::byte* to, std::size_t count, Cast cast) {
    return Pair<From, To>::convert(from, to, 2 * count, cast);
  }
};
template <class From, class To>
struct Pair<From, Complex<To>> {
  static bool convert(const std::byte* from, std::byte* to, std::size_t count, Cast cast) {
    std::memset(to, 0, count * 2 * sizeof(To));
    return convert_reals<From, To>(from, to, count, 2, cast);
  }
};

constexpr std::size_t kTypes =
    static_cast<std::size_t>(Dtype::boolean) + 1;  // `none` unused; `string` is last

constexpr bool is_complex(Dtype dtype) noexcept {
  return dtype == Dtype::c64 || dtype == Dtype::c128;
}

template <std::size_t kPair>
constexpr Converter entry() noexcept {
  constexpr auto kFrom = static_cast<Dtype>(kPair / kTypes), kTo = static_cast<Dtype>(kPair % kTypes);
  if constexpr (kFrom == Dtype::none || kTo == Dtype::none || (is_complex(kFrom) && !is_complex(kTo)))
    return nullptr;
  else
    return Pair<typename TypeOf<kFrom>::type, typename TypeOf<kTo>::type>::convert;
}

template <std::size_t... kPairs>
constexpr std::array<Converter, kTypes * kTypes> make_table(std::index_sequence<kPairs...>) noexcept {
  return {entry<kPairs>()...};
}
constexpr auto kTable = make_table(std::make_index_sequence<kTypes * kTypes>());

}  // namespace

Converter converter(Dtype from, Dtype to) noexcept {
  const auto row = static_cast<std::size_t>(from), column = static_cast<std::size_t>(to);
  return row < kTypes && column < kTypes ? kTable[row * kTypes + column] : nullptr;
}

}  // namespace cairn::tree
