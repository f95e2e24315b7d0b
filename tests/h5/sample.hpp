#pragma once

#include "cairn/error.hpp"
#include "h5/file_layout.hpp"
#include "h5/handle.hpp"
#include "tree/index.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <unistd.h>

/// Files that the tests of this folder lay out, fill with known values, and read back.
namespace cairn::h5::sample {

inline constexpr Dtype numeric_dtypes[] = {Dtype::i8,   Dtype::i16,    Dtype::i32,  Dtype::i64,  Dtype::u8,
                                           Dtype::u16,  Dtype::u32,    Dtype::u64,  Dtype::f16,  Dtype::bf16,
                                           Dtype::f32,  Dtype::f64,    Dtype::e4m3, Dtype::e5m2, Dtype::c64,
                                           Dtype::c128, Dtype::boolean};

inline tree::StoredLeaf leaf(std::string path, Dtype dtype, Dims shape, tree::Tiling tiling = {}) {
  tree::StoredLeaf result;
  result.path = std::move(path);
  result.kind = tiling.kind == tree::TileKind::none ? Kind::replicated : Kind::sharded;
  result.dtype = dtype;
  result.element_bytes = size_of(dtype);
  result.shape = shape;
  if (tiling.kind == tree::TileKind::none) tiling.kind = tree::TileKind::one;
  result.tiling = std::move(tiling);
  return result;
}

inline tree::StoredLeaf text_leaf(std::string path, std::uint64_t length) {
  auto result = leaf(std::move(path), Dtype::string, {});
  result.element_bytes = length;
  return result;
}

inline tree::Tiling grid(Dims cell) {
  tree::Tiling tiling;
  tiling.kind = tree::TileKind::grid;
  tiling.cell = cell;
  return tiling;
}

inline tree::Tiling boxes(std::vector<tree::Box> list) {
  tree::Tiling tiling;
  tiling.kind = tree::TileKind::boxes;
  tiling.boxes = std::move(list);
  return tiling;
}

/// Three unequal boxes of an array of {7, 10}.
inline tree::Tiling three_boxes() {
  return boxes({{{0, 0}, {3, 4}}, {{0, 4}, {3, 6}}, {{3, 0}, {4, 10}}});
}

/// Every dtype in every tiling; scalars, strings and arrays without elements.
inline std::vector<tree::StoredLeaf> all_leaves(bool with_boxes = true) {
  std::vector<tree::StoredLeaf> leaves;
  for (const auto dtype : numeric_dtypes) {
    const auto prefix = std::string("dtype/") + to_string(dtype) + "/";
    leaves.push_back(leaf(prefix + "one", dtype, {7, 10}));
    leaves.push_back(leaf(prefix + "scalar", dtype, {}));
    leaves.push_back(leaf(prefix + "grid", dtype, {7, 10}, grid({3, 4})));
    leaves.push_back(leaf(prefix + "empty", dtype, {3, 0, 2}));
    if (with_boxes) leaves.push_back(leaf(prefix + "boxes", dtype, {7, 10}, three_boxes()));
  }
  leaves.push_back(leaf("deep/8d", Dtype::f64, {2, 1, 2, 3, 1, 2, 2, 2}));
  leaves.push_back(
      leaf("deep/8d grid", Dtype::f32, {2, 1, 2, 3, 1, 2, 4, 2}, grid({1, 1, 2, 2, 1, 2, 2, 2})));
  leaves.push_back(leaf("grad größe", Dtype::u16, {2000, 3}));
  leaves.push_back(text_leaf("text/empty", 0));
  leaves.push_back(text_leaf("text/short", 7));
  leaves.push_back(text_leaf("text/long", 70000));
  std::ranges::sort(leaves, {}, &tree::StoredLeaf::path);
  return leaves;
}

template <class Value>
void put(std::byte*& to, Value value) {
  std::memcpy(to, &value, sizeof value);
  to += sizeof value;
}

/// The whole number `value` (0 to 127) in a dtype; an 8-bit float gets it as its bits.
inline void put_value(std::byte*& to, Dtype dtype, int value) {
  const auto real = static_cast<float>(value);
  const auto bits = std::bit_cast<std::uint32_t>(real);
  switch (size_of(dtype) == 1 ? Dtype::u8 : dtype) {
    case Dtype::i16:
    case Dtype::u16:
      return put(to, static_cast<std::uint16_t>(value));
    case Dtype::i32:
    case Dtype::u32:
      return put(to, static_cast<std::uint32_t>(value));
    case Dtype::i64:
    case Dtype::u64:
      return put(to, static_cast<std::uint64_t>(value));
    case Dtype::f16:
      return put(to, static_cast<std::uint16_t>(value == 0 ? 0 : (bits - (112u << 23)) >> 13));
    case Dtype::bf16:
      return put(to, static_cast<std::uint16_t>(bits >> 16));
    case Dtype::f32:
      return put(to, real);
    case Dtype::f64:
      return put(to, static_cast<double>(value));
    case Dtype::c64:
      put(to, real);
      return put(to, -real);
    case Dtype::c128:
      put(to, static_cast<double>(value));
      return put(to, -static_cast<double>(value));
    default:
      return put(to, static_cast<std::uint8_t>(dtype == Dtype::boolean ? value % 2 : value));
  }
}

/// The values of a whole leaf: element i is (7 i + 1) mod 100; a text is "xyz" repeated.
inline std::vector<std::byte> values_of(const tree::StoredLeaf& leaf) {
  std::vector<std::byte> values(leaf.bytes());
  if (leaf.dtype == Dtype::string) {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::byte>("xyz"[i % 3]);
    return values;
  }
  auto* to = values.data();
  const auto elements = tree::product(leaf.shape);
  for (std::uint64_t i = 0; i < elements; ++i) put_value(to, leaf.dtype, static_cast<int>((7 * i + 1) % 100));
  return values;
}

/// A directory of its own, removed at the end.
class Folder {
 public:
  Folder() {
    auto name = (std::filesystem::temp_directory_path() / "cairn-h5-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// The file of a layout: structure, and nothing else of it written.
inline void write_structure(const std::string& path, const FileLayout& layout) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  REQUIRE(file >= 0);
  REQUIRE(::ftruncate(file, static_cast<off_t>(layout.bytes)) == 0);
  for (const auto& range : layout.structure) {
    REQUIRE(::pwrite(file, range.bytes.data(), range.bytes.size(), static_cast<off_t>(range.offset)) ==
            static_cast<ssize_t>(range.bytes.size()));
  }
  ::close(file);
}

/// Writes the values of every leaf where the layout says.
inline void write_values(const std::string& path, const FileLayout& layout) {
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(file >= 0);
  for (const auto& leaf : layout.leaves) {
    const auto values = values_of(leaf);
    for (const auto& extent : tree::extents_of(leaf, tree::whole(leaf.shape))) {
      REQUIRE(::pwrite(file, values.data() + extent.box_offset, extent.bytes,
                       static_cast<off_t>(extent.file_offset)) == static_cast<ssize_t>(extent.bytes));
    }
  }
  ::close(file);
}

inline std::string bytes_of_file(const std::string& path, std::uint64_t offset, std::uint64_t bytes) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(file >= 0);
  std::string text(bytes, '\0');
  REQUIRE(::pread(file, text.data(), bytes, static_cast<off_t>(offset)) == static_cast<ssize_t>(bytes));
  ::close(file);
  return text;
}

/// A whole dataset through plain HDF5, in the type that it has in the file.
inline std::vector<std::byte> read_dataset(hid_t file, const std::string& path) {
  const DatasetId dataset(H5Dopen2(file, path.c_str(), H5P_DEFAULT));
  REQUIRE(dataset);
  const TypeId type(H5Dget_type(dataset.get()));
  const SpaceId space(H5Dget_space(dataset.get()));
  std::vector<std::byte> values(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space.get())) *
                                H5Tget_size(type.get()));
  std::byte nothing{};
  REQUIRE(H5Dread(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT,
                  values.empty() ? &nothing : values.data()) >= 0);
  return values;
}

/// A scalar string attribute of a dataset, as plain HDF5 reads it; "" where there is none.
inline std::string read_attribute(hid_t file, const std::string& path, const char* name) {
  if (H5Aexists_by_name(file, path.c_str(), name, H5P_DEFAULT) <= 0) return {};
  const AttributeId attribute(H5Aopen_by_name(file, path.c_str(), name, H5P_DEFAULT, H5P_DEFAULT));
  const TypeId type(H5Aget_type(attribute.get()));
  const SpaceId space(H5Aget_space(attribute.get()));
  REQUIRE(H5Tget_class(type.get()) == H5T_STRING);
  REQUIRE(H5Sget_simple_extent_type(space.get()) == H5S_SCALAR);
  std::string value(H5Tget_size(type.get()), '\0');
  REQUIRE(H5Aread(attribute.get(), type.get(), value.data()) >= 0);
  return value;
}

}  // namespace cairn::h5::sample
