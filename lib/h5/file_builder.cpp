#include "h5/file_builder.hpp"

#include "h5/chunk_index.hpp"

#include <algorithm>
#include <array>

namespace cairn::h5 {

namespace {

constexpr std::uint64_t table_alignment = 4096;
constexpr const char* own_group_name = "_cairn";
constexpr const char* tiles_name = "_cairn/tiles/";

std::array<hsize_t, 8> to_hsize(const Dims& dims) {
  std::array<hsize_t, 8> result{};
  std::copy(dims.begin(), dims.end(), result.begin());
  return result;
}

std::uint64_t tile_count(const Dims& shape, const Dims& cell) {
  std::uint64_t count = 1;
  for (std::size_t dim = 0; dim < shape.ndims(); ++dim) {
    count *= static_cast<std::uint64_t>((shape[dim] - 1) / cell[dim] + 1);
  }
  return count;
}

/// About how much metadata HDF5 makes for one leaf.
std::uint64_t metadata_bytes(const tree::StoredLeaf& leaf) {
  constexpr std::uint64_t dataset = 320, attribute = 128;
  auto bytes = dataset + leaf.path.size();
  if (leaf.fortran_order) bytes += attribute;
  if (leaf.bytes() == 0) return bytes;
  if (leaf.tiling.kind == tree::TileKind::boxes) bytes += leaf.tiling.boxes.size() * dataset;
  if (leaf.tiling.kind == tree::TileKind::grid) {
    const auto node = 24 + 64 * 8 + 65 * (8 + 8 * (leaf.shape.ndims() + 1));
    bytes += (tile_count(leaf.shape, leaf.tiling.cell) / 48 + 1) * node;
  }
  return bytes;
}

/// The size in which HDF5 takes space for metadata, so that it lies in few pieces and little of the last one
/// is left over.
std::uint64_t metadata_block_bytes(const LayoutRequest& request) {
  constexpr std::uint64_t page = 4096, most = 8 << 20;
  std::uint64_t bytes = page;
  for (const auto& leaf : request.leaves) bytes += metadata_bytes(leaf);
  const auto blocks = (bytes + most - 1) / most;
  return (bytes / blocks + page - 1) / page * page;
}

bool needs_virtual(const LayoutRequest& request) {
  return std::ranges::any_of(request.leaves, [](const tree::StoredLeaf& leaf) {
    return leaf.tiling.kind == tree::TileKind::boxes && leaf.bytes() > 0;
  });
}

[[noreturn]] void refuse(const std::string& path, const char* what) {
  throw Error(ErrorCode::internal, "the array '" + path + "' cannot be laid out: its tiling " + what);
}

}  // namespace

std::string tile_path(const std::string& leaf_path, std::size_t number) {
  return tiles_name + leaf_path + '/' + std::to_string(number);
}

FileBuilder::FileBuilder(const LayoutRequest& request)
    : request_(request), contiguous_(own<PropertyId>(H5Pcreate(H5P_DATASET_CREATE), "make a property list")) {
  check(H5Pset_alloc_time(contiguous_.get(), H5D_ALLOC_TIME_EARLY), "set a dataset's properties");
  check(H5Pset_fill_time(contiguous_.get(), H5D_FILL_TIME_NEVER), "set a dataset's properties");
  check(H5Pset_obj_track_times(contiguous_.get(), false), "set a dataset's properties");

  // The table's alignment is its own: where the request's does not give it, the file is made with the table's
  // and goes on, reopened, with the request's.
  const auto alignment = std::max<std::uint64_t>(request.alignment_bytes, 1);
  const auto table_bytes = request.table_rows * request.row_format.bytes;
  const bool reopen = table_bytes > 0 && (alignment % table_alignment != 0 || table_bytes < alignment);
  create(reopen ? table_alignment : alignment);
  if (table_bytes > 0) add_table();
  if (reopen) {
    finish();
    file_ = own<FileId>(H5Fopen("image", H5F_ACC_RDWR, access(alignment).get()), "open the image again");
    root_ = own<GroupId>(H5Gopen2(file_.get(), "/", H5P_DEFAULT), "open the root group");
    own_group_ = own<GroupId>(H5Gopen2(root_.get(), own_group_name, H5P_DEFAULT), "open a group");
  }
  groups_ = std::make_unique<GroupStack>(root_.get());
  tile_groups_ = std::make_unique<GroupStack>(own_group_.get());
}

PropertyId FileBuilder::access(std::uint64_t alignment) const {
  auto list = driver_.access(image_);
  const auto upper = needs_virtual(request_) ? H5F_LIBVER_V110 : H5F_LIBVER_V18;
  check(H5Pset_libver_bounds(list.get(), H5F_LIBVER_V18, upper), "set the file format's version");
  check(H5Pset_fclose_degree(list.get(), H5F_CLOSE_STRONG), "set a file's properties");
  check(H5Pset_alignment(list.get(), alignment, alignment), "set the file's alignment");
  check(H5Pset_meta_block_size(list.get(), metadata_block_bytes(request_)), "set a file's properties");
  return list;
}

void FileBuilder::create(std::uint64_t alignment) {
  const auto list = own<PropertyId>(H5Pcreate(H5P_FILE_CREATE), "make a property list");
  check(H5Pset_obj_track_times(list.get(), false), "set a file's properties");
  file_ = own<FileId>(H5Fcreate("image", H5F_ACC_TRUNC, list.get(), access(alignment).get()),
                      "create a file in memory");
  root_ = own<GroupId>(H5Gopen2(file_.get(), "/", H5P_DEFAULT), "open the root group");
  for (const auto& [name, value] : request_.attributes) add_attribute(root_.get(), name, value);
  const auto groups = own<PropertyId>(H5Pcreate(H5P_GROUP_CREATE), "make a property list");
  check(H5Pset_obj_track_times(groups.get(), false), "set a group's properties");
  own_group_ = own<GroupId>(H5Gcreate2(root_.get(), own_group_name, H5P_DEFAULT, groups.get(), H5P_DEFAULT),
                            "create the group", own_group_name);
}

void FileBuilder::add_table() {
  const auto type = row_type(request_.row_format);
  const auto dataset = create_dataset(own_group_.get(), "blocks", type.get(), {request_.table_rows},
                                      contiguous_.get(), "blocks");
  table_offset_ = offset_of(dataset, "blocks");
  if (table_offset_ % table_alignment != 0) {
    throw Error(ErrorCode::internal, "HDF5 did not align the block table");
  }
}

std::uint64_t FileBuilder::add_index(const std::string& bytes) {
  const auto dataset =
      create_dataset(own_group_.get(), "index", H5T_STD_U8LE, {bytes.size()}, contiguous_.get(), "index");
  const auto offset = offset_of(dataset, "index");
  image_->write(offset, std::as_bytes(std::span(bytes)));
  return offset;
}

void FileBuilder::finish() {
  groups_.reset();
  tile_groups_.reset();
  own_group_ = {};
  root_ = {};
  check(file_.close(), "close the file in memory");
}

DatasetId FileBuilder::create_dataset(hid_t group, const char* name, hid_t type, const Dims& shape,
                                      hid_t properties, const std::string& path) {
  const auto space = make_space(shape);
  const auto links = groups_ ? groups_->link_properties() : H5P_DEFAULT;
  return own<DatasetId>(H5Dcreate2(group, name, type, space.get(), links, properties, H5P_DEFAULT),
                        "create the dataset", path);
}

std::uint64_t FileBuilder::offset_of(const DatasetId& dataset, const std::string& path) {
  const auto offset = H5Dget_offset(dataset.get());
  if (offset == HADDR_UNDEF) fail(ErrorCode::internal, "allocate the dataset", path);
  return offset;
}

PropertyId FileBuilder::copy_properties() const {
  return own<PropertyId>(H5Pcopy(contiguous_.get()), "copy a property list");
}

void FileBuilder::add_attributes(const DatasetId& dataset, const tree::StoredLeaf& leaf) {
  if (is_fp8(leaf.dtype)) add_attribute(dataset.get(), fp8_attribute, to_string(leaf.dtype));
  if (leaf.fortran_order) add_attribute(dataset.get(), order_attribute, fortran_order);
}

void FileBuilder::add_leaf(tree::StoredLeaf& leaf) {
  if (leaf.bytes() == 0) leaf.tiling = {};
  const auto group = groups_->parent_of(leaf.path);
  const auto type = types_.of(leaf.dtype, leaf.element_bytes);
  switch (leaf.tiling.kind) {
    case tree::TileKind::grid:
      return add_grid(leaf, group, type);
    case tree::TileKind::boxes:
      return add_boxes(leaf, group, type);
    case tree::TileKind::none:
    case tree::TileKind::one:
      break;
  }
  const bool has_bytes = leaf.bytes() > 0;
  if (has_bytes && leaf.tiling.kind == tree::TileKind::none) refuse(leaf.path, "is missing");
  const auto dataset =
      create_dataset(group, leaf_name(leaf.path), type, leaf.shape, contiguous_.get(), leaf.path);
  if (has_bytes) leaf.tiling.offset = offset_of(dataset, leaf.path);
  add_attributes(dataset, leaf);
}

void FileBuilder::add_grid(tree::StoredLeaf& leaf, hid_t group, hid_t type) {
  const auto& cell = leaf.tiling.cell;
  if (cell.ndims() != leaf.shape.ndims() || cell.ndims() == 0 || tree::product(cell) == 0) {
    refuse(leaf.path, "is a grid of other dimensions");
  }
  const auto properties = copy_properties();
  check(H5Pset_chunk(properties.get(), static_cast<int>(cell.ndims()), to_hsize(cell).data()),
        "set the grid of the dataset", leaf.path);
  const auto dataset =
      create_dataset(group, leaf_name(leaf.path), type, leaf.shape, properties.get(), leaf.path);
  add_attributes(dataset, leaf);
  check(H5Dflush(dataset.get()), "flush the dataset", leaf.path);
  leaf.tiling.offsets = chunk_offsets(*image_, dataset.get(), leaf.shape, cell, leaf.element_bytes);
}

void FileBuilder::add_boxes(tree::StoredLeaf& leaf, hid_t group, hid_t type) {
  const auto& boxes = leaf.tiling.boxes;
  leaf.tiling.offsets.assign(boxes.size(), 0);
  const auto whole = make_space(leaf.shape);
  const auto virtuals = own<PropertyId>(H5Pcreate(H5P_DATASET_CREATE), "make a property list");
  check(H5Pset_obj_track_times(virtuals.get(), false), "set a dataset's properties");
  for (std::size_t number = 0; number < boxes.size(); ++number) {
    if (boxes[number].ndims() != leaf.shape.ndims() || boxes[number].ndims() == 0 ||
        tree::is_empty(boxes[number])) {
      refuse(leaf.path, "has an empty box or one of other dimensions");
    }
    add_source(leaf, number, whole, virtuals, type);
  }
  const auto dataset =
      create_dataset(group, leaf_name(leaf.path), type, leaf.shape, virtuals.get(), leaf.path);
  add_attributes(dataset, leaf);
}

void FileBuilder::add_source(tree::StoredLeaf& leaf, std::size_t number, const SpaceId& whole,
                             const PropertyId& virtuals, hid_t type) {
  const auto& box = leaf.tiling.boxes[number];
  const auto path = tile_path(leaf.path, number);
  const auto source_space = make_space(box.count);
  const auto group =
      tile_groups_->parent_of(std::string_view(path).substr(std::string_view("_cairn/").size()));
  const auto source = own<DatasetId>(H5Dcreate2(group, leaf_name(path), type, source_space.get(), H5P_DEFAULT,
                                                contiguous_.get(), H5P_DEFAULT),
                                     "create the dataset", path);
  leaf.tiling.offsets[number] = offset_of(source, path);
  check(H5Sselect_hyperslab(whole.get(), H5S_SELECT_SET, to_hsize(box.start).data(), nullptr,
                            to_hsize(box.count).data(), nullptr),
        "select a box of the dataset", leaf.path);
  const auto name = '/' + path;
  check(H5Pset_virtual(virtuals.get(), whole.get(), ".", name.c_str(), source_space.get()),
        "map a box of the dataset", leaf.path);
}

}  // namespace cairn::h5
