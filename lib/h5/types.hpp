#pragma once

#include "cairn/dtype.hpp"
#include "h5/handle.hpp"
#include "tree/layout.hpp"

#include <array>
#include <cstdint>

/// How Cairn's types are written in HDF5: docs/format.md. On the caller's thread only.
namespace cairn::h5 {

/// The HDF5 type of each dtype, made when first asked for and kept. Little-endian, as h5py has them: bool is
/// an enumeration of int8, complex a compound {r, i}, f16 IEEE half, bf16 a float of 1, 8 and 7 bits, fp8 a
/// u8 (with an attribute on the dataset: `fp8_attribute`), a string a fixed-length UTF-8 one, null-padded.
class TypeTable {
 public:
  /// Lives as long as the table, or, of a string, until the next call. `element_bytes` counts for strings
  /// alone; an empty one has the size 1.
  hid_t of(Dtype dtype, std::uint64_t element_bytes);

 private:
  std::array<TypeId, static_cast<std::size_t>(Dtype::string)> types_;
  TypeId string_;
  std::uint64_t string_bytes_ = 0;
};

/// A fixed-length UTF-8 string type of `bytes`, at least 1.
TypeId string_type(std::uint64_t bytes);

/// The name of the attribute that says which 8-bit floating-point type a dataset of u8 holds.
inline constexpr const char* fp8_attribute = "cairn_dtype";
inline bool is_fp8(Dtype dtype) noexcept {
  return dtype == Dtype::e4m3 || dtype == Dtype::e5m2;
}

/// The attribute of a dataset whose dimensions are a Fortran program's in the reverse order, and its value.
inline constexpr const char* order_attribute = "cairn_order";
inline constexpr const char* fortran_order = "fortran";

/// A simple dataspace of this shape, or a scalar one where it has no dimensions.
SpaceId make_space(const Dims& shape);

/// The row of the block table as a compound: leaf, rank, checksum, start[ndims], count[ndims].
TypeId row_type(const tree::RowFormat& format);

/// Adds a scalar string attribute to an object.
void add_attribute(hid_t object, const std::string& name, const std::string& value);

}  // namespace cairn::h5
