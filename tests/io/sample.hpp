#pragma once

#include "base/storage.hpp"
#include "io/read.hpp"
#include "io/write.hpp"
#include "tree/random_layout.hpp"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <fcntl.h>
#include <stdlib.h>

/// A file with a layout made by hand, arrays of several ranks to fill it with, and a plain model of both.
namespace sample {

using namespace cairn;

/// A directory of its own, removed with all that is in it.
class Directory {
 public:
  Directory() {
    auto name = (std::filesystem::temp_directory_path() / "cairn-io-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
    file_ = base::open_directory(path_);
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  Directory(const Directory&) = delete;
  const base::File& file() const { return file_; }
  const std::filesystem::path& path() const { return path_; }
  /// Creates `name` with so many zero bytes.
  void create(const std::string& name, std::uint64_t bytes) const {
    base::truncate(base::open_file(&file_, name, O_CREAT | O_EXCL | O_WRONLY, 0600), bytes);
  }
  std::vector<std::byte> content(const std::string& name) const {
    std::vector<std::byte> bytes(std::filesystem::file_size(path_ / name));
    base::read_at(base::open_file(&file_, name, O_RDONLY), bytes, 0);
    return bytes;
  }

 private:
  std::filesystem::path path_;
  base::File file_;
};

/// The byte of an array at a place: what every rank writes and every reader expects.
inline std::byte value_of(std::size_t leaf, std::uint64_t byte) {
  auto mixed = (byte + 1) * 0x9e3779b97f4a7c15u + leaf * 0xc2b2ae3d27d4eb4fu;
  mixed ^= mixed >> 29;
  return static_cast<std::byte>((mixed * 0xbf58476d1ce4e5b9u) >> 56);
}

/// Memory that begins on a page.
class PageMemory {
 public:
  explicit PageMemory(std::uint64_t bytes)
      : data_(static_cast<std::byte*>(std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096))) {}
  std::byte* data() const { return data_.get(); }

 private:
  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };
  std::unique_ptr<std::byte, Free> data_;
};

/// A box of an array in memory of its own, strided.
struct Shard {
  tree::Box box = {};
  Dims strides = {};
  std::vector<std::byte> memory = {};
  std::size_t first = 0;
  std::byte* data() { return memory.data() + first; }
};

inline void for_each_byte(const tree::StoredLeaf& leaf, Shard& shard,
                          const std::function<void(std::byte& here, std::uint64_t in_array)>& visit) {
  const auto strides = tree::row_major_strides(leaf.shape);
  random_layout::for_each_index(shard.box, [&](const Dims& index) {
    Dims relative = index;
    for (std::size_t dim = 0; dim < index.ndims(); ++dim) relative[dim] -= shard.box.start[dim];
    auto* const at = shard.data() +
                     tree::offset_of(relative, shard.strides) * static_cast<std::int64_t>(leaf.element_bytes);
    const auto linear = static_cast<std::uint64_t>(tree::offset_of(index, strides)) * leaf.element_bytes;
    for (std::uint64_t byte = 0; byte < leaf.element_bytes; ++byte) visit(at[byte], linear + byte);
  });
}

/// Memory for a box: packed, with a halo, or backwards.
inline Shard make_shard(random_layout::Source& source, const tree::StoredLeaf& leaf, const tree::Box& box) {
  Shard shard{box, tree::row_major_strides(box.count), {}, 0};
  const auto kind = source.integer(0, 3);
  std::int64_t stride = 1, lowest = 0;
  for (std::size_t dim = box.ndims(); dim-- > 0;) {
    const bool backwards = kind == 3 && box.count[dim] > 0;
    shard.strides[dim] = backwards ? -stride : stride;
    if (backwards) lowest -= stride * (box.count[dim] - 1);
    stride *= std::max<std::int64_t>(box.count[dim], 1) + (kind == 2 ? source.integer(0, 2) : 0);
  }
  shard.first = static_cast<std::size_t>(-lowest) * leaf.element_bytes;
  shard.memory.resize(static_cast<std::size_t>(stride) * leaf.element_bytes);
  return shard;
}

/// Arrays of random shape and tiling, dealt to ranks, and the file that they make.
struct Sample {
  std::vector<tree::StoredLeaf> leaves;
  std::vector<std::vector<Shard>> shards;        // per rank
  std::vector<std::vector<plan::Block>> blocks;  // per rank, into the shards
  std::vector<std::uint64_t> first_row;          // per rank
  tree::RowFormat row_format = {};
  std::uint64_t table_offset = 0, table_rows = 0, bytes = 0;
  std::vector<std::byte> expected;  // the file, its block table zero

