#include "base/storage.hpp"
#include "comm/communicator.hpp"
#include "folder.hpp"
#include "h5/file_layout.hpp"
#include "harness.hpp"
#include "io/write.hpp"
#include "tree/index.hpp"

#include <atomic>
#include <fstream>
#include <numeric>
#include <vector>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <unistd.h>

using namespace cairn;
using cairn::testing::FirstRanks;

namespace {

constexpr std::int64_t kRows = 300, kColumns = 1100;  // of a rank's part of each large array

/// What each rank writes: a large array in one tile, one in a grid, one with a tile a rank, and small ones.
struct Content {
  Content(int own_rank, int ranks) : rank(own_rank) {
    const auto n = static_cast<std::int64_t>(ranks);
    add("large/grid", {n * kRows, kColumns}, tree::TileKind::grid).cell = {kRows, kColumns};
    add("large/one", {n * kRows, kColumns}, tree::TileKind::one);
    auto& boxes = add("large/tiles", {n * kRows, kColumns}, tree::TileKind::boxes).boxes;
    for (std::int64_t i = 0; i < n; ++i) boxes.push_back({{i * kRows, 0}, {kRows, kColumns}});
    add("scalar", {}, tree::TileKind::one);
    add("small", {n, 3}, tree::TileKind::one);
  }
  tree::Tiling& add(const std::string& path, Dims shape, tree::TileKind kind) {
    tree::StoredLeaf leaf;
    leaf.path = path;
    leaf.kind = Kind::sharded;
    leaf.dtype = Dtype::f64;
    leaf.element_bytes = 8;
    leaf.shape = shape;
    leaf.tiling.kind = kind;
    leaves.push_back(leaf);
    return leaves.back().tiling;
  }

  /// Blocks that are fewer on some ranks than on others: rank 0 cuts small, and alone writes the scalar.
  std::vector<plan::Block> blocks() {
    memory.resize(static_cast<std::size_t>(kRows * kColumns));
    std::iota(memory.begin(), memory.end(), 1e6 * rank);
    const auto* data = reinterpret_cast<const std::byte*>(memory.data());
    std::vector<plan::Block> result;
    for (std::uint32_t leaf = 0; leaf < leaves.size(); ++leaf) {
      if (leaves[leaf].path == "scalar") {
        if (rank == 0) result.push_back({leaf, {}, data, {}});
        continue;
      }
      const bool small = leaves[leaf].path == "small";
      const tree::Box part =
          small ? tree::Box{{rank, 0}, {1, 3}} : tree::Box{{rank * kRows, 0}, {kRows, kColumns}};
      for (const auto& box : tree::cut(part, rank == 0 ? 70 * kColumns : 1000 * kColumns))
        result.push_back(
            {leaf, box, data + (box.start[0] - part.start[0]) * part.count[1] * 8, {part.count[1], 1}});
    }
    return result;
  }

  int rank;
  std::vector<tree::StoredLeaf> leaves;
  std::vector<double> memory;
};

/// The same file laid out under several names, ready to be written. Collective.
class Files {
 public:
  Files(MPI_Comm comm, const std::filesystem::path& folder, const std::vector<std::string>& names)
      : communicator(Context(comm)),
        content(communicator.rank(), communicator.size()),
        path(folder),
        blocks(content.blocks()) {
    const auto packed = *communicator.agree_on_root("lay out", [&] {
      h5::LayoutRequest request;
      request.leaves = content.leaves;
      request.row_format = tree::RowFormat::for_ndims(2);
      request.table_rows = 64 * static_cast<std::uint64_t>(communicator.size());
      const auto layout = h5::lay_out(request);
      for (const auto& name : names) {
        const auto file = base::open_file(nullptr, path / name, O_CREAT | O_EXCL | O_RDWR, 0600);
        base::truncate(file, layout.bytes);
        for (const auto& range : layout.structure)
          base::write_at(file, std::as_bytes(std::span(range.bytes)), range.offset);
      }
      return std::to_string(layout.table_offset) + " " + tree::pack_tilings(layout.leaves);
    });
    job.table_offset = std::stoull(packed);
    tree::unpack_tilings(std::string_view(packed).substr(packed.find(' ') + 1), content.leaves);
    job.leaves = &content.leaves;
    job.blocks = blocks;
    job.rank = communicator.rank();
    job.row_format = tree::RowFormat::for_ndims(2);
    job.first_row = 64 * static_cast<std::uint64_t>(communicator.rank());
    directory = base::open_directory(path);
  }

