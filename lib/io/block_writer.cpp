#include "io/block_writer.hpp"

#include "base/stream_copy.hpp"
#include "cairn/error.hpp"
#include "io/workers.hpp"

#include <algorithm>

namespace cairn::io {
namespace {

/// Blocks below this size are staged together, until there is this much of them; larger ones are worth a
/// write of their own, from memory aligned for them.
constexpr std::uint64_t kSmallBlock = 64u << 10;
constexpr std::uint64_t kSmallUnit = 1u << 20;
/// A piece of a block that is gathered, checksummed and written while it is in the cache of one core.
constexpr std::uint64_t kPieceBytes = 256u << 10;
/// Shorter runs of memory are joined in the cache first.
constexpr std::uint64_t kShortestRun = 256;
/// Of a piece that goes through the first cache of a core on its way past the others.
constexpr std::uint64_t kFirstCacheBytes = 16u << 10;
/// A rank that writes less does so on the caller's thread.
constexpr std::uint64_t kWorthThreads = 8u << 20;
constexpr std::uint64_t kRowsAtOnce = 8u << 20;

}  // namespace

BlockWriter::BlockWriter(const WriteJob& job) : job_(&job) {
  blocks_.reserve(job.blocks.size());
  for (const auto& block : job.blocks) {
    const auto bytes = bytes_of(block);
    if (bytes > 0) blocks_.push_back(&block);
    bytes_ += bytes;
  }
  if (device::is_available()) {
    std::vector<bool> found;
    for (const auto* block : blocks_) found.push_back(device::is_device(block->data));
    if (std::find(found.begin(), found.end(), true) != found.end()) on_device_ = std::move(found);
  }
  if (job.checksums) rows_.resize(blocks_.size() * job.row_format.bytes);
}

void BlockWriter::put_blocks(Sink& sink, int threads, const Pick& wanted, Pace* pace) {
  auto units = make_units(wanted);
  run(sink.concurrent() ? threads : 1, units, [&](Worker& worker, Unit& unit) {
    if (pace != nullptr) pace->before(unit.bytes);
    put(sink, worker, unit);
  });
}

void BlockWriter::stage(Sink& sink, StagingPool& pool, int threads) {
  staged_ = make_units([](const tree::StoredLeaf&) { return true; });
  staged_blocks_.resize(blocks_.size());
  run(threads, staged_, [&](Worker& worker, Unit& unit) {
    if (!try_stage(pool, worker, unit)) put(sink, worker, unit);
  });
  std::erase_if(staged_, [](const Unit& unit) { return unit.staged.bytes().empty(); });
}

void BlockWriter::put_staged(Sink& sink, int threads, Pace* pace) {
  run(threads, staged_, [&](Worker& worker, Unit& unit) {
    if (pace != nullptr) pace->before(unit.bytes);
    put(sink, worker, unit);
    unit.staged = {};
  });
  staged_.clear();
}

void BlockWriter::note_checksums(int threads) {
  noted_.resize(blocks_.size());
  auto units = make_units([](const tree::StoredLeaf&) { return true; });
  run(threads, units, [&](Worker& worker, Unit& unit) {
    for (const auto number : unit.blocks) noted_[number] = checksum_of(worker, number);
  });
}

/// Does `step` for each unit, by several threads where there is enough to do.
void BlockWriter::run(int threads, std::vector<Unit>& units,
                      const std::function<void(Worker&, Unit&)>& step) const {
  std::uint64_t bytes = 0;
  for (const auto& unit : units) bytes += unit.bytes;
  if (bytes < kWorthThreads) threads = 1;
  if (reads_device() && !units.empty()) {
    // Each holds one buffer of pinned memory.
    const auto largest = std::max_element(units.begin(), units.end(),
                                          [](const Unit& a, const Unit& b) { return a.bytes < b.bytes; });
    const auto most =
        std::max<std::uint64_t>(job_->pinned_bytes / std::max<std::uint64_t>(largest->bytes, 1), 1);
    threads =
        static_cast<int>(std::min<std::uint64_t>(static_cast<std::uint64_t>(std::max(threads, 1)), most));
  }
  std::vector<Worker> workers(static_cast<std::size_t>(std::max(threads, 1)));
  run_workers(threads, units.size(), [&](std::size_t worker, std::size_t unit) {
    if (reads_device() && !workers[worker].has_device) device::make_current(job_->device);
    workers[worker].has_device = true;
    step(workers[worker], units[unit]);
  });
}

/// Copies the unit's blocks into the pool; false: it has no memory for them.
bool BlockWriter::try_stage(StagingPool& pool, Worker& worker, Unit& unit) {
  auto piece = pool.try_take(unit.bytes, extents_of(worker, *blocks_[unit.blocks[0]])[0].file_offset);
  if (!piece) return false;
  auto memory = piece->bytes();
  for (const auto number : unit.blocks) {
    auto& block = staged_blocks_[number];
    block = *blocks_[number];
    if (is_on_device(number))
      gather(worker, memory, block, true);
    else
      gather_past_caches(worker, memory, block);
    memory = memory.subspan(bytes_of(block));
  }
  base::finish_stream_copies();
  finish_gathering(worker);
  memory = piece->bytes();
  for (const auto number : unit.blocks) {
    auto& block = staged_blocks_[number];
    block.data = memory.data();
    block.strides = tree::row_major_strides(block.box.count);
    blocks_[number] = &block;
    memory = memory.subspan(bytes_of(block));
  }
  unit.staged = std::move(*piece);
  return true;
}

base::Digest BlockWriter::put_rows(Sink& sink) {
  base::Digest sum;
  if (rows_.empty()) return sum;
  for (std::size_t i = 0; i < blocks_.size(); ++i) sum += row_digest(row(i), job_->first_row + i);
  const auto offset = job_->table_offset + job_->first_row * job_->row_format.bytes;
  const std::span<const std::byte> rows = rows_;
  for (std::uint64_t at = 0; at < rows.size(); at += kRowsAtOnce)
    sink.put_rows(offset + at, rows.subspan(at, std::min<std::uint64_t>(kRowsAtOnce, rows.size() - at)));
  return sum;
}

std::vector<BlockWriter::Unit> BlockWriter::make_units(const Pick& wanted) const {
  std::vector<Unit> units;
  bool open = false;  // whether the last unit takes small blocks
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    if (!wanted(leaf_of(*blocks_[i]))) continue;
    const auto bytes = bytes_of(*blocks_[i]);
    const bool small = bytes < kSmallBlock;
    if (!open || !small || units.back().bytes + bytes > kSmallUnit) units.emplace_back();
    units.back().blocks.push_back(i);
    units.back().bytes += bytes;
    open = small;
  }
  return units;
}

