#include "sample.hpp"

#include <random>

using namespace cairn;
using namespace cairn::h5;

namespace {

FileLayout lay_out_leaves(std::vector<tree::StoredLeaf> leaves) {
  LayoutRequest request;
  request.leaves = std::move(leaves);
  return lay_out(request);
}

std::uint64_t structure_bytes(const FileLayout& layout) {
  std::uint64_t bytes = 0;
  for (const auto& range : layout.structure) bytes += range.bytes.size();
  return bytes;
}

}  // namespace

TEST_CASE("100 000 datasets make one file, whose structure is small and in few ranges") {
  std::vector<tree::StoredLeaf> leaves;
  for (int i = 0; i < 30000; ++i) {
    const auto number = std::to_string(100000 + i);
    std::string path = "layers/";
    path.append(number.substr(1, 3)).append("/weight ").append(number.substr(4));
    leaves.push_back(sample::leaf(path, Dtype::f32, {64, 1 + i % 50}));
  }
  const auto layout = lay_out_leaves(leaves);
  CHECK(structure_bytes(layout) < 100000 * 600);
  CHECK(layout.structure.size() < 40);
  const sample::Folder folder;
  sample::write_structure(folder / "a.h5", layout);
  const FileId file(H5Fopen((folder / "a.h5").c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
  REQUIRE(file);
  for (std::size_t i = 0; i < leaves.size(); i += 997) {
    const DatasetId dataset(H5Dopen2(file.get(), leaves[i].path.c_str(), H5P_DEFAULT));
    REQUIRE(dataset);
    CHECK(H5Dget_offset(dataset.get()) == layout.leaves[i].tiling.offset);
  }
}

TEST_CASE("100 000 tiles of a grid lie where HDF5 finds its chunks") {
  std::vector<tree::StoredLeaf> leaves = {
      sample::leaf("grid", Dtype::f32, {1000, 1000, 5000}, sample::grid({20, 50, 50}))};
  const auto layout = lay_out_leaves(leaves);
  const auto& offsets = layout.leaves[0].tiling.offsets;
  REQUIRE(offsets.size() == 100000);
  const sample::Folder folder;
  sample::write_structure(folder / "a.h5", layout);
  const FileId file(H5Fopen((folder / "a.h5").c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
  const DatasetId dataset(H5Dopen2(file.get(), "grid", H5P_DEFAULT));
  std::mt19937_64 random(1);
  for (int i = 0; i < 100; ++i) {
    const auto tile = i == 0 ? 0 : i == 1 ? 99999 : random() % 100000;
    const hsize_t start[3] = {tile / 2000 * 20, tile / 100 % 20 * 50, tile % 100 * 50};
    haddr_t address = 0;
    hsize_t bytes = 0;
    unsigned mask = 0;
    REQUIRE(H5Dget_chunk_info_by_coord(dataset.get(), start, &mask, &address, &bytes) >= 0);
    CHECK(address == offsets[tile]);
  }
}

TEST_CASE("3000 unequal boxes are one virtual dataset") {
  std::vector<tree::Box> boxes;
  std::int64_t at = 0;
  for (int i = 0; i < 3000; ++i) {
    tree::Box box;
    box.start = {at, 0};
    box.count = {1 + i % 3, 2};
    at += box.count[0];
    boxes.push_back(box);
  }
  const auto layout = lay_out_leaves({sample::leaf("x/boxes", Dtype::i32, {at, 2}, sample::boxes(boxes))});
  CHECK(layout.leaves[0].tiling.offsets.size() == 3000);
  const sample::Folder folder;
  const auto path = folder / "a.h5";
  sample::write_structure(path, layout);
  sample::write_values(path, layout);
  const FileId file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
  CHECK(sample::read_dataset(file.get(), "x/boxes") == sample::values_of(layout.leaves[0]));
}
