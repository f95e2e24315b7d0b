#include "cairn/error.hpp"
#include "io/read.hpp"
#include "io/read_plan.hpp"
#include "io/sample.hpp"

#include <cstring>
#include <optional>

#include <catch2/catch.hpp>

using namespace cairn;
using random_layout::Source;

namespace {

/// A written sample, opened for reading.
struct Written {
  explicit Written(sample::Sample made) : sample(std::move(made)) {
    sample::write(directory, sample, sample::options());
    file = base::open_file(&directory.file(), "state.h5", O_RDWR);
    rows = sample::rows_of(sample, directory.content("state.h5"));
  }
  io::ReadResult read(std::span<const io::Want> wants, Verify verify, int threads = 1) const {
    return io::read(file, {&sample.leaves, rows, wants, verify}, sample::options(threads));
  }
  /// Changes one byte of the file.
  void damage(std::uint64_t offset) const {
    std::byte byte[1];
    base::read_at(file, byte, offset);
    byte[0] ^= std::byte{1};
    base::write_at(file, byte, offset);
  }

  sample::Directory directory;
  sample::Sample sample;
  base::File file;
  std::vector<tree::BlockRow> rows;
};

std::optional<Error> error_of(const std::function<void()>& step) {
  try {
    step();
  } catch (const Error& error) {
    return error;
  }
  return {};
}

std::uint64_t bytes_of(const tree::StoredLeaf& leaf, const tree::Box& box) {
  return tree::product(box.count) * leaf.element_bytes;
}

/// An f32 array of {rows, columns} in one tile at 4096, in blocks of `block_rows` rows by rank 0 or 1 in
/// turn.
sample::Sample matrix(std::int64_t rows, std::int64_t columns, std::int64_t block_rows) {
  sample::Sample sample;
  sample.shards.resize(2);
  sample.blocks.resize(2);
  tree::StoredLeaf leaf;
  leaf.path = "params/w";
  leaf.dtype = Dtype::f32;
  leaf.element_bytes = 4;
  leaf.shape = {rows, columns};
  leaf.tiling = {tree::TileKind::one, 4096, {}, {}, {}};
  sample.leaves.push_back(leaf);
  Source source(1);
  auto shard = sample::make_shard(source, leaf, tree::whole(leaf.shape));
  shard.strides = tree::row_major_strides(leaf.shape);
  shard.first = 0;
  shard.memory.resize(leaf.bytes());
  for (std::int64_t i = 0; i < rows * columns; ++i) {
    const auto value = static_cast<float>(i);
    std::memcpy(shard.memory.data() + i * 4, &value, 4);
  }
  for (std::int64_t row = 0; row < rows; row += block_rows)
    sample.blocks[static_cast<std::size_t>(row / block_rows % 2)].push_back(
        {0,
         {{row, 0}, {std::min(block_rows, rows - row), columns}},
         shard.memory.data() + row * columns * 4,
         shard.strides});
  sample.shards[0].push_back(std::move(shard));
  sample::finish(sample, 4096 + leaf.bytes(), 2);
  return sample;
}

}  // namespace