void BlockWriter::put(Sink& sink, Worker& worker, const Unit& unit) {
  if (unit.blocks.size() > 1)
    put_together(sink, worker, unit);
  else
    put_one(sink, worker, unit.blocks[0]);
}

void BlockWriter::put_one(Sink& sink, Worker& worker, std::size_t number) {
  const auto& block = *blocks_[number];
  const auto bytes = bytes_of(block);
  const bool on_device = is_on_device(number) && !is_staged(block);
  const bool in_place = !on_device && tree::is_packed(block.box.count, block.strides);
  const auto preference = sink.preference();
  const auto extents = extents_of(worker, block);
  const auto page = page_bytes();
  const bool aligned =
      in_place && reinterpret_cast<std::uintptr_t>(block.data) % page == extents[0].file_offset % page;
  if (bytes > kPieceBytes &&
      (preference == Sink::Preference::pieces || (preference == Sink::Preference::aligned && !aligned))) {
    put_in_pieces(sink, worker, number);
    return;
  }
  std::span<const std::byte> packed(block.data, bytes);
  if (!in_place) {
    const auto memory = take(worker, bytes, extents[0].file_offset, on_device);
    gather(worker, memory, block, on_device);
    finish_gathering(worker);
    packed = memory;
  }
  if (needs_checksum()) make_row(number, base::checksum(packed));
  sink.put(leaf_of(block), block.box, packed, extents);
}

/// Calls `use(piece, packed)` for pieces of the block that follow one another in it, and so in its checksum.
template <class Use>
void BlockWriter::for_each_piece(Worker& worker, std::size_t number, const Use& use) const {
  const auto& block = *blocks_[number];
  const bool on_device = is_on_device(number) && !is_staged(block);
  const auto element_bytes = leaf_of(block).element_bytes;
  auto piece = block;
  for (auto& box : tree::cut(block.box, kPieceBytes / element_bytes)) {
    piece.data = block.data + tree::offset_between(block.box.start, box.start, block.strides) *
                                  static_cast<std::int64_t>(element_bytes);
    piece.box = std::move(box);
    const auto bytes = bytes_of(piece);
    std::span<const std::byte> packed(piece.data, bytes);
    if (on_device || !tree::is_packed(piece.box.count, piece.strides)) {
      const auto memory = take(worker, bytes, 0, on_device);
      gather(worker, memory, piece, on_device);
      finish_gathering(worker);
      packed = memory;
    }
    use(piece, packed);
  }
}

std::uint64_t BlockWriter::checksum_of(Worker& worker, std::size_t number) const {
  worker.checksum.reset();
  for_each_piece(worker, number,
                 [&](const plan::Block&, std::span<const std::byte> packed) { worker.checksum.add(packed); });
  return worker.checksum.result();
}

void BlockWriter::put_in_pieces(Sink& sink, Worker& worker, std::size_t number) {
  worker.checksum.reset();
  for_each_piece(worker, number, [&](const plan::Block& piece, std::span<const std::byte> packed) {
    if (needs_checksum()) worker.checksum.add(packed);
    sink.put(leaf_of(piece), piece.box, packed, extents_of(worker, piece));
  });
  if (needs_checksum()) make_row(number, worker.checksum.result());
}

