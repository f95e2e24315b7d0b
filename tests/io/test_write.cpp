#include "cairn/error.hpp"
#include "io/sample.hpp"
#include "io/write.hpp"

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include <catch2/catch.hpp>

using namespace cairn;
using random_layout::Source;

namespace {

/// One f64 array of `rows` rows, in one tile, cut into blocks of up to 8 MiB, and one rank that writes it.
sample::Sample one_large(std::int64_t rows, std::int64_t columns, std::uint64_t offset,
                         std::uint64_t block_bytes = 8u << 20) {
  Source source(1);
  sample::Sample result;
  result.shards.resize(1);
  result.blocks.resize(1);
  tree::StoredLeaf leaf;
  leaf.path = "w";
  leaf.dtype = Dtype::f64;
  leaf.kind = Kind::sharded;
  leaf.element_bytes = 8;
  leaf.shape = {rows, columns};
  leaf.tiling.kind = tree::TileKind::boxes;
  leaf.tiling.boxes = {tree::whole(leaf.shape)};
  leaf.tiling.offsets = {offset};
  result.leaves.push_back(leaf);
  sample::deal(source, result, block_bytes);
  sample::finish(result, offset + leaf.bytes(), 2);
  return result;
}

/// The same in memory that is congruent to the file modulo pages, so that it can go past the page cache.
struct Aligned {
  Aligned(std::int64_t rows, std::int64_t columns, std::uint64_t offset, std::uint64_t block_bytes)
      : sample(one_large(rows, columns, offset, block_bytes)), memory(sample.expected.size()) {
    std::copy(sample.expected.begin(), sample.expected.end(), memory.data());
    for (auto& block : sample.blocks[0]) {
      const auto strides = tree::row_major_strides(sample.leaves[0].shape);
      block.data = memory.data() + offset + tree::offset_of(block.box.start, strides) * 8;
      block.strides = strides;
    }
  }
  sample::Sample sample;
  sample::PageMemory memory;
};

/// The file as it was written, its rows checked and then taken out.
std::vector<std::byte> data_of(const sample::Sample& sample, std::vector<std::byte> file) {
  std::fill(file.begin() + static_cast<std::ptrdiff_t>(sample.table_offset), file.end(), std::byte{0});
  return file;
}

/// Whether the file system has O_DIRECT.
bool takes_direct(const sample::Directory& directory) {
  directory.create("probe", 0);
  try {
    base::open_file(&directory.file(), "probe", O_WRONLY | O_DIRECT);
  } catch (const Error&) {
    return false;
  }
  return true;
}

std::optional<Error> error_of(const std::function<void()>& step) {
  try {
    step();
  } catch (const Error& error) {
    return error;
  }
  return {};
}

}  // namespace

TEST_CASE("random arrays of several ranks make the file that a plain model makes") {
  Source source(21);
  for (int round = 0; round < 150; ++round) {
    const sample::Directory directory;
    const int ranks = static_cast<int>(source.integer(1, 4));
    const auto sample = sample::make(source, ranks, static_cast<int>(source.integer(0, 12)),
                                     static_cast<std::uint64_t>(source.integer(1, 4000)));
    const auto written = sample::write(directory, sample, sample::options());
    const auto file = directory.content("state.h5");
    REQUIRE(data_of(sample, file) == sample.expected);

    // The rows: one a block, in order, each with its rank, its checksum and its part of the table's digest.
    std::uint64_t bytes = 0, expected_bytes = 0;
    base::Digest sum, expected_sum;
    for (std::size_t rank = 0; rank < sample.blocks.size(); ++rank) {
      bytes += written[rank].bytes;
      sum += written[rank].rows;
      for (std::size_t i = 0; i < sample.blocks[rank].size(); ++i) {
        const auto& block = sample.blocks[rank][i];
        const auto& leaf = sample.leaves[block.leaf];
        const auto number = sample.first_row[rank] + i;
        const auto encoded = std::span(file).subspan(sample.table_offset + number * sample.row_format.bytes,
                                                     sample.row_format.bytes);
        tree::BlockRow row;
        REQUIRE(tree::decode_row(encoded, sample.row_format, sample.leaves, row));
        REQUIRE(row.leaf == block.leaf);
        REQUIRE(row.rank == rank);
        REQUIRE(row.box == block.box);
        std::vector<std::byte> packed;
        random_layout::for_each_index(block.box, [&](const Dims& index) {
          const auto place = random_layout::place_of(leaf, index);
          packed.insert(packed.end(), file.begin() + static_cast<std::ptrdiff_t>(place),
                        file.begin() + static_cast<std::ptrdiff_t>(place + leaf.element_bytes));
        });
        REQUIRE(row.checksum == base::checksum(packed));
        expected_bytes += packed.size();
        expected_sum += base::digest(encoded, number);
      }
    }
    REQUIRE(bytes == expected_bytes);
    REQUIRE(sum == expected_sum);
  }
}

