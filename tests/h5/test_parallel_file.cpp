#include "h5/parallel_file.hpp"
#include "sample.hpp"

#include <cerrno>

using namespace cairn;
using namespace cairn::h5;

namespace {

/// MPI for as long as the program runs.
class MpiSession {
 public:
  MpiSession() { MPI_Init(nullptr, nullptr); }
  ~MpiSession() { MPI_Finalize(); }
};

/// A file with all leaves laid out and nothing of them written.
struct Prepared {
  Prepared() {
    static const MpiSession mpi;
    LayoutRequest request;
    request.leaves = sample::all_leaves();
    request.table_rows = 128;
    layout = lay_out(request);
    sample::write_structure(path, layout);
  }
  const tree::StoredLeaf& leaf(const std::string& name) const {
    const auto found = std::ranges::find(layout.leaves, name, &tree::StoredLeaf::path);
    REQUIRE(found != layout.leaves.end());
    return *found;
  }
  std::vector<std::byte> read(const std::string& name) const {
    const FileId file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
    return sample::read_dataset(file.get(), name);
  }
  void check_structure() const {
    for (const auto& range : layout.structure) {
      CHECK(sample::bytes_of_file(path, range.offset, range.bytes.size()) == range.bytes);
    }
    CHECK(std::filesystem::file_size(path) == layout.bytes);
  }
  sample::Folder folder;
  std::string path = folder / "state.h5";
  FileLayout layout;
};

/// Boxes that cover a leaf and fit its tiles: rows one by one, or the boxes it is tiled by.
std::vector<tree::Box> boxes_of(const tree::StoredLeaf& leaf) {
  if (leaf.tiling.kind == tree::TileKind::boxes) {
    std::vector<tree::Box> halves;
    for (const auto& box : leaf.tiling.boxes) {
      for (auto& half : tree::cut(box, tree::product(box.count) / 2 + 1)) halves.push_back(half);
    }
    return halves;
  }
  if (leaf.shape.ndims() == 0) return {tree::Box{}};
  std::vector<tree::Box> rows;
  for (std::int64_t row = 0; row < leaf.shape[0]; ++row) {
    auto box = tree::whole(leaf.shape);
    box.start[0] = row;
    box.count[0] = 1;
    rows.push_back(box);
  }
  return rows;
}

/// The values of `box`, packed.
std::vector<std::byte> values_of(const tree::StoredLeaf& leaf, const tree::Box& box) {
  const auto all = sample::values_of(leaf);
  std::vector<std::byte> packed;
  tree::for_each_run(box, leaf.shape, [&](std::uint64_t first, std::uint64_t elements) {
    const auto* from = all.data() + first * leaf.element_bytes;
    packed.insert(packed.end(), from, from + elements * leaf.element_bytes);
  });
  return packed;
}

void write_all(const Prepared& prepared, const ParallelFile::Settings& settings, bool sync) {
  ParallelFile file(prepared.path, settings);
  for (const auto& leaf : prepared.layout.leaves) {
    for (const auto& box : boxes_of(leaf)) file.write(leaf, box, values_of(leaf, box));
  }
  file.close(sync);
}

void check_all(const Prepared& prepared) {
  for (const auto& leaf : prepared.layout.leaves) {
    CAPTURE(leaf.path);
    if (leaf.bytes() > 0) CHECK(prepared.read(leaf.path) == sample::values_of(leaf));
  }
  prepared.check_structure();
}

}  // namespace

TEST_CASE("parallel HDF5 writes every dtype in every tiling and changes no byte of the structure") {
  const Prepared prepared;
  write_all(prepared, {}, true);
  check_all(prepared);
}

TEST_CASE("parallel HDF5 writes the same collectively, and with hints") {
  const Prepared prepared;
  ParallelFile::Settings settings;
  settings.comm = MPI_COMM_WORLD;
  settings.collective = true;
  settings.hints = {{"romio_cb_write", "disable"}, {"cb_buffer_size", "1048576"}};
  write_all(prepared, settings, false);
  check_all(prepared);
}

