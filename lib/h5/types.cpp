#include "h5/types.hpp"

#include <algorithm>
#include <bit>

namespace cairn::h5 {

static_assert(std::endian::native == std::endian::little, "files hold values as memory does: little-endian");

namespace {

TypeId copy(hid_t type) {
  return own<TypeId>(H5Tcopy(type), "copy a type");
}

/// A little-endian IEEE-like float of 2 bytes: sign, exponent, mantissa.
TypeId half_type(std::size_t exponent_bits, std::size_t bias) {
  const auto mantissa_bits = 15 - exponent_bits;
  auto type = copy(H5T_IEEE_F32LE);
  check(H5Tset_fields(type.get(), 15, mantissa_bits, exponent_bits, 0, mantissa_bits), "set a type's fields");
  check(H5Tset_size(type.get(), 2), "set a type's size");
  check(H5Tset_ebias(type.get(), bias), "set a type's exponent bias");
  return type;
}

TypeId bool_type() {
  auto type = own<TypeId>(H5Tenum_create(H5T_STD_I8LE), "make an enumeration");
  const std::int8_t no = 0, yes = 1;
  check(H5Tenum_insert(type.get(), "FALSE", &no), "make an enumeration");
  check(H5Tenum_insert(type.get(), "TRUE", &yes), "make an enumeration");
  return type;
}

TypeId complex_type(hid_t part, std::size_t part_bytes) {
  auto type = own<TypeId>(H5Tcreate(H5T_COMPOUND, 2 * part_bytes), "make a compound");
  check(H5Tinsert(type.get(), "r", 0, part), "make a compound");
  check(H5Tinsert(type.get(), "i", part_bytes, part), "make a compound");
  return type;
}

TypeId make_type(Dtype dtype) {
  switch (dtype) {
    case Dtype::i8:
      return copy(H5T_STD_I8LE);
    case Dtype::i16:
      return copy(H5T_STD_I16LE);
    case Dtype::i32:
      return copy(H5T_STD_I32LE);
    case Dtype::i64:
      return copy(H5T_STD_I64LE);
    case Dtype::u8:
    case Dtype::e4m3:
    case Dtype::e5m2:
      return copy(H5T_STD_U8LE);
    case Dtype::u16:
      return copy(H5T_STD_U16LE);
    case Dtype::u32:
      return copy(H5T_STD_U32LE);
    case Dtype::u64:
      return copy(H5T_STD_U64LE);
    case Dtype::f16:
      return half_type(5, 15);
    case Dtype::bf16:
      return half_type(8, 127);
    case Dtype::f32:
      return copy(H5T_IEEE_F32LE);
    case Dtype::f64:
      return copy(H5T_IEEE_F64LE);
    case Dtype::c64:
      return complex_type(H5T_IEEE_F32LE, 4);
    case Dtype::c128:
      return complex_type(H5T_IEEE_F64LE, 8);
    case Dtype::boolean:
      return bool_type();
    case Dtype::none:
    case Dtype::string:
      break;
  }
  throw Error(ErrorCode::internal, std::string("there is no HDF5 type for the dtype ") + to_string(dtype));
}

}  // namespace

hid_t TypeTable::of(Dtype dtype, std::uint64_t element_bytes) {
  if (dtype == Dtype::string) {
    if (!string_ || string_bytes_ != element_bytes) string_ = string_type(element_bytes);
    string_bytes_ = element_bytes;
    return string_.get();
  }
  const auto number = static_cast<std::size_t>(dtype);
  if (number >= types_.size()) return make_type(Dtype::none).get();
  auto& type = types_[number];
  if (!type) type = make_type(dtype);
  return type.get();
}

TypeId string_type(std::uint64_t bytes) {
  auto type = copy(H5T_C_S1);
  check(H5Tset_size(type.get(), std::max<std::uint64_t>(bytes, 1)), "set a string's length");
  check(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), "set a string's padding");
  check(H5Tset_cset(type.get(), H5T_CSET_UTF8), "set a string's character set");
  return type;
}

SpaceId make_space(const Dims& shape) {
  if (shape.ndims() == 0) return own<SpaceId>(H5Screate(H5S_SCALAR), "make a dataspace");
  std::array<hsize_t, 8> extents{};
  std::copy(shape.begin(), shape.end(), extents.begin());
  return own<SpaceId>(H5Screate_simple(static_cast<int>(shape.ndims()), extents.data(), nullptr),
                      "make a dataspace");
}

TypeId row_type(const tree::RowFormat& format) {
  const hsize_t ndims = format.ndims;
  const auto numbers = own<TypeId>(H5Tarray_create2(H5T_STD_I64LE, 1, &ndims), "make the block table's type");
  auto type = own<TypeId>(H5Tcreate(H5T_COMPOUND, format.bytes), "make the block table's type");
  const auto insert = [&](const char* name, std::size_t at, hid_t member) {
    check(H5Tinsert(type.get(), name, at, member), "make the block table's type");
  };
  insert("leaf", 0, H5T_STD_U32LE);
  insert("rank", 4, H5T_STD_U32LE);
  insert("checksum", 8, H5T_STD_U64LE);
  insert("start", 16, numbers.get());
  insert("count", 16 + 8 * ndims, numbers.get());
  return type;
}

void add_attribute(hid_t object, const std::string& name, const std::string& value) {
  const auto type = string_type(value.size());
  const auto space = make_space({});
  const auto list = own<PropertyId>(H5Pcreate(H5P_ATTRIBUTE_CREATE), "make a property list");
  check(H5Pset_char_encoding(list.get(), H5T_CSET_UTF8), "set a name's character set");
  const auto attribute =
      own<AttributeId>(H5Acreate2(object, name.c_str(), type.get(), space.get(), list.get(), H5P_DEFAULT),
                       "create the attribute", name);
  check(H5Awrite(attribute.get(), type.get(), value.c_str()), "write the attribute", name);
}

}  // namespace cairn::h5
