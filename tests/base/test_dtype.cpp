#include "cairn/dtype.hpp"

#include <atomic>

#include <catch2/catch.hpp>

using cairn::Dtype;
using cairn::DtypeOf;

namespace {

enum class Color : std::uint16_t { red };
enum Plain { one };

/// As CUDA's and Kokkos's libraries write them.
struct LookAlikeComplex {
  using value_type = float;
  float real() const { return re; }
  float imag() const { return im; }
  float re, im;
};
/// As an Eigen vector of two, whose real() is an expression.
struct PairOfNumbers {
  using value_type = double;
  PairOfNumbers real() const { return *this; }
  PairOfNumbers imag() const { return *this; }
  double values[2];
};
struct KnownHalf {
  std::uint16_t bits;
};
struct KnownBrainFloat {
  std::uint16_t bits;
};
struct MyFp8 {
  std::uint8_t bits;
};

template <class Value>
constexpr Dtype of = DtypeOf<Value>::value;

}  // namespace

namespace std {
template <>
class numeric_limits<KnownHalf> {
 public:
  static constexpr bool is_specialized = true;
  static constexpr int digits = 11;
};
template <>
class numeric_limits<KnownBrainFloat> {
 public:
  static constexpr bool is_specialized = true;
  static constexpr int digits = 8;
};
}  // namespace std

template <>
struct cairn::DtypeOf<MyFp8> {
  static constexpr Dtype value = Dtype::e4m3;
};

TEST_CASE("integers go by size and sign, not by name") {
  STATIC_REQUIRE(of<std::int8_t> == Dtype::i8);
  STATIC_REQUIRE(of<signed char> == Dtype::i8);
  STATIC_REQUIRE(of<unsigned char> == Dtype::u8);
  STATIC_REQUIRE(of<short> == Dtype::i16);
  STATIC_REQUIRE(of<int> == Dtype::i32);
  STATIC_REQUIRE(of<unsigned> == Dtype::u32);
  STATIC_REQUIRE(of<long> == Dtype::i64);
  STATIC_REQUIRE(of<long long> == Dtype::i64);
  STATIC_REQUIRE(of<unsigned long> == Dtype::u64);
  STATIC_REQUIRE(of<unsigned long long> == Dtype::u64);
  STATIC_REQUIRE(of<const int> == Dtype::i32);
}

TEST_CASE("bool, bytes, characters and enums") {
  STATIC_REQUIRE(of<bool> == Dtype::boolean);
  STATIC_REQUIRE(of<std::byte> == Dtype::u8);
  STATIC_REQUIRE(of<char> == Dtype::u8);
  STATIC_REQUIRE(of<Color> == Dtype::u16);
  STATIC_REQUIRE(of<Plain> == Dtype::u32);
}

TEST_CASE("floating-point and complex numbers") {
  STATIC_REQUIRE(of<float> == Dtype::f32);
  STATIC_REQUIRE(of<double> == Dtype::f64);
  STATIC_REQUIRE(of<std::complex<float>> == Dtype::c64);
  STATIC_REQUIRE(of<std::complex<double>> == Dtype::c128);
  STATIC_REQUIRE(of<LookAlikeComplex> == Dtype::c64);
  STATIC_REQUIRE(of<KnownHalf> == Dtype::f16);
  STATIC_REQUIRE(of<KnownBrainFloat> == Dtype::bf16);
}

TEST_CASE("CUDA's small floats are known by name, without their headers") {
  STATIC_REQUIRE(of<__half> == Dtype::f16);
  STATIC_REQUIRE(of<__nv_bfloat16> == Dtype::bf16);
  STATIC_REQUIRE(of<__nv_fp8_e4m3> == Dtype::e4m3);
  STATIC_REQUIRE(of<__nv_fp8_e5m2> == Dtype::e5m2);
}

TEST_CASE("what has no exact dtype has none") {
  STATIC_REQUIRE(of<long double> == Dtype::none);
  STATIC_REQUIRE(of<std::complex<long double>> == Dtype::none);
  STATIC_REQUIRE(of<wchar_t> == Dtype::none);
  STATIC_REQUIRE(of<char16_t> == Dtype::none);
  STATIC_REQUIRE(of<char32_t> == Dtype::none);
  STATIC_REQUIRE(of<void> == Dtype::none);
  STATIC_REQUIRE(of<int*> == Dtype::none);
  STATIC_REQUIRE(of<std::string> == Dtype::none);
  STATIC_REQUIRE(of<std::atomic<int>> == Dtype::none);
  STATIC_REQUIRE(of<std::vector<int>> == Dtype::none);
  STATIC_REQUIRE(of<PairOfNumbers> == Dtype::none);
}

TEST_CASE("a specialisation names the dtype of a type of one's own") {
  STATIC_REQUIRE(of<MyFp8> == Dtype::e4m3);
}

TEST_CASE("every dtype has a name and a size") {
  const std::size_t bytes[] = {0, 1, 2, 4, 8, 1, 2, 4, 8, 2, 2, 4, 8, 1, 1, 8, 16, 1, 1};
  std::map<std::string, int> names;
  for (int i = 0; i <= static_cast<int>(Dtype::string); ++i) {
    CHECK(cairn::size_of(static_cast<Dtype>(i)) == bytes[i]);
    ++names[to_string(static_cast<Dtype>(i))];
  }
  CHECK(names.size() == 19);
  CHECK(std::string(to_string(Dtype::boolean)) == "bool");
  CHECK(std::string(to_string(Dtype::c128)) == "c128");
  CHECK(cairn::size_of(static_cast<Dtype>(99)) == 0);
}