TEST_CASE("random boxes are read back into random memory, byte for byte, and nothing else is") {
  Source source(31);
  for (int round = 0; round < 120; ++round) {
    const Written written(sample::make(source, static_cast<int>(source.integer(1, 4)),
                                       static_cast<int>(source.integer(1, 10)),
                                       static_cast<std::uint64_t>(source.integer(1, 3000))));
    const auto& leaves = written.sample.leaves;
    for (const auto verify : {Verify::off, Verify::blocks, Verify::full}) {
      std::vector<sample::Shard> shards;
      std::vector<io::Want> wants;
      const auto count = static_cast<std::size_t>(source.integer(0, 12));
      shards.reserve(count);
      std::uint64_t bytes = 0, verified = 0;
      for (std::size_t i = 0; i < count; ++i) {
        const auto leaf =
            static_cast<std::uint32_t>(source.integer(0, static_cast<std::int64_t>(leaves.size()) - 1));
        const auto box = source.integer(0, 3) == 0 ? tree::whole(leaves[leaf].shape)
                                                   : source.box(leaves[leaf].shape, true);
        shards.push_back(sample::make_shard(source, leaves[leaf], box));
        for (auto& byte : shards.back().memory) byte = std::byte{0xa5};
        wants.push_back({leaf, box, shards.back().data(), shards.back().strides,
                         source.integer(0, 1) == 0 ? leaves[leaf].dtype : Dtype::none, Cast::never});
        bytes += bytes_of(leaves[leaf], box);
        for (const auto& row : written.rows)
          if (row.leaf == leaf && !tree::is_empty(box) && tree::contains(box, row.box))
            verified += bytes_of(leaves[leaf], row.box);
      }
      if (verify == Verify::full) {
        bytes = 0;
        for (const auto& row : written.rows)
          for (const auto& want : wants)
            if (want.leaf == row.leaf && !tree::is_empty(tree::intersect(want.box, row.box))) {
              bytes += bytes_of(leaves[row.leaf], row.box);
              break;
            }
        verified = bytes;
      }
      io::ReadResult result;
      {
        sample::Faults reads(base::Op::read);
        result = written.read(wants, verify, static_cast<int>(source.integer(1, 3)));
        REQUIRE(reads.read_bytes == bytes);
      }
      REQUIRE(result.bytes == bytes);
      REQUIRE(result.verified_bytes == (verify == Verify::off ? 0 : verified));
      for (std::size_t i = 0; i < count; ++i) {
        std::uint64_t touched = 0;
        sample::for_each_byte(leaves[wants[i].leaf], shards[i], [&](std::byte& here, std::uint64_t byte) {
          REQUIRE(here == sample::value_of(wants[i].leaf, byte));
          here = std::byte{0xa5};
          ++touched;
        });
        REQUIRE(touched == bytes_of(leaves[wants[i].leaf], wants[i].box));
        for (const auto byte : shards[i].memory) REQUIRE(byte == std::byte{0xa5});
      }
    }
  }
}

