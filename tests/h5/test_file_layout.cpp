#include "sample.hpp"

#include <set>

using namespace cairn;
using namespace cairn::h5;

namespace {

LayoutRequest request_of(std::vector<tree::StoredLeaf> leaves) {
  LayoutRequest request;
  request.leaves = std::move(leaves);
  request.row_format = tree::RowFormat::for_ndims(8);
  request.table_rows = 64;
  request.attributes = {{"cairn", "0.1.0"}, {"empty", ""}};
  return request;
}

/// Structure, tiles and table lie in the file and share no byte.
void check_ranges(const LayoutRequest& request, const FileLayout& layout) {
  auto taken = tree::tile_ranges(layout.leaves);
  CHECK(tree::tile_problem(taken, layout.leaves, layout.bytes).empty());
  std::uint64_t end = 0;
  for (const auto& range : layout.structure) {
    CHECK_FALSE(range.bytes.empty());
    CHECK(range.offset >= end);
    end = range.offset + range.bytes.size();
    taken.push_back({range.offset, end, 0});
  }
  if (request.table_rows > 0) {
    taken.push_back(
        {layout.table_offset, layout.table_offset + request.table_rows * request.row_format.bytes, 0});
  }
  std::ranges::sort(taken, {}, &tree::FileRange::begin);
  for (std::size_t i = 1; i < taken.size(); ++i) CHECK(taken[i].begin >= taken[i - 1].end);
  CHECK(taken.back().end <= layout.bytes);
}

std::string index_of(const FileLayout& layout) {
  for (const auto& range : layout.structure) {
    if (range.offset <= layout.index_offset && layout.index_offset < range.offset + range.bytes.size()) {
      return range.bytes.substr(layout.index_offset - range.offset, layout.index_bytes);
    }
  }
  return {};
}

}  // namespace

TEST_CASE("plain HDF5 reads every dtype in every tiling from a file written at the layout's offsets") {
  const sample::Folder folder;
  const auto layout = lay_out(request_of(sample::all_leaves()));
  const auto path = folder / "state.h5";
  sample::write_structure(path, layout);
  sample::write_values(path, layout);
  const FileId file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
  REQUIRE(file);
  for (const auto& leaf : layout.leaves) {
    CAPTURE(leaf.path);
    if (leaf.dtype == Dtype::string && leaf.element_bytes == 0) {
      CHECK(sample::read_dataset(file.get(), leaf.path) == std::vector<std::byte>(1));
    } else {
      CHECK(sample::read_dataset(file.get(), leaf.path) == sample::values_of(leaf));
    }
  }
}

TEST_CASE("datasets in Fortran's order have an attribute that says so, in every tiling, and others do not") {
  const sample::Folder folder;
  auto request =
      request_of({sample::leaf("boxes", Dtype::f32, {7, 10}, sample::three_boxes()),
                  sample::leaf("c/boxes", Dtype::f32, {7, 10}, sample::three_boxes()),
                  sample::leaf("c/grid", Dtype::u8, {7, 10}, sample::grid({3, 4})),
                  sample::leaf("c/one", Dtype::e4m3, {7, 10}), sample::leaf("empty", Dtype::f64, {3, 0}),
                  sample::leaf("grid", Dtype::u8, {7, 10}, sample::grid({3, 4})),
                  sample::leaf("one", Dtype::e4m3, {7, 10})});
  for (auto& leaf : request.leaves) leaf.fortran_order = !leaf.path.starts_with("c/");
  const auto layout = lay_out(request);
  check_ranges(request, layout);
  const auto path = folder / "state.h5";
  sample::write_structure(path, layout);
  sample::write_values(path, layout);
  const FileId file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
  REQUIRE(file);
  for (const auto& leaf : layout.leaves) {
    CAPTURE(leaf.path);
    CHECK(sample::read_attribute(file.get(), leaf.path, "cairn_order") ==
          (leaf.fortran_order ? "fortran" : ""));
    CHECK(sample::read_dataset(file.get(), leaf.path) == sample::values_of(leaf));
  }
  CHECK(sample::read_attribute(file.get(), "one", "cairn_dtype") == "e4m3");
  CHECK(compare_with_index(layout.structure, layout.bytes, layout.leaves) == std::vector<std::string>{});
}

TEST_CASE("structure, tiles and table share no byte, whatever the alignment") {
  for (const std::uint64_t alignment : {0, 1, 512, 4096, 12288, 1 << 20}) {
    CAPTURE(alignment);
    auto request = request_of(sample::all_leaves());
    request.leaves.push_back(sample::leaf("zz", Dtype::f64, {1 << 18}));
    request.alignment_bytes = alignment;
    const auto layout = lay_out(request);
    check_ranges(request, layout);
    CHECK(layout.table_offset > 0);
    CHECK(layout.table_offset % 4096 == 0);
    CHECK(layout.leaves.back().tiling.offset % std::max<std::uint64_t>(alignment, 1) == 0);
    CHECK(compare_with_index(layout.structure, layout.bytes, layout.leaves) == std::vector<std::string>{});
  }
}