TEST_CASE("large blocks are the same with and without O_DIRECT, by any number of threads") {
  // Rows that are no multiple of a page, at an offset that is none; blocks too small for O_DIRECT and large
  // enough.
  const Aligned small(513, 563, 4096 + 1000, 300000), large(2200, 563, 4096 + 1000, 2u << 20);
  const auto elsewhere = one_large(2200, 563, 4096 + 1000, 2u << 20);
  for (const auto* one : {&small.sample, &large.sample, &elsewhere})
    for (const bool odirect : {true, false})
      for (const int threads : {1, 4}) {
        const auto& sample = *one;
        const sample::Directory directory;
        auto options = sample::options(threads);
        options.odirect = odirect;
        options.fsync = true;
        sample::write(directory, sample, options);
        REQUIRE(data_of(sample, directory.content("state.h5")) == sample.expected);
      }
}

TEST_CASE("a rank with enough to write uses its threads, one with little does not") {
  class Threads final : public io::Sink {
   public:
    bool concurrent() const noexcept override { return concurrent_; }
    Preference preference() const noexcept override { return Preference::whole; }
    void put(const tree::StoredLeaf&, const tree::Box&, std::span<const std::byte>,
             std::span<const tree::Extent>) override {
      std::unique_lock lock(mutex_);
      ids.insert(std::this_thread::get_id());
      if (++puts_ == 1 && waits_) arrived_.wait(lock, [&] { return puts_ > 1; });
      arrived_.notify_all();
    }
    void put_rows(std::uint64_t, std::span<const std::byte>) override {}
    void finish() override { ++finished; }
    Threads(bool concurrent, bool waits) : concurrent_(concurrent), waits_(waits) {}
    std::set<std::thread::id> ids;
    int finished = 0;

   private:
    bool concurrent_, waits_;
    int puts_ = 0;
    std::mutex mutex_;
    std::condition_variable arrived_;
  };
  const auto large = one_large(4096, 300, 4096, 1u << 20);
  Threads two(true, true);  // the first put waits for another one
  io::write_blocks(two, large.job(0), sample::options(2));
  CHECK(two.ids.size() == 2);
  CHECK(two.finished == 1);
  Threads alone(false, false);
  io::write_blocks(alone, large.job(0), sample::options(2));
  CHECK(alone.ids == std::set{std::this_thread::get_id()});
  const auto small = one_large(1000, 100, 4096, 100000);
  Threads few(true, false);
  io::write_blocks(few, small.job(0), sample::options(2));
  CHECK(few.ids == std::set{std::this_thread::get_id()});
}

TEST_CASE("thousands of small leaves that follow one another take few writes") {
  Source source(22);
  sample::Sample sample;
  sample.shards.resize(1);
  sample.blocks.resize(1);
  std::uint64_t end = 4096;
  for (int i = 0; i < 5000; ++i) {
    tree::StoredLeaf leaf;
    leaf.path = std::to_string(i);
    leaf.element_bytes = 4;
    leaf.dtype = Dtype::f32;
    leaf.shape = {source.integer(1, 20)};
    leaf.tiling = {tree::TileKind::one, end, {}, {}, {}};
    end += leaf.bytes();
    sample.leaves.push_back(leaf);
    sample::deal(source, sample, 8u << 20);
  }
  sample::finish(sample, end, 1);
  std::stable_sort(sample.blocks[0].begin(), sample.blocks[0].end(), [](const auto& a, const auto& b) {
    return std::pair(a.leaf, a.box.start[0]) < std::pair(b.leaf, b.box.start[0]);
  });
  const sample::Directory directory;
  sample::Faults count(base::Op::write);
  sample::write(directory, sample, sample::options());
  CHECK(count.calls < 10);
  CHECK(data_of(sample, directory.content("state.h5")) == sample.expected);
}