TEST_CASE("a damaged block is named, with its array, its box and the rank that wrote it") {
  const Written written(matrix(40, 1000, 10));
  written.damage(4096 + 15 * 4000 + 3);  // row 15: the second block, of rank 1
  std::vector<float> memory(40 * 1000);
  const io::Want all = {0,         {{0, 0}, {40, 1000}}, reinterpret_cast<std::byte*>(memory.data()),
                        {1000, 1}, Dtype::f32,           Cast::never};
  for (const int threads : {1, 3}) {
    const auto error = error_of([&] { written.read({&all, 1}, Verify::blocks, threads); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::corrupt);
    CHECK_THAT(error->what(), Catch::Contains("params/w") && Catch::Contains("[10:20, 0:1000]") &&
                                  Catch::Contains("rank 1"));
    CHECK(error->path() == written.directory.path() / "state.h5");
  }
  CHECK_FALSE(error_of([&] { written.read({&all, 1}, Verify::off); }));

  // Of a block that is read in part, only `full` can tell.
  const io::Want part = {0,       {{11, 5}, {2, 10}}, reinterpret_cast<std::byte*>(memory.data()),
                         {10, 1}, Dtype::f32,         Cast::never};
  CHECK(written.read({&part, 1}, Verify::blocks).verified_bytes == 0);
  const auto error = error_of([&] { written.read({&part, 1}, Verify::full); });
  REQUIRE(error);
  CHECK_THAT(error->what(), Catch::Contains("[10:20, 0:1000]"));

  const io::Want other = {
      0,          {{20, 0}, {20, 1000}}, reinterpret_cast<std::byte*>(memory.data()), {1000, 1}, Dtype::f32,
      Cast::never};
  CHECK(written.read({&other, 1}, Verify::full).verified_bytes == 20 * 4000);
}

TEST_CASE("a block table that does not cover what is wanted is corrupt") {
  Written written(matrix(40, 100, 10));
  std::vector<float> memory(40 * 100);
  const io::Want all = {0,        {{0, 0}, {40, 100}}, reinterpret_cast<std::byte*>(memory.data()),
                        {100, 1}, Dtype::f32,          Cast::never};
  const io::Want part = {0,        {{0, 0}, {10, 100}}, reinterpret_cast<std::byte*>(memory.data()),
                         {100, 1}, Dtype::f32,          Cast::never};
  const auto complete = written.rows;
  SECTION("a row is missing") {
    written.rows.pop_back();
  }
  SECTION("a row is there twice") {
    written.rows.push_back(complete.back());
  }
  SECTION("the leaf has no rows, but another has") {
    for (auto& row : written.rows) row.leaf = 1;
  }
  const auto error = error_of([&] { written.read({&all, 1}, Verify::blocks); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::corrupt);
  CHECK_THAT(error->what(), Catch::Contains("params/w"));
  CHECK_FALSE(error_of([&] { written.read({&all, 1}, Verify::off); }));
  if (written.rows[0].leaf == 0) CHECK(written.read({&part, 1}, Verify::blocks).verified_bytes == 4000);
  written.rows.clear();
  CHECK(written.read({&all, 1}, Verify::blocks).bytes == 16000);
}

TEST_CASE("a file that ends too soon is corrupt") {
  const Written written(matrix(40, 100, 10));
  base::truncate(written.file, 4096 + 30 * 400 + 7);
  std::vector<float> memory(40 * 100);
  const io::Want all = {0,        {{0, 0}, {40, 100}}, reinterpret_cast<std::byte*>(memory.data()),
                        {100, 1}, Dtype::f32,          Cast::never};
  const auto error = error_of([&] { written.read({&all, 1}, Verify::blocks); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::corrupt);
}

TEST_CASE("values are converted where the memory has another type") {
  const Written written(matrix(40, 1000, 7));
  std::vector<double> memory(40 * 2000, -1);  // every second element
  const io::Want want = {0,         {{3, 10}, {30, 900}}, reinterpret_cast<std::byte*>(memory.data()),
                         {1800, 2}, Dtype::f64,           Cast::in_range};
  for (const auto verify : {Verify::blocks, Verify::full}) {
    std::fill(memory.begin(), memory.end(), -1);
    written.read({&want, 1}, verify);
    for (std::size_t i = 0; i < memory.size(); ++i) {
      const auto row = i / 1800, column = i % 1800 / 2;
      const bool wanted = row < 30 && i % 2 == 0;
      REQUIRE(memory[i] == (wanted ? static_cast<double>((row + 3) * 1000 + column + 10) : -1));
    }
  }

  std::vector<std::int16_t> narrow(40 * 1000);
  io::Want small = {0,         {{0, 0}, {40, 1000}}, reinterpret_cast<std::byte*>(narrow.data()),
                    {1000, 1}, Dtype::i16,           Cast::in_range};
  auto error = error_of([&] { written.read({&small, 1}, Verify::blocks); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::mismatch);
  CHECK_THAT(error->what(), Catch::Contains("params/w") && Catch::Contains("i16"));
  small.box.count = {32, 1000};  // 0 to 31999
  CHECK(written.read({&small, 1}, Verify::blocks).bytes == 32 * 4000);
  CHECK(narrow[31999] == 31999);
  small.cast = Cast::never;
  error = error_of([&] { written.read({&small, 1}, Verify::blocks); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::mismatch);
}

TEST_CASE("a want of a fraction reads its bytes and no more, by few calls where they follow one another") {
  const Written written(matrix(64, 1000, 4));
  std::vector<float> memory(64 * 1000);
  const auto count = [&](const tree::Box& box, Verify verify) {
    const io::Want want = {0,
                           box,
                           reinterpret_cast<std::byte*>(memory.data()),
                           tree::row_major_strides(box.count),
                           Dtype::f32,
                           Cast::never};
    sample::Faults reads(base::Op::read);
    written.read({&want, 1}, verify);
    CHECK(reads.read_bytes == bytes_of(written.sample.leaves[0], box));
    return reads.calls.load();
  };
  CHECK(count({{0, 0}, {64, 1000}}, Verify::off) == 1);
  CHECK(count({{0, 0}, {64, 1000}}, Verify::blocks) == 1);  // 16 small blocks, one after another
  CHECK(count({{0, 500}, {64, 10}}, Verify::blocks) == 64);
}

TEST_CASE("a block that several wants touch is read once where whole blocks are read") {
  const Written written(matrix(64, 100, 64));
  std::vector<float> memory(64 * 100);
  std::vector<io::Want> wants;
  for (std::int64_t row = 0; row < 64; ++row)
    wants.push_back({0,
                     {{row, 0}, {1, 100}},
                     reinterpret_cast<std::byte*>(memory.data() + row * 100),
                     {100, 1},
                     Dtype::f32,
                     Cast::never});
  CHECK(written.read(wants, Verify::full).bytes == 64 * 400);
  for (std::size_t i = 0; i < memory.size(); ++i) REQUIRE(memory[i] == static_cast<float>(i));
}

TEST_CASE("10^5 blocks and many wants are planned without comparing each with each") {
  std::vector<tree::StoredLeaf> leaves(1);
  leaves[0].path = "w";
  leaves[0].dtype = Dtype::u8;
  leaves[0].element_bytes = 1;
  leaves[0].shape = {320, 320, 4};
  std::vector<tree::BlockRow> rows;
  std::vector<io::Want> wants;
  for (std::int64_t i = 0; i < 320; ++i)
    for (std::int64_t j = 0; j < 320; ++j) {
      rows.push_back({0, 0, 0, {{i, j, 0}, {1, 1, 4}}});
      if (i % 2 == 0 && j % 2 == 0)
        wants.push_back({0, {{i, j, 0}, {2, 2, 4}}, nullptr, {8, 4, 1}, Dtype::u8, Cast::never});
    }
  const auto pieces = io::plan_reads({&leaves, rows, wants, Verify::blocks});
  CHECK(pieces.size() == rows.size());
  for (const auto& piece : pieces) REQUIRE(piece.row != nullptr);
}

TEST_CASE("a failing read is thrown, by any thread") {
  const Written written(matrix(5000, 600, 500));
  std::vector<float> memory(5000 * 600);
  const io::Want all = {
      0,          {{0, 0}, {5000, 600}}, reinterpret_cast<std::byte*>(memory.data()), {600, 1}, Dtype::f32,
      Cast::never};
  for (const int threads : {1, 3})
    for (int failing = 0; failing < 10; failing += 3) {
      sample::Faults faults(base::Op::read, failing);
      const auto error = error_of([&] { written.read({&all, 1}, Verify::blocks, threads); });
      REQUIRE(error);
      CHECK(error->system_error() == EIO);
      CHECK(faults.calls <= failing + threads);
    }
}

TEST_CASE("a packed box is placed where a want asks for a part of it") {
  tree::StoredLeaf leaf;
  leaf.path = "w";
  leaf.dtype = Dtype::i16;
  leaf.element_bytes = 2;
  leaf.shape = {10, 10};
  const tree::Box box = {{2, 2}, {4, 4}};
  std::vector<std::int16_t> packed;
  random_layout::for_each_index(
      box, [&](const Dims& index) { packed.push_back(static_cast<std::int16_t>(index[0] * 10 + index[1])); });
  std::vector<std::int16_t> same(16, -1);
  std::vector<double> wide(16, -1);
  const tree::Box wanted = {{0, 3}, {4, 4}};
  io::place(leaf, box, reinterpret_cast<const std::byte*>(packed.data()),
            {0, wanted, reinterpret_cast<std::byte*>(same.data()), {4, 1}, Dtype::i16, Cast::never});
  io::place(leaf, box, reinterpret_cast<const std::byte*>(packed.data()),
            {0, wanted, reinterpret_cast<std::byte*>(wide.data()), {4, 1}, Dtype::f64, Cast::any});
  std::size_t at = 0;
  random_layout::for_each_index(wanted, [&](const Dims& index) {
    const auto expected = random_layout::holds(box, index) ? index[0] * 10 + index[1] : -1;
    CHECK(same[at] == expected);
    CHECK(wide[at] == static_cast<double>(expected));
    ++at;
  });
}
