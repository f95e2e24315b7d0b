#include "h5/chunk_index.hpp"
#include "h5/file_builder.hpp"
#include "h5/file_layout.hpp"
#include "tree/index.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string_view>

namespace cairn::h5 {

namespace {

using tree::StoredLeaf;
using tree::TileKind;

constexpr std::size_t most_dims = 32;  // H5S_MAX_RANK

std::vector<hsize_t> extents_of(const SpaceId& space) {
  std::array<hsize_t, most_dims> extents{};
  const auto ndims = check(H5Sget_simple_extent_ndims(space.get()), "read a dataspace");
  check(H5Sget_simple_extent_dims(space.get(), extents.data(), nullptr), "read a dataspace");
  return {extents.begin(), extents.begin() + ndims};
}

template <class Extents>
bool equal(const Extents& extents, const Dims& dims) {
  return std::ranges::equal(extents, dims,
                            [](hsize_t a, std::int64_t b) { return a == static_cast<hsize_t>(b); });
}

/// Compares one file with its index. Each `compare_*` returns what differs, or nothing.
class Comparison {
 public:
  Comparison(const Image& image, hid_t file) : image_(image), file_(file) {}

  std::string compare_leaf(const StoredLeaf& leaf) {
    const auto dataset = open(leaf.path);
    if (auto problem = compare_type(dataset, leaf); !problem.empty()) return problem;
    if (!has_order(dataset, leaf)) return "has another order of dimensions";
    const auto space = own<SpaceId>(H5Dget_space(dataset.get()), "read the dataspace");
    const bool scalar = H5Sget_simple_extent_type(space.get()) == H5S_SCALAR;
    if (scalar != (leaf.shape.ndims() == 0) || !equal(extents_of(space), leaf.shape)) {
      return "has another shape";
    }
    const auto properties = own<PropertyId>(H5Dget_create_plist(dataset.get()), "read the properties");
    if (H5Pget_nfilters(properties.get()) != 0) return "is filtered";
    return compare_tiling(dataset, properties, leaf);
  }

  /// The groups that the leaves need hold nothing else.
  std::string compare_group(const std::string& path, std::size_t members) {
    const auto group =
        own<GroupId>(H5Gopen2(file_, path.empty() ? "/" : path.c_str(), H5P_DEFAULT), "open the group", path);
    H5G_info_t info = {};
    check(H5Gget_info(group.get(), &info), "read the group", path);
    return info.nlinks == members ? "" : "holds other names than the index";
  }

  /// What a reader finds in /_cairn/index is the index.
  std::string compare_index(const std::string& index) {
    const auto dataset = open("_cairn/index");
    const auto space = own<SpaceId>(H5Dget_space(dataset.get()), "read the dataspace");
    const auto offset = H5Dget_offset(dataset.get());
    if (extents_of(space) != std::vector<hsize_t>{index.size()} || offset == HADDR_UNDEF ||
        image_.read(offset, index.size()) != index) {
      return "is not the index";
    }
    return {};
  }

 private:
  DatasetId open(const std::string& path) const {
    return own<DatasetId>(H5Dopen2(file_, path.c_str(), H5P_DEFAULT), "open the dataset", path);
  }

  std::string compare_type(const DatasetId& dataset, const StoredLeaf& leaf) {
    const auto type = own<TypeId>(H5Dget_type(dataset.get()), "read the type");
    if (H5Tequal(type.get(), types_.of(leaf.dtype, leaf.element_bytes)) <= 0) return "has another dtype";
    if (!is_fp8(leaf.dtype)) return {};
    return says(dataset, fp8_attribute, to_string(leaf.dtype)) ? "" : "has another dtype";
  }

  static bool has_order(const DatasetId& dataset, const StoredLeaf& leaf) {
    if (leaf.fortran_order) return says(dataset, order_attribute, fortran_order);
    return check(H5Aexists(dataset.get(), order_attribute), "look for an attribute") == 0;
  }

