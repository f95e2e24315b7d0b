#pragma once

#include "cairn/dtype.hpp"

#include <complex>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

/// Elements as they are stored, read by their dtype.
namespace cairn::command {

/// Types that hold every value of a dtype.
enum class Wide { signed_integer, unsigned_integer, real, complex };
Wide wide_type(Dtype dtype) noexcept;

/// `count` elements as values of the wide type, which must be that of the dtype.
std::vector<std::int64_t> to_signed(Dtype dtype, const std::byte* elements, std::size_t count);
std::vector<std::uint64_t> to_unsigned(Dtype dtype, const std::byte* elements, std::size_t count);
std::vector<double> to_real(Dtype dtype, const std::byte* elements, std::size_t count);
std::vector<std::complex<double>> to_complex(Dtype dtype, const std::byte* elements, std::size_t count);

/// One element as text: with as few digits as tell a number of its dtype apart, 1+2j, true, or a string.
/// `bytes`: of the element.
std::string element_text(Dtype dtype, const std::byte* element, std::size_t bytes);
/// The same as JSON: a number, true or false, a string, or [1, 2] of a complex number. Numbers that JSON does
/// not have are "nan", "inf" and "-inf".
std::string element_json(Dtype dtype, const std::byte* element, std::size_t bytes);

}  // namespace cairn::command
