#include "save/save_operation.hpp"

#include "base/clock.hpp"
#include "base/host.hpp"
#include "base/log.hpp"
#include "base/pack.hpp"
#include "commit/path.hpp"
#include "tree/index.hpp"

#include <chrono>

namespace cairn::save_stages {
namespace {

constexpr std::size_t kHostLanes = 8;

comm::Lanes text_lanes(std::string_view text) {
  comm::Lanes lanes(kHostLanes, 0);
  text = text.substr(0, kHostLanes * sizeof(std::uint64_t));
  std::memcpy(lanes.data(), text.data(), text.size());
  return lanes;
}

std::string lanes_text(const std::uint64_t* lanes) {
  const char* text = reinterpret_cast<const char*>(lanes);
  return {text, strnlen(text, kHostLanes * sizeof(std::uint64_t))};
}

commit::CheckpointableEntry make_entry(const StartedSave& save, const h5::FileLayout& file) {
  commit::CheckpointableEntry entry;
  entry.handler = commit::tree_handler;
  entry.file = save.file_name();
  entry.bytes = file.bytes;
  entry.data_bytes = save.plan.total_bytes;
  entry.leaves = save.plan.leaves.size();
  base::StreamingDigest digest;
  for (const auto& range : file.structure) {
    entry.structure.emplace_back(range.offset, range.bytes.size());
    digest.add(std::as_bytes(std::span(range.bytes)));
  }
  entry.structure_digest = digest.result();
  entry.index_offset = file.index_offset;
  entry.index_bytes = file.index_bytes;
  entry.checksums = save.options.integrity.checksums;
  entry.table_offset = file.table_offset;
  entry.table_rows = entry.checksums ? save.plan.table_rows : 0;
  entry.row_ndims = save.plan.row_format.ndims;
  entry.row_bytes = save.plan.row_format.bytes;
  return entry;
}

commit::Manifest make_manifest(const StartedSave& save, const h5::FileLayout& file, int ranks) {
  commit::Manifest manifest;
  manifest.world_size = ranks;
  manifest.library_version = CAIRN_VERSION;
  manifest.save_id = save.plan.id;
  manifest.created = std::chrono::system_clock::now();
  manifest.custom_metadata = save.request.custom_metadata;
  manifest.checkpointables.emplace(save.request.checkpointable_name, make_entry(save, file));
  return manifest;
}

}  // namespace

io::WriteJob StartedSave::job(int rank) const {
  io::WriteJob job;
  job.leaves = &plan.leaves;
  job.blocks = plan.blocks;
  job.rank = rank;
  job.checksums = options.integrity.checksums;
  job.row_format = plan.row_format;
  job.table_offset = table_offset;
  job.first_row = plan.table_first_row;
  job.device_stream = options.device.stream;
  job.pinned_bytes = options.device.pinned_bytes;
  return job;
}

SaveOperation::SaveOperation(comm::Communicator& comm, const Options& options, plan::SaveRequest request)
    : comm_(comm) {
  save_->options = options;
  save_->report.operation = request.operation;
  save_->report.path = request.path;
  save_->request = std::move(request);
}

bool SaveOperation::writes_collectively() const {
  return save_->options.io.writer == Writer::mpio && save_->options.io.collective;
}

Report SaveOperation::run(const Tree& tree) {
  base::Clock total;
  try {
    finish(begin(tree, false));
  } catch (const Error& error) {
    if (!settle(error)) throw;
  }
  save_->report.blocked_s = total.seconds();
  base::log_report(save_->options.log, save_->report, comm_.is_primary());
  return save_->report;
}

std::shared_ptr<StartedSave> SaveOperation::start(const Tree& tree, const Snapshot& snapshot) {
  base::Clock total;
  try {
    const auto opened = begin(tree, true);
    if (!save_->vote) {
      finish(opened);
      save_->report.blocked_s = total.seconds();
      return nullptr;
    }
    if (!save_->options.async.snapshot) save_->tree = tree;
    base::Clock clock;
    comm_.allow(static_cast<double>(save_->plan.fullest_bytes) / save_->options.ranks.slowest_bytes_per_s);
    comm_.agree("snapshot", [&] { snapshot(save_); });
    comm_.allow(0);
    save_->report.snapshot_s = clock.seconds();
  } catch (const Error& error) {
    if (!settle(error)) throw;
    return nullptr;
  }
  return save_;
}

comm::Agreed<SaveOperation::Opened> SaveOperation::begin(const Tree& tree, bool background) {
  auto& report = save_->report;
  base::Clock clock;
  auto plan = plan::make_save_plan(comm_, save_->options, save_->request, tree);
  save_->plan = *std::move(plan);
  const bool votes = background && save_->options.io.writer != Writer::mpio;  // agreed on by the plan
  report.bytes = save_->plan.total_bytes;
  report.leaves = save_->plan.leaves.size();
  report.plan_s = clock.lap();
  const auto layout = lay_out(votes);
  auto opened = comm_.agree("open", [&] {
    base::Unpacker unpack(*layout);
    save_->table_offset = unpack.u64();
    tree::unpack_tilings(unpack.rest(), save_->plan.leaves);
    if (!comm_.is_primary())
      save_->transaction = commit::Transaction::join(
          commit::resolve_path(save_->request.path, save_->options.files), save_->plan.id);
    open_sink();
    if (votes) save_->vote.emplace(save_->transaction->directory(), comm_.rank());
    return Opened();
  });
  report.layout_s = clock.lap();
  return opened;
}

void SaveOperation::finish(const comm::Agreed<Opened>& opened) {
  auto& report = save_->report;
  base::Clock clock;
  const auto written = write(opened);
  const auto votes = tally(written);
  report.slowest_rank = votes->slowest_rank;
  report.slowest_host = votes->slowest_host;
  report.write_s = clock.lap();
  commit(votes);
  report.commit_s = clock.lap();
}

comm::Agreed<std::string> SaveOperation::lay_out(bool votes) {
  begun_ = true;
  return comm_.agree_on_root("lay out", [&] { return begin_file(votes); });
}

std::string SaveOperation::begin_file(bool votes) {
  const auto& options = save_->options;
  const auto& plan = save_->plan;
  save_->transaction = commit::Transaction::begin(commit::resolve_path(save_->request.path, options.files),
                                                  plan.id, save_->request.overwrite, options.files);
  h5::LayoutRequest layout;
  layout.leaves = plan.leaves;
  for (std::size_t i = 0; i < plan.boxes.size(); ++i)
    if (!plan.boxes[i].empty()) layout.leaves[i].tiling.boxes = plan.boxes[i];
  layout.row_format = plan.row_format;
  layout.table_rows = options.integrity.checksums ? plan.table_rows : 0;
  layout.alignment_bytes = options.io.alignment_bytes;
  layout.attributes = {{"cairn", CAIRN_VERSION}};
  const auto file = h5::lay_out(layout);

  const auto& directory = save_->transaction->directory();
  save_->structure_file = commit::create_file(directory, save_->file_name(), options.files);
  base::truncate(save_->structure_file, file.bytes);
  if (options.files.reserve) base::allocate(save_->structure_file, 0, file.bytes);
  for (const auto& range : file.structure)
    base::write_at(save_->structure_file, std::as_bytes(std::span(range.bytes)), range.offset);
  save_->manifest = make_manifest(*save_, file, comm_.size());
  if (votes) {
    commit::prepare_votes(directory, save_->manifest, options.files, options.io.fsync);
    if (options.io.fsync) base::sync(directory);
  }

  base::Packer pack;
  pack.u64(file.table_offset);
  pack.append(tree::pack_tilings(file.leaves));
  return std::move(pack).text();
}

void SaveOperation::open_sink() {
  if (writes_collectively()) return;
  const auto& directory = save_->transaction->directory();
  const auto& io = save_->options.io;
  save_->sink =
      io.writer == Writer::mpio
          ? io::open_mpio_sink(directory, save_->transaction->temporary_path() / save_->file_name(), io)
          : io::open_direct_sink(directory, save_->file_name(), io);
}

comm::Agreed<io::Written> SaveOperation::write(const comm::Agreed<Opened>&) {
  const auto job = save_->job(comm_.rank());
  const auto& io = save_->options.io;
  comm_.allow(static_cast<double>(save_->plan.fullest_bytes) / save_->options.ranks.slowest_bytes_per_s);
  auto written = comm_.agree("write", [&] {
    base::Clock clock;
    auto result =
        writes_collectively()
            ? io::write_collective(comm_, save_->transaction->directory(),
                                   save_->transaction->temporary_path() / save_->file_name(), job, io)
            : io::write_blocks(*save_->sink, job, io);
    save_->sink.reset();
    if (save_->structure_file) {
      if (io.fsync) base::sync(save_->structure_file);
      save_->structure_file.close();
    }
    write_seconds_ = clock.seconds();
    return result;
  });
  comm_.allow(0);
  return written;
}

comm::Agreed<SaveOperation::Tally> SaveOperation::tally(const comm::Agreed<io::Written>& written) {
  constexpr std::uint64_t kRanks = 1u << 24;  // microseconds above, rank below, so that a maximum finds both
  const auto own =
      static_cast<std::uint64_t>(write_seconds_ * 1e6) * kRanks + static_cast<std::uint64_t>(comm_.rank());
  const auto slowest = static_cast<int>((*comm_.max("slowest rank", {own}))[0] % kRanks);
  comm::Lanes lanes = comm_.rank() == slowest ? text_lanes(base::host_name()) : comm::Lanes(kHostLanes, 0);
  lanes.push_back(written->rows.lo);
  lanes.push_back(written->rows.hi);
  return comm_.sum("votes", std::move(lanes)).then([&](comm::Lanes&& sum) {
    return Tally{{sum[kHostLanes], sum[kHostLanes + 1]}, slowest, lanes_text(sum.data())};
  });
}

void SaveOperation::commit(const comm::Agreed<Tally>& tally) {
  comm_.agree_on_root("commit", [&] {
    save_->manifest.checkpointables.at(save_->request.checkpointable_name).table_digest = tally->table_digest;
    const bool sync = save_->options.io.fsync;
    const auto verdict = save_->transaction->decide(commit::encode(save_->manifest), sync);
    if (verdict == commit::Verdict::aborted)
      throw Error(ErrorCode::timeout, "a rank's deadline passed before the commit, and it gave the save up",
                  0, comm_.rank(), save_->request.path);
    save_->transaction->publish(sync);
    return std::string();
  });
}

/// After an error: true if the checkpoint was committed all the same (a rank that was late finds the verdict
/// of the others). What failed on all ranks is cleared away before any of them returns; after a timeout each
/// acts on its own.
bool SaveOperation::settle(const Error& error) {
  save_->sink.reset();
  if (!begun_) return false;
  bool committed = false;
  auto& transaction = save_->transaction;
  const auto give_up = [&] {
    if (!transaction) return;
    committed = transaction->abort() == commit::Verdict::committed;
    if (!committed && comm_.is_primary()) transaction->discard();
  };
  if (comm_.poisoned() || error.code() == ErrorCode::timeout) {
    give_up();
    return committed;
  }
  try {
    comm_.agree("discard", [&] {
      if (comm_.is_primary()) give_up();
    });
  } catch (const Error&) {
    // The first error is what the caller must know; the next save at this path clears what is left.
  }
  return false;
}

}  // namespace cairn::save_stages