void BlockWriter::put_together(Sink& sink, Worker& worker, const Unit& unit) {
  auto& staged = worker.staged;
  staged.clear();
  const bool gathered = !unit.staged.bytes().empty();
  const auto all = gathered ? unit.staged.bytes() : take(worker, unit.bytes, 0, reads_device());
  auto memory = all;
  for (const auto number : unit.blocks) {
    const auto& block = *blocks_[number];
    const auto packed = memory.first(bytes_of(block));
    if (!gathered) gather(worker, packed, block, is_on_device(number));
    staged.push_back({&leaf_of(block), block.box, packed, extents_of(worker, block)});
    memory = memory.subspan(packed.size());
  }
  finish_gathering(worker);
  if (needs_checksum())
    for (std::size_t i = 0; i < staged.size(); ++i)
      make_row(unit.blocks[i], base::checksum(staged[i].packed));
  sink.put_all(staged);
}

std::vector<tree::Extent> BlockWriter::extents_of(Worker& worker, const plan::Block& block) const {
  if (worker.leaf != &leaf_of(block)) {
    worker.leaf = &leaf_of(block);
    worker.finder.emplace(*worker.leaf);
  }
  auto extents = (*worker.finder)(block.box);
  std::uint64_t bytes = 0;
  for (const auto& extent : extents) bytes += extent.bytes;
  if (bytes != bytes_of(block))
    throw Error(ErrorCode::internal, "the file has no place for " + leaf_of(block).path + " " +
                                         tree::to_string(block.box) + "; please report this");
  return extents;
}

void BlockWriter::gather(Worker& worker, std::span<std::byte> memory, const plan::Block& block,
                         bool on_device) const {
  const auto element_bytes = leaf_of(block).element_bytes;
  if (on_device) {
    if (!worker.copies) worker.copies.emplace(job_->device_stream);
    worker.copies->gather({const_cast<std::byte*>(block.data), block.strides, block.box.count, element_bytes},
                          memory.data());
    return;
  }
  tree::copy_strided(block.data, block.strides, memory.data(), tree::row_major_strides(block.box.count),
                     block.box.count, element_bytes);
}

/// The same from the host's memory to memory that is written to the disk later.
void BlockWriter::gather_past_caches(Worker& worker, std::span<std::byte> memory,
                                     const plan::Block& block) const {
  const auto element_bytes = leaf_of(block).element_bytes;
  auto& runs = worker.runs;
  tree::list_runs(const_cast<std::byte*>(block.data), block.strides, block.box.count, element_bytes,
                  kShortestRun, runs);
  for (const auto run : runs) {
    base::stream_copy(memory.data(), run.data(), run.size());
    memory = memory.subspan(run.size());
  }
  if (!runs.empty()) return;
  auto piece = block;
  for (auto& box : tree::cut(block.box, kFirstCacheBytes / element_bytes)) {
    piece.data = block.data + tree::offset_between(block.box.start, box.start, block.strides) *
                                  static_cast<std::int64_t>(element_bytes);
    piece.box = std::move(box);
    const auto packed = worker.buffer.take(bytes_of(piece));
    gather(worker, packed, piece, false);
    base::stream_copy(memory.data(), packed.data(), packed.size());
    memory = memory.subspan(packed.size());
  }
}

/// What was gathered from a device arrives.
void BlockWriter::finish_gathering(Worker& worker) {
  if (worker.copies) worker.copies->wait();
}

std::span<std::byte> BlockWriter::take(Worker& worker, std::uint64_t bytes, std::uint64_t offset,
                                       bool on_device) const {
  return on_device ? worker.buffer.take_pinned(bytes, offset) : worker.buffer.take(bytes, offset);
}

/// Whether this is a staged block, whose bytes are the host's wherever they came from.
bool BlockWriter::is_staged(const plan::Block& block) const noexcept {
  return !staged_blocks_.empty() && &block >= staged_blocks_.data() &&
         &block < staged_blocks_.data() + staged_blocks_.size();
}

void BlockWriter::make_row(std::size_t number, std::uint64_t checksum) {
  const auto& block = *blocks_[number];
  if (!noted_.empty() && noted_[number] != checksum)
    throw Error(ErrorCode::invalid_argument,
                "`" + leaf_of(block).path + "` " + tree::to_string(block.box) +
                    " was changed while a save without a snapshot still read it: wait until "
                    "AsyncResponse::snapshotted() is true, or leave async.snapshot on");
  if (job_->checksums)
    tree::encode_row({block.leaf, static_cast<std::uint32_t>(job_->rank), checksum, block.box},
                     job_->row_format, row(number));
}

std::uint64_t BlockWriter::bytes_of(const plan::Block& block) const noexcept {
  return tree::product(block.box.count) * leaf_of(block).element_bytes;
}

const tree::StoredLeaf& BlockWriter::leaf_of(const plan::Block& block) const noexcept {
  return (*job_->leaves)[block.leaf];
}

std::span<std::byte> BlockWriter::row(std::size_t block) {
  const std::size_t bytes = job_->row_format.bytes;
  return std::span(rows_).subspan(block * bytes, bytes);
}

}  // namespace cairn::io
