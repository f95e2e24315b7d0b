#include "values.hpp"

#include "text.hpp"
#include "tree/convert.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace cairn::command {
namespace {

template <class Value>
std::vector<Value> widened(Dtype from, Dtype to, const std::byte* elements, std::size_t count) {
  std::vector<Value> values(count);
  if (const auto convert = tree::converter(from, to))
    convert(elements, reinterpret_cast<std::byte*>(values.data()), count, Cast::any);
  return values;
}

std::string real_text(Dtype dtype, double value) {
  if (dtype == Dtype::f64 || dtype == Dtype::c128) return number_text(value);
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), static_cast<float>(value)).ptr;
  return {text.data(), end};
}

std::string complex_text(Dtype dtype, std::complex<double> value) {
  const auto imag = real_text(dtype, value.imag());
  return real_text(dtype, value.real()) + (imag.front() == '-' ? "" : "+") + imag + 'j';
}

std::string real_json(Dtype dtype, double value) {
  return std::isfinite(value) ? real_text(dtype, value) : json_text(number_json(value));
}

}  // namespace

Wide wide_type(Dtype dtype) noexcept {
  switch (dtype) {
    case Dtype::i8:
    case Dtype::i16:
    case Dtype::i32:
    case Dtype::i64:
      return Wide::signed_integer;
    case Dtype::c64:
    case Dtype::c128:
      return Wide::complex;
    case Dtype::f16:
    case Dtype::bf16:
    case Dtype::f32:
    case Dtype::f64:
    case Dtype::e4m3:
    case Dtype::e5m2:
      return Wide::real;
    default:
      return Wide::unsigned_integer;
  }
}

std::vector<std::int64_t> to_signed(Dtype dtype, const std::byte* elements, std::size_t count) {
  return widened<std::int64_t>(dtype, Dtype::i64, elements, count);
}
std::vector<std::uint64_t> to_unsigned(Dtype dtype, const std::byte* elements, std::size_t count) {
  return widened<std::uint64_t>(dtype, Dtype::u64, elements, count);
}
std::vector<double> to_real(Dtype dtype, const std::byte* elements, std::size_t count) {
  return widened<double>(dtype, Dtype::f64, elements, count);
}
std::vector<std::complex<double>> to_complex(Dtype dtype, const std::byte* elements, std::size_t count) {
  return widened<std::complex<double>>(dtype, Dtype::c128, elements, count);
}

std::string element_text(Dtype dtype, const std::byte* element, std::size_t bytes) {
  if (dtype == Dtype::string) return {reinterpret_cast<const char*>(element), bytes};
  if (dtype == Dtype::boolean) return *element == std::byte{0} ? "false" : "true";
  switch (wide_type(dtype)) {
    case Wide::signed_integer:
      return std::to_string(to_signed(dtype, element, 1)[0]);
    case Wide::unsigned_integer:
      return std::to_string(to_unsigned(dtype, element, 1)[0]);
    case Wide::real:
      return real_text(dtype, to_real(dtype, element, 1)[0]);
    case Wide::complex:
      return complex_text(dtype, to_complex(dtype, element, 1)[0]);
  }
  return {};
}

std::string element_json(Dtype dtype, const std::byte* element, std::size_t bytes) {
  if (dtype == Dtype::string) return json_text(element_text(dtype, element, bytes));
  if (dtype == Dtype::boolean || wide_type(dtype) == Wide::signed_integer ||
      wide_type(dtype) == Wide::unsigned_integer)
    return element_text(dtype, element, bytes);
  if (wide_type(dtype) == Wide::real) return real_json(dtype, to_real(dtype, element, 1)[0]);
  const auto value = to_complex(dtype, element, 1)[0];
  return '[' + real_json(dtype, value.real()) + ", " + real_json(dtype, value.imag()) + ']';
}

}  // namespace cairn::command