TEST_CASE("without checksums there are no rows") {
  Source source(23);
  const auto sample = sample::make(source, 1, 5, 1000);
  const sample::Directory directory;
  directory.create("state.h5", sample.bytes);
  auto job = sample.job(0);
  job.checksums = false;
  const auto sink = io::open_direct_sink(directory.file(), "state.h5", sample::options());
  const auto written = io::write_blocks(*sink, job, sample::options());
  CHECK(written.rows == base::Digest{});
  CHECK(directory.content("state.h5") == sample.expected);
}

TEST_CASE("a rank that holds nothing writes nothing") {
  Source source(24);
  auto sample = sample::make(source, 1, 2, 1000);
  sample.blocks[0].clear();
  const sample::Directory directory;
  sample::Faults writes(base::Op::write), syncs(base::Op::fsync);
  auto options = sample::options();
  options.fsync = true;
  const auto written = sample::write(directory, sample, options);
  CHECK(written[0].bytes == 0);
  CHECK(writes.calls == 0);
  CHECK(syncs.calls == 0);
}

TEST_CASE("a write that fails, whichever it is, is thrown and stops the rank") {
  const auto sample = one_large(2200, 563, 4096 + 1000, 1u << 20);
  for (const int threads : {1, 3}) {
    auto options = sample::options(threads);
    int total = 0;
    {
      const sample::Directory directory;
      sample::Faults count(base::Op::write);
      sample::write(directory, sample, options);
      total = count.calls;
    }
    REQUIRE(total > 20);
    for (int failing = 0; failing < total; ++failing) {
      const sample::Directory directory;
      directory.create("state.h5", sample.bytes);
      sample::Faults faults(base::Op::write, failing, ENOSPC);
      const auto sink = io::open_direct_sink(directory.file(), "state.h5", options);
      const auto error = error_of([&] { io::write_blocks(*sink, sample.job(0), options); });
      REQUIRE(error);
      REQUIRE(error->code() == ErrorCode::no_space);
      REQUIRE(error->system_error() == ENOSPC);
      REQUIRE(error->path() == directory.path() / "state.h5");
      REQUIRE(faults.calls <= failing + threads);
      // The descriptor keeps its error, though the disk would now take the bytes.
      REQUIRE(error_of([&] { sink->finish(); }));
    }
  }
}

TEST_CASE("what fsync and close say is an error, of whichever descriptor") {
  const Aligned aligned(600, 563, 4096 + 1000, 2u << 20);
  const auto& sample = aligned.sample;
  for (const auto op : {base::Op::fsync, base::Op::close})
    for (int failing = 0; failing < 2; ++failing) {
      const sample::Directory directory;
      if (failing == 1 && !takes_direct(directory)) continue;
      directory.create("state.h5", sample.bytes);
      auto options = sample::options();
      options.fsync = true;
      const auto sink = io::open_direct_sink(directory.file(), "state.h5", options);
      sample::Faults faults(op, failing);
      const auto error = error_of([&] { io::write_blocks(*sink, sample.job(0), options); });
      REQUIRE(error);
      CHECK(error->code() == ErrorCode::io);
      CHECK(error->system_error() == EIO);
    }
}

TEST_CASE("each descriptor that wrote is flushed once, and none without fsync") {
  const Aligned aligned(600, 563, 4096 + 1000, 2u << 20);
  const auto& sample = aligned.sample;
  for (const bool fsync : {true, false})
    for (const bool odirect : {true, false}) {
      const sample::Directory directory;
      auto options = sample::options();
      options.fsync = fsync;
      options.odirect = odirect;
      const int descriptors = odirect && takes_direct(directory) ? 2 : 1;
      sample::Faults syncs(base::Op::fsync);
      sample::write(directory, sample, options);
      CHECK(syncs.calls == (fsync ? descriptors : 0));
    }
}