TEST_CASE("parallel HDF5 writes a box that is too large for one call in several") {
  for (const bool collective : {false, true}) {
    const Prepared prepared;
    ParallelFile::Settings settings;
    settings.collective = collective;
    settings.most_bytes_per_call = 50;
    ParallelFile file(prepared.path, settings);
    for (const auto& leaf : prepared.layout.leaves) {
      if (leaf.tiling.kind == tree::TileKind::boxes) continue;
      file.write(leaf, tree::whole(leaf.shape), sample::values_of(leaf));
    }
    file.close(false);
    for (const auto* name : {"dtype/f64/one", "dtype/f64/grid", "dtype/i8/one", "deep/8d", "text/long"}) {
      CHECK(prepared.read(name) == sample::values_of(prepared.leaf(name)));
    }
  }
}

TEST_CASE("parallel HDF5 writes the bytes that the layout's offsets say") {
  const Prepared by_offsets, by_hdf5;
  sample::write_values(by_offsets.path, by_offsets.layout);
  write_all(by_hdf5, {}, false);
  CHECK(sample::bytes_of_file(by_offsets.path, 0, by_offsets.layout.bytes) ==
        sample::bytes_of_file(by_hdf5.path, 0, by_hdf5.layout.bytes));
}

TEST_CASE("an empty box and an array without elements are written without harm") {
  const Prepared prepared;
  for (const bool collective : {false, true}) {
    ParallelFile::Settings settings;
    settings.collective = collective;
    ParallelFile file(prepared.path, settings);
    file.write(prepared.leaf("dtype/f64/one"), {{0, 0}, {0, 10}}, {});
    file.write(prepared.leaf("dtype/f64/grid"), {{7, 0}, {0, 10}}, {});
    file.write(prepared.leaf("dtype/f64/boxes"), {{0, 0}, {0, 0}}, {});
    file.write(prepared.leaf("dtype/f64/empty"), {{0, 0, 0}, {3, 0, 2}}, {});
    file.close(true);
  }
  prepared.check_structure();
  CHECK(prepared.read("dtype/f64/one") == std::vector<std::byte>(560));
}

TEST_CASE("a parallel file that is dropped or closed twice does no harm") {
  const Prepared prepared;
  const auto& leaf = prepared.leaf("dtype/f64/one");
  const auto box = tree::whole(leaf.shape);
  {
    ParallelFile file(prepared.path, {});
    file.write(leaf, box, sample::values_of(leaf));
  }
  CHECK(prepared.read(leaf.path) == sample::values_of(leaf));
  ParallelFile file(prepared.path, {});
  file.close(false);
  file.close(true);
  CHECK_THROWS_AS(file.write(leaf, box, sample::values_of(leaf)), Error);
  CHECK(H5Fget_obj_count(static_cast<hid_t>(H5F_OBJ_ALL), H5F_OBJ_ALL) == 0);
}

TEST_CASE("a block of the wrong size or outside every tile is refused") {
  const Prepared prepared;
  ParallelFile file(prepared.path, {});
  const auto& leaf = prepared.leaf("dtype/f64/boxes");
  const std::vector<std::byte> bytes(8 * 70);
  CHECK_THROWS_AS(file.write(leaf, {{0, 0}, {3, 4}}, bytes), Error);
  CHECK_THROWS_AS(file.write(leaf, tree::whole(leaf.shape), bytes), Error);
}

TEST_CASE("a file that cannot be opened is an io error with its path") {
  const Prepared prepared;
  const auto missing = prepared.folder / "missing.h5";
  try {
    ParallelFile file(missing, {});
    FAIL("opened");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::io);
    CHECK(error.path() == missing);
    CHECK_THAT(error.what(), Catch::Contains("H5Fopen"));
  }
}

TEST_CASE("a dataset that the file lacks is an io error with its name") {
  const Prepared prepared;
  ParallelFile file(prepared.path, {});
  const auto leaf = sample::leaf("absent", Dtype::u8, {4});
  try {
    file.write(leaf, tree::whole(leaf.shape), std::vector<std::byte>(4));
    FAIL("written");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::io);
    CHECK_THAT(error.what(), Catch::Contains("'absent'"));
  }
}