  /// Whether the dataset has this attribute, and in it this text.
  static bool says(const DatasetId& dataset, const char* name, const std::string& text) {
    if (check(H5Aexists(dataset.get(), name), "look for an attribute") == 0) return false;
    const auto attribute = own<AttributeId>(H5Aopen(dataset.get(), name, H5P_DEFAULT), "open an attribute");
    const auto stored = own<TypeId>(H5Aget_type(attribute.get()), "read the type");
    const auto space = own<SpaceId>(H5Aget_space(attribute.get()), "read the dataspace");
    const auto wanted = string_type(text.size());
    if (H5Tequal(stored.get(), wanted.get()) <= 0 || H5Sget_simple_extent_npoints(space.get()) != 1)
      return false;
    std::string found(text.size(), '\0');
    check(H5Aread(attribute.get(), wanted.get(), found.data()), "read an attribute");
    return found == text;
  }

  std::string compare_tiling(const DatasetId& dataset, const PropertyId& properties, const StoredLeaf& leaf) {
    const auto layout = H5Pget_layout(properties.get());
    switch (leaf.tiling.kind) {
      case TileKind::none:
      case TileKind::one:
        if (layout != H5D_CONTIGUOUS || H5Pget_external_count(properties.get()) != 0) {
          return "is not contiguous";
        }
        if (leaf.tiling.kind == TileKind::one && H5Dget_offset(dataset.get()) != leaf.tiling.offset) {
          return "lies elsewhere";
        }
        return {};
      case TileKind::grid:
        return layout == H5D_CHUNKED ? compare_grid(dataset, properties, leaf) : "is not chunked";
      case TileKind::boxes:
        return layout == H5D_VIRTUAL ? compare_boxes(properties, leaf) : "is not virtual";
    }
    return {};
  }

  std::string compare_grid(const DatasetId& dataset, const PropertyId& properties, const StoredLeaf& leaf) {
    std::array<hsize_t, most_dims> cell{};
    const auto ndims = check(H5Pget_chunk(properties.get(), most_dims, cell.data()), "read the grid");
    if (!equal(std::span(cell).first(static_cast<std::size_t>(ndims)), leaf.tiling.cell)) {
      return "has another grid";
    }
    const auto offsets =
        chunk_offsets(image_, dataset.get(), leaf.shape, leaf.tiling.cell, leaf.element_bytes);
    return offsets == leaf.tiling.offsets ? "" : "has tiles that lie elsewhere";
  }

  std::string compare_boxes(const PropertyId& properties, const StoredLeaf& leaf) {
    const auto& boxes = leaf.tiling.boxes;
    std::size_t sources = 0;
    check(H5Pget_virtual_count(properties.get(), &sources), "read the sources");
    if (sources != boxes.size()) return "has another number of tiles";
    for (std::size_t number = 0; number < sources; ++number) {
      auto problem = compare_source(properties, leaf, number);
      if (!problem.empty()) return problem;
    }
    return {};
  }

  std::string compare_source(const PropertyId& properties, const StoredLeaf& leaf, std::size_t number) {
    const auto& box = leaf.tiling.boxes[number];
    const auto path = tile_path(leaf.path, number);
    std::array<char, 8> file_name{};
    std::string name(path.size() + 2, '\0');  // a leading slash, and the null
    check(H5Pget_virtual_filename(properties.get(), number, file_name.data(), file_name.size()),
          "read a source");
    check(H5Pget_virtual_dsetname(properties.get(), number, name.data(), name.size()), "read a source");
    if (std::string_view(file_name.data()) != "." || name.c_str() != '/' + path) {
      return "has a tile of another name";
    }
    const auto selected =
        own<SpaceId>(H5Pget_virtual_vspace(properties.get(), number), "read the box of a source");
    if (!is_box(selected, box)) return "has another box";
    const auto source = open(path);
    const auto space = own<SpaceId>(H5Dget_space(source.get()), "read the dataspace");
    const auto type = own<TypeId>(H5Dget_type(source.get()), "read the type");
    if (!equal(extents_of(space), box.count) || H5Dget_offset(source.get()) != leaf.tiling.offsets[number]) {
      return "has tiles that lie elsewhere";
    }
    return H5Tequal(type.get(), types_.of(leaf.dtype, leaf.element_bytes)) > 0 ? "" : "has another dtype";
  }