  io::Written write(const std::string& name, Writer writer) {
    return *communicator.agree("write", [&] {
      IoOptions options;
      if (writer == Writer::automatic)
        return io::write_collective(communicator, directory, path / name, job, options);
      const auto sink = writer == Writer::mpio ? io::open_mpio_sink(directory, path / name, options)
                                               : io::open_direct_sink(directory, name, options);
      return io::write_blocks(*sink, job, options);
    });
  }
  std::string bytes_of(const std::string& name) const {
    std::ifstream file(path / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  comm::Communicator communicator;
  Content content;
  std::filesystem::path path;
  std::vector<plan::Block> blocks;
  io::WriteJob job;
  base::File directory;
};

class Hook : public base::StorageHook {
 public:
  Hook() { base::set_storage_hook(this); }
  ~Hook() override { base::set_storage_hook(nullptr); }
};

}  // namespace

TEST_CASE("the direct, the mpio and the collective writer make the same file") {
  const mpi_test::SharedFolder folder(MPI_COMM_WORLD);
  Files files(MPI_COMM_WORLD, folder.path(), {"direct.h5", "mpio.h5", "collective.h5"});
  const auto direct = files.write("direct.h5", Writer::direct);
  const auto mpio = files.write("mpio.h5", Writer::mpio);
  const auto collective = files.write("collective.h5", Writer::automatic);
  CHECK(direct.rows == mpio.rows);
  CHECK(direct.rows == collective.rows);
  CHECK(direct.bytes == mpio.bytes);
  CHECK(direct.bytes == collective.bytes);
  const auto expected = files.bytes_of("direct.h5");
  CHECK(expected == files.bytes_of("mpio.h5"));
  CHECK(expected == files.bytes_of("collective.h5"));

  // The data is there at all: this rank's part of the array in one tile.
  const auto& leaf = files.content.leaves[1];
  const auto place = leaf.tiling.offset + static_cast<std::uint64_t>(files.job.rank) * kRows * kColumns * 8;
  CHECK(expected.compare(place, kRows * kColumns * 8,
                         reinterpret_cast<const char*>(files.content.memory.data()),
                         kRows * kColumns * 8) == 0);
}

TEST_CASE("bytes that collective MPI-IO lost are found before anyone believes them") {
  const mpi_test::SharedFolder folder(MPI_COMM_WORLD);
  Files files(MPI_COMM_WORLD, folder.path(), {"state.h5"});
  const int last = files.communicator.size() - 1;
  // Before the last rank reads back, one byte of its part of an array is changed.
  class Lose final : public Hook {
   public:
    Lose(std::filesystem::path file, std::uint64_t place) : file_(std::move(file)), place_(place) {}
    int before(base::Op op, std::string_view, std::uint64_t, std::uint64_t) override {
      if (op != base::Op::read || done_.exchange(true)) return 0;
      const int descriptor = ::open(file_.c_str(), O_WRONLY);
      const char byte = '!';
      const bool changed = ::pwrite(descriptor, &byte, 1, static_cast<off_t>(place_)) == 1;
      ::close(descriptor);
      return changed ? 0 : EIO;
    }

   private:
    std::filesystem::path file_;
    std::uint64_t place_;
    std::atomic<bool> done_{false};
  };
  std::unique_ptr<Hook> hook;
  if (files.job.rank == last)
    hook = std::make_unique<Lose>(
        files.path / "state.h5",
        files.content.leaves[1].tiling.offset + static_cast<std::uint64_t>(last) * kRows * kColumns * 8 + 5);
  const auto text = cairn::testing::require_same_error_everywhere(
      MPI_COMM_WORLD, [&] { files.write("state.h5", Writer::automatic); }, ErrorCode::corrupt, "large/one");
  CHECK_THAT(text, Catch::Contains("[" + std::to_string(last * kRows) + ":"));
}

TEST_CASE("a rank that cannot open the file for a collective write fails all ranks") {
  const mpi_test::SharedFolder folder(MPI_COMM_WORLD);
  Files files(MPI_COMM_WORLD, folder.path(), {"state.h5"});
  class Refuse final : public Hook {
    int before(base::Op op, std::string_view, std::uint64_t, std::uint64_t) override {
      return op == base::Op::open ? EACCES : 0;
    }
  };
  std::unique_ptr<Hook> hook;
  if (files.job.rank == files.communicator.size() - 1) hook = std::make_unique<Refuse>();
  cairn::testing::require_same_error_everywhere(
      MPI_COMM_WORLD, [&] { files.write("state.h5", Writer::automatic); }, ErrorCode::io, "state.h5");
}

TEST_CASE("a rank that fails between collective transfers leaves no other waiting") {
  const mpi_test::SharedFolder folder(MPI_COMM_WORLD);
  Files files(MPI_COMM_WORLD, folder.path(), {"state.h5"});
  if (files.job.rank == files.communicator.size() - 1)  // its part of the grid lies outside the array
    files.blocks[0].box.start[0] += 100 * kRows * files.communicator.size();
  cairn::testing::require_same_error_everywhere(
      MPI_COMM_WORLD, [&] { files.write("state.h5", Writer::automatic); }, ErrorCode::internal, "large/grid");
}