TEST_CASE("where O_DIRECT is refused, the file is written all the same") {
  const Aligned aligned(2200, 563, 4096 + 1000, 2u << 20);
  const auto& sample = aligned.sample;
  SECTION("when it is opened") {
    class Refuse final : public sample::Hook {
      int before(base::Op op, std::string_view name, std::uint64_t, std::uint64_t) override {
        return op == base::Op::open && name.ends_with("state.h5") && ++opens_ == 3
                   ? EINVAL
                   : 0;  // 1: create, 2: buffered
      }
      int opens_ = 0;
    };
    const sample::Directory directory;
    {
      Refuse refuse;
      sample::write(directory, sample, sample::options());
    }
    CHECK(data_of(sample, directory.content("state.h5")) == sample.expected);
  }
  SECTION("when it is first used") {
    class Refuse final : public sample::Hook {
     public:
      int before(base::Op op, std::string_view, std::uint64_t offset, std::uint64_t bytes) override {
        if (op != base::Op::write || bytes < (64u << 10) || offset % 4096 != 0 || bytes % 4096 != 0) return 0;
        return ++refused == 1 ? EINVAL : 0;
      }
      std::atomic<int> refused{0};
    };
    const sample::Directory directory;
    {
      Refuse refuse;
      sample::write(directory, sample, sample::options());
      CHECK(refuse.refused >= 1);
    }
    CHECK(data_of(sample, directory.content("state.h5")) == sample.expected);
  }
}

TEST_CASE("bytes past 4 GiB of a sparse file are where they belong") {
  const std::uint64_t offset = (std::uint64_t{5} << 30) + 777;
  tree::StoredLeaf leaf;
  leaf.path = "far";
  leaf.dtype = Dtype::f64;
  leaf.element_bytes = 8;
  leaf.shape = {40000};
  leaf.tiling = {tree::TileKind::one, offset, {}, {}, {}};
  const std::vector<tree::StoredLeaf> leaves = {leaf};
  std::vector<double> values(40000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i) * 0.5;
  const std::vector<plan::Block> blocks = {
      {0, tree::whole(leaf.shape), reinterpret_cast<const std::byte*>(values.data()), {1}}};
  io::WriteJob job;
  job.leaves = &leaves;
  job.blocks = blocks;
  job.row_format = tree::RowFormat::for_ndims(1);
  job.table_offset = std::uint64_t{6} << 30;
  const sample::Directory directory;
  directory.create("state.h5", job.table_offset + 4096);
  const auto sink = io::open_direct_sink(directory.file(), "state.h5", sample::options());
  io::write_blocks(*sink, job, sample::options());
  std::vector<double> back(values.size());
  const auto file = base::open_file(&directory.file(), "state.h5", O_RDONLY);
  base::read_at(file, std::as_writable_bytes(std::span(back)), offset);
  CHECK(back == values);
  std::vector<std::byte> row(32);
  base::read_at(file, row, job.table_offset);
  tree::BlockRow decoded;
  REQUIRE(tree::decode_row(row, job.row_format, leaves, decoded));
  CHECK(decoded.checksum == base::checksum(std::as_bytes(std::span(values))));
}

TEST_CASE("a file that has no place for a block is refused") {
  Source source(25);
  auto sample = one_large(10, 10, 4096);
  sample.leaves[0].tiling.boxes[0].count[0] = 9;
  const sample::Directory directory;
  directory.create("state.h5", sample.bytes);
  const auto sink = io::open_direct_sink(directory.file(), "state.h5", sample::options());
  const auto error = error_of([&] { io::write_blocks(*sink, sample.job(0), sample::options()); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::internal);
}

TEST_CASE("the number of threads is what was asked for, else a few") {
  CHECK(io::thread_count(sample::options(5)) == 5);
  const int chosen = io::thread_count(sample::options(0));
  CHECK(chosen >= 2);
  CHECK(chosen <= 8);
}