  static bool is_box(const SpaceId& space, const tree::Box& box) {
    std::array<hsize_t, most_dims> first{}, last{};
    const auto selected = H5Sget_select_npoints(space.get());
    if (selected < 0 || static_cast<std::uint64_t>(selected) != tree::product(box.count)) return false;
    if (extents_of(space).size() != box.ndims()) return false;
    check(H5Sget_select_bounds(space.get(), first.data(), last.data()), "read the box of a source");
    for (std::size_t dim = 0; dim < box.ndims(); ++dim) {
      if (first[dim] != static_cast<hsize_t>(box.start[dim]) ||
          last[dim] != static_cast<hsize_t>(box.start[dim] + box.count[dim] - 1)) {
        return false;
      }
    }
    return true;
  }

  const Image& image_;
  hid_t file_;
  TypeTable types_;
};

/// Each group that the leaves need, and how many names it holds; "" is the root, which holds "_cairn" too.
std::map<std::string, std::size_t> groups_of(const std::vector<StoredLeaf>& leaves) {
  std::map<std::string, std::set<std::string_view>> members;
  members[""].insert("_cairn");
  for (const auto& leaf : leaves) {
    const std::string_view path = leaf.path;
    std::size_t begin = 0;
    for (auto slash = path.find('/'); slash != path.npos; slash = path.find('/', begin)) {
      members[std::string(path.substr(0, begin == 0 ? 0 : begin - 1))].insert(
          path.substr(begin, slash - begin));
      begin = slash + 1;
    }
    members[std::string(path.substr(0, begin == 0 ? 0 : begin - 1))].insert(path.substr(begin));
  }
  std::map<std::string, std::size_t> counts;
  for (const auto& [group, names] : members) counts[group] = names.size();
  return counts;
}

/// Adds what `compare` returns or throws.
template <class Compare>
void note(std::vector<std::string>& problems, const std::string& what, Compare compare) {
  std::string problem;
  try {
    problem = compare();
  } catch (const Error& error) {
    problem = std::string("cannot be read: ") + error.what();
  }
  if (!problem.empty()) problems.push_back(what + " " + problem);
}

}  // namespace

std::vector<std::string> compare_with_index(const std::vector<Range>& structure, std::uint64_t file_bytes,
                                            const std::vector<StoredLeaf>& leaves) {
  const QuietErrors quiet;
  const auto image = std::make_shared<Image>();
  for (const auto& range : structure) image->write(range.offset, std::as_bytes(std::span(range.bytes)));
  image->set_bytes(file_bytes);
  const MemoryDriver driver;
  const auto access = driver.access(image);
  FileId file(H5Fopen("image", H5F_ACC_RDONLY, access.get()));
  if (!file) return {"HDF5 cannot open the file: " + take_error_text()};

  std::vector<std::string> problems;
  Comparison comparison(*image, file.get());
  for (const auto& leaf : leaves) {
    note(problems, "in HDF5, '" + leaf.path + "'", [&] { return comparison.compare_leaf(leaf); });
  }
  for (const auto& group : groups_of(leaves)) {
    note(problems, "in HDF5, the group '/" + group.first + "'",
         [&] { return comparison.compare_group(group.first, group.second); });
  }
  note(problems, "in HDF5, '/_cairn/index'",
       [&] { return comparison.compare_index(tree::encode_index(leaves)); });
  return problems;
}

}  // namespace cairn::h5