TEST_CASE("the block table is aligned behind metadata of an odd length") {
  for (const std::uint64_t alignment : {1, 512, 12288, 1 << 20}) {
    CAPTURE(alignment);
    auto request = request_of({sample::leaf("a", Dtype::f64, {100, 100})});
    request.attributes["long"] = std::string(30001, 'x');
    request.alignment_bytes = alignment;
    const auto layout = lay_out(request);
    CHECK(layout.table_offset % 4096 == 0);
    check_ranges(request, layout);
  }
}

TEST_CASE("a layout without a block table has none") {
  auto request = request_of({sample::leaf("a", Dtype::f64, {100, 100})});
  request.table_rows = 0;
  const auto layout = lay_out(request);
  CHECK(layout.table_offset == 0);
  check_ranges(request, layout);
  const sample::Folder folder;
  sample::write_structure(folder / "a.h5", layout);
  const FileId file(H5Fopen((folder / "a.h5").c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
  CHECK(H5Lexists(file.get(), "_cairn/index", H5P_DEFAULT) > 0);
  CHECK(H5Lexists(file.get(), "_cairn/blocks", H5P_DEFAULT) == 0);
}

TEST_CASE("a layout without leaves is a file") {
  const auto request = request_of({});
  const auto layout = lay_out(request);
  check_ranges(request, layout);
  CHECK(tree::decode_index(index_of(layout), layout.bytes).empty());
}

TEST_CASE("the index in the structure describes the layout") {
  const auto layout = lay_out(request_of(sample::all_leaves()));
  const auto leaves = tree::decode_index(index_of(layout), layout.bytes);
  REQUIRE(leaves.size() == layout.leaves.size());
  CHECK(tree::pack_leaves(leaves) == tree::pack_leaves(layout.leaves));
  const sample::Folder folder;
  sample::write_structure(folder / "a.h5", layout);
  const FileId file(H5Fopen((folder / "a.h5").c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
  const auto bytes = sample::read_dataset(file.get(), "/_cairn/index");
  CHECK(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()) == index_of(layout));
}

TEST_CASE("HDF5 reads the rows of the block table as a compound") {
  for (const std::size_t ndims : {1, 3, 7, 8}) {
    CAPTURE(ndims);
    auto request = request_of({sample::leaf("a", Dtype::u8, {10})});
    request.row_format = tree::RowFormat::for_ndims(ndims);
    const auto layout = lay_out(request);
    const sample::Folder folder;
    const auto path = folder / "a.h5";
    sample::write_structure(path, layout);
    std::vector<std::byte> row(request.row_format.bytes);
    tree::encode_row({0, 5, 0x1122334455667788, {{3}, {7}}}, request.row_format, row);
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    const auto at = layout.table_offset + 2 * row.size();
    REQUIRE(::pwrite(descriptor, row.data(), row.size(), static_cast<off_t>(at)) > 0);
    ::close(descriptor);

    const FileId file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
    const auto rows = sample::read_dataset(file.get(), "/_cairn/blocks");
    REQUIRE(rows.size() == request.table_rows * row.size());
    CHECK(std::memcmp(rows.data() + 2 * row.size(), row.data(), 16 + 16 * request.row_format.ndims) == 0);
    const DatasetId dataset(H5Dopen2(file.get(), "/_cairn/blocks", H5P_DEFAULT));
    const TypeId type(H5Dget_type(dataset.get()));
    CHECK(H5Tget_size(type.get()) == request.row_format.bytes);
    CHECK(H5Tget_member_offset(type.get(), static_cast<unsigned>(H5Tget_member_index(type.get(), "count"))) ==
          16 + 8 * request.row_format.ndims);
  }
}

TEST_CASE("the superblock has version 2, with and without virtual datasets") {
  for (const bool with_boxes : {false, true}) {
    const auto layout = lay_out(request_of(sample::all_leaves(with_boxes)));
    REQUIRE(layout.structure.front().offset == 0);
    CHECK(layout.structure.front().bytes.substr(0, 8) == "\x89HDF\r\n\x1a\n");
    CHECK(layout.structure.front().bytes[8] == 2);
  }
}

TEST_CASE("the same request gives the same bytes") {
  const auto request = request_of(sample::all_leaves());
  const auto a = lay_out(request), b = lay_out(request);
  REQUIRE(a.structure.size() == b.structure.size());
  for (std::size_t i = 0; i < a.structure.size(); ++i) {
    CHECK(a.structure[i].offset == b.structure[i].offset);
    CHECK(a.structure[i].bytes == b.structure[i].bytes);
  }
}

TEST_CASE("no dataset, source or group tracks times") {
  const auto layout = lay_out(request_of(sample::all_leaves()));
  const sample::Folder folder;
  sample::write_structure(folder / "a.h5", layout);
  const FileId file(H5Fopen((folder / "a.h5").c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
  const auto check_untracked = [](const PropertyId& properties) {
    hbool_t tracked = true;
    REQUIRE(H5Pget_obj_track_times(properties.get(), &tracked) >= 0);
    CHECK_FALSE(tracked);
  };
  for (const char* path : {"dtype/f64/one", "dtype/f64/grid", "dtype/f64/boxes", "text/short",
                           "_cairn/blocks", "_cairn/index", "_cairn/tiles/dtype/f64/boxes/0"}) {
    CAPTURE(path);
    const DatasetId dataset(H5Dopen2(file.get(), path, H5P_DEFAULT));
    check_untracked(PropertyId(H5Dget_create_plist(dataset.get())));
  }
  for (const char* path : {"/", "dtype", "dtype/f64", "_cairn", "_cairn/tiles"}) {
    CAPTURE(path);
    const GroupId group(H5Gopen2(file.get(), path, H5P_DEFAULT));
    check_untracked(PropertyId(H5Gget_create_plist(group.get())));
  }
}

TEST_CASE("arrays of terabytes are laid out without their bytes") {
  const std::int64_t rows = std::int64_t{1} << 30;
  const auto request =
      request_of({sample::leaf("a", Dtype::f64, {rows, 1000}),
                  sample::leaf("b", Dtype::f64, {1000, rows}, sample::grid({1, rows / 16}))});
  const auto layout = lay_out(request);
  CHECK(layout.bytes > std::uint64_t{16000} << 30);
  check_ranges(request, layout);
  std::uint64_t structure = 0;
  for (const auto& range : layout.structure) structure += range.bytes.size();
  CHECK(structure < 4 << 20);
}

TEST_CASE("a layout leaves nothing open and the application's error printing as it was") {
  H5E_auto2_t before = nullptr, after = nullptr;
  void *data_before = nullptr, *data_after = nullptr;
  H5Eget_auto2(H5E_DEFAULT, &before, &data_before);
  const auto leaf = sample::leaf("a", Dtype::f64, {10});
  lay_out(request_of({leaf}));
  CHECK_THROWS_AS(lay_out(request_of({leaf, leaf})), Error);
  H5Eget_auto2(H5E_DEFAULT, &after, &data_after);
  CHECK(before == after);
  CHECK(data_before == data_after);
  CHECK(H5Fget_obj_count(static_cast<hid_t>(H5F_OBJ_ALL), H5F_OBJ_ALL) == 0);
}

TEST_CASE("a request that HDF5 refuses says which dataset, and HDF5's reason") {
  const auto message_of = [](std::vector<tree::StoredLeaf> leaves) {
    try {
      lay_out(request_of(std::move(leaves)));
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::internal);
      return std::string(error.what());
    }
    return std::string();
  };
  const auto leaf = sample::leaf("x/twice", Dtype::f64, {10});
  CHECK_THAT(message_of({leaf, leaf}), Catch::Contains("'x/twice'") && Catch::Contains("already exists"));
  CHECK_THAT(message_of({sample::leaf("big cell", Dtype::f64, {10}, sample::grid({20}))}),
             Catch::Contains("'big cell'"));
  CHECK_THAT(message_of({sample::leaf("other cell", Dtype::f64, {10}, sample::grid({2, 2}))}),
             Catch::Contains("'other cell'"));
  CHECK_THAT(message_of({sample::leaf("hole", Dtype::f64, {10}, sample::boxes({{{0}, {0}}}))}),
             Catch::Contains("'hole'"));
}

TEST_CASE("each tile of a grid lies where HDF5 finds its chunk") {
  // Small chunks are laid into gaps and small-data blocks: their addresses do not simply ascend.
  const std::int64_t cells[] = {3, 100, 700, 2049, 4096, 5000};
  std::vector<tree::StoredLeaf> leaves;
  for (const auto cell : cells) {
    leaves.push_back(sample::leaf("a" + std::to_string(leaves.size()), Dtype::u8, {cell * 211 - 1, 2},
                                  sample::grid({cell, 1})));
    leaves.push_back(sample::leaf("b" + std::to_string(leaves.size()), Dtype::u8, {4100}));
  }
  std::ranges::sort(leaves, {}, &tree::StoredLeaf::path);
  const auto request = request_of(leaves);
  const auto layout = lay_out(request);
  check_ranges(request, layout);
  const sample::Folder folder;
  sample::write_structure(folder / "a.h5", layout);
  const FileId file(H5Fopen((folder / "a.h5").c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
  std::size_t runs = 0;
  for (const auto& leaf : layout.leaves) {
    if (leaf.tiling.kind != tree::TileKind::grid) continue;
    REQUIRE(leaf.tiling.offsets.size() == 422);
    runs = std::max(runs, tree::to_runs(leaf.tiling.offsets).size());
    const DatasetId dataset(H5Dopen2(file.get(), leaf.path.c_str(), H5P_DEFAULT));
    for (std::size_t tile = 0; tile < 422; ++tile) {
      const hsize_t start[2] = {tile / 2 * static_cast<hsize_t>(leaf.tiling.cell[0]), tile % 2};
      haddr_t address = 0;
      hsize_t bytes = 0;
      unsigned mask = 0;
      REQUIRE(H5Dget_chunk_info_by_coord(dataset.get(), start, &mask, &address, &bytes) >= 0);
      CHECK(address == leaf.tiling.offsets[tile]);
    }
  }
  CHECK(runs > 1);
}