  io::WriteJob job(int rank) const {
    io::WriteJob job;
    job.leaves = &leaves;
    job.blocks = blocks[static_cast<std::size_t>(rank)];
    job.rank = rank;
    job.row_format = row_format;
    job.table_offset = table_offset;
    job.first_row = first_row[static_cast<std::size_t>(rank)];
    return job;
  }
};

/// Deals `leaf` (the next of the sample) to the ranks by boxes of its own tiling, cut at random.
inline void deal(random_layout::Source& source, Sample& sample, std::uint64_t block_bytes) {
  const auto number = sample.leaves.size() - 1;
  const auto& leaf = sample.leaves.back();
  auto boxes = leaf.tiling.kind == tree::TileKind::boxes
                   ? leaf.tiling.boxes
                   : source.partition(tree::whole(leaf.shape), static_cast<int>(source.integer(0, 5)));
  for (const auto& box : boxes) {
    const auto rank =
        static_cast<std::size_t>(source.integer(0, static_cast<std::int64_t>(sample.shards.size()) - 1));
    auto shard = make_shard(source, leaf, box);
    for_each_byte(leaf, shard, [&](std::byte& here, std::uint64_t byte) { here = value_of(number, byte); });
    auto* const data = shard.data();
    for (const auto& piece : tree::cut(box, std::max<std::uint64_t>(block_bytes / leaf.element_bytes, 1))) {
      Dims relative = piece.start;
      for (std::size_t dim = 0; dim < relative.ndims(); ++dim) relative[dim] -= box.start[dim];
      const auto* at =
          data + tree::offset_of(relative, shard.strides) * static_cast<std::int64_t>(leaf.element_bytes);
      sample.blocks[rank].push_back({static_cast<std::uint32_t>(number), piece, at, shard.strides});
    }
    sample.shards[rank].push_back(std::move(shard));
  }
}

/// Gives the ranks their sections of the block table, and makes the expected file.
inline void finish(Sample& sample, std::uint64_t end, std::size_t most_ndims) {
  sample.row_format = tree::RowFormat::for_ndims(most_ndims);
  sample.table_offset = (end + 4095) / 4096 * 4096;
  for (const auto& blocks : sample.blocks) {
    sample.first_row.push_back(sample.table_rows);
    const auto page = sample.row_format.rows_per_page();
    sample.table_rows += (blocks.size() + page - 1) / page * page;
  }
  sample.bytes = sample.table_offset + sample.table_rows * sample.row_format.bytes;
  sample.expected.assign(sample.bytes, std::byte{0});
  for (std::size_t i = 0; i < sample.leaves.size(); ++i) {
    const auto& leaf = sample.leaves[i];
    std::uint64_t byte = 0;
    random_layout::for_each_index(tree::whole(leaf.shape), [&](const Dims& index) {
      const auto place = random_layout::place_of(leaf, index);
      for (std::uint64_t k = 0; k < leaf.element_bytes; ++k) sample.expected[place + k] = value_of(i, byte++);
    });
  }
}

inline Sample make(random_layout::Source& source, int ranks, int leaves, std::uint64_t block_bytes) {
  Sample sample;
  sample.shards.resize(static_cast<std::size_t>(ranks));
  sample.blocks.resize(static_cast<std::size_t>(ranks));
  std::uint64_t end = static_cast<std::uint64_t>(source.integer(0, 5000));
  for (int i = 0; i < leaves; ++i) {
    sample.leaves.push_back(source.leaf("leaf/" + std::to_string(i), end, 4, 12));
    deal(source, sample, block_bytes);
  }
  finish(sample, end, 4);
  return sample;
}

/// Every row of the file's block table.
inline std::vector<tree::BlockRow> rows_of(const Sample& sample, std::span<const std::byte> file) {
  std::vector<tree::BlockRow> rows;
  for (std::uint64_t i = 0; i < sample.table_rows; ++i) {
    tree::BlockRow row;
    const auto bytes =
        file.subspan(sample.table_offset + i * sample.row_format.bytes, sample.row_format.bytes);
    if (tree::decode_row(bytes, sample.row_format, sample.leaves, row)) rows.push_back(row);
  }
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.leaf < b.leaf; });
  return rows;
}

inline IoOptions options(int threads = 1) {
  IoOptions options;
  options.threads = threads;
  options.fsync = false;
  return options;
}

/// Writes every rank's part, one after another.
inline std::vector<io::Written> write(const Directory& directory, const Sample& sample,
                                      const IoOptions& options, const std::string& name = "state.h5") {
  directory.create(name, sample.bytes);
  std::vector<io::Written> written;
  for (std::size_t rank = 0; rank < sample.blocks.size(); ++rank) {
    const auto sink = io::open_direct_sink(directory.file(), name, options);
    written.push_back(io::write_blocks(*sink, sample.job(static_cast<int>(rank)), options));
  }
  return written;
}

/// Installs itself as the process's hook while it lives.
class Hook : public base::StorageHook {
 public:
  Hook() : before_(base::set_storage_hook(this)) {}
  ~Hook() override { base::set_storage_hook(before_); }
  Hook(const Hook&) = delete;

 private:
  base::StorageHook* before_;
};

/// Counts calls and bytes, and fails the call of one kind with that number (from 0) and all later ones of its
/// kind.
class Faults : public Hook {
 public:
  explicit Faults(base::Op op, int failing = -1, int error = EIO)
      : op_(op), failing_(failing), error_(error) {}
  int before(base::Op op, std::string_view, std::uint64_t, std::uint64_t bytes) override {
    if (op == base::Op::read) read_bytes += bytes;
    if (op != op_) return 0;
    const int number = calls++;
    return failing_ >= 0 && number >= failing_ ? error_ : 0;
  }
  std::atomic<int> calls{0};
  std::atomic<std::uint64_t> read_bytes{0};

 private:
  base::Op op_;
  int failing_, error_;
};

}  // namespace sample
