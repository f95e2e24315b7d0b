#include "save/save_operation.hpp"

#include "base/clock.hpp"
#include "base/host.hpp"
#include "base/log.hpp"
#include "base/pack.hpp"
#include "commit/manifest.hpp"
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

}  // namespace

SaveOperation::SaveOperation(const Context& context, plan::SaveRequest request)
    : comm_(context), options_(context), request_(std::move(request)) {}

bool SaveOperation::writes_collectively() const {
  return options_.io.writer == Writer::mpio && options_.io.collective;
}

Report SaveOperation::run(const Tree& tree) {
  base::Clock total;
  report_.operation = request_.operation;
  report_.path = request_.path;
  try {
    base::Clock clock;
    auto plan = plan::make_save_plan(comm_, options_, request_, tree);
    report_.bytes = plan->total_bytes;
    report_.leaves = plan->leaves.size();
    report_.plan_s = clock.lap();
    auto placement = lay_out(plan);
    open(plan, placement);
    report_.layout_s = clock.lap();
    auto written = write(plan, placement);
    auto votes = tally(written);
    report_.slowest_rank = votes->slowest_rank;
    report_.slowest_host = votes->slowest_host;
    report_.write_s = clock.lap();
    commit(plan, placement, votes);
    report_.commit_s = clock.lap();
  } catch (const Error& error) {
    if (!settle(error)) throw;
  }
  report_.blocked_s = total.seconds();
  if (comm_.is_primary()) base::log_report(options_.log, report_);
  return report_;
}

comm::Agreed<SaveOperation::Placement> SaveOperation::lay_out(comm::Agreed<plan::SavePlan>& plan) {
  begun_ = true;
  auto bytes = comm_.agree_on_root("lay out", [&] { return begin_file(*plan); });
  return std::move(bytes).then([&](std::string&& text) {
    base::Unpacker unpack(text);
    Placement placement;
    placement.table_offset = unpack.u64();
    tree::unpack_tilings(unpack.rest(), plan->leaves);
    return placement;
  });
}

std::string SaveOperation::begin_file(const plan::SavePlan& plan) {
  transaction_ = commit::Transaction::begin(commit::resolve_path(request_.path, options_.files), plan.id,
                                            request_.overwrite, options_.files);
  h5::LayoutRequest layout;
  layout.leaves = plan.leaves;
  for (std::size_t i = 0; i < plan.boxes.size(); ++i)
    if (!plan.boxes[i].empty()) layout.leaves[i].tiling.boxes = plan.boxes[i];
  layout.row_format = plan.row_format;
  layout.table_rows = options_.integrity.checksums ? plan.table_rows : 0;
  layout.alignment_bytes = options_.io.alignment_bytes;
  layout.attributes = {{"cairn", CAIRN_VERSION}};
  file_ = h5::lay_out(layout);

  structure_file_ = commit::create_file(transaction_->directory(), file_name(), options_.files);
  base::truncate(structure_file_, file_.bytes);
  if (options_.files.reserve) base::allocate(structure_file_, 0, file_.bytes);
  for (const auto& range : file_.structure)
    base::write_at(structure_file_, std::as_bytes(std::span(range.bytes)), range.offset);

  base::Packer pack;
  pack.u64(file_.table_offset);
  pack.append(tree::pack_tilings(file_.leaves));
  return std::move(pack).text();
}

void SaveOperation::open(const comm::Agreed<plan::SavePlan>& plan, const comm::Agreed<Placement>&) {
  comm_.agree("open", [&] {
    if (!comm_.is_primary())
      transaction_ = commit::Transaction::join(commit::resolve_path(request_.path, options_.files), plan->id);
    if (writes_collectively()) return;
    sink_ = options_.io.writer == Writer::mpio
                ? io::open_mpio_sink(transaction_->directory(), transaction_->temporary_path() / file_name(),
                                     options_.io)
                : io::open_direct_sink(transaction_->directory(), file_name(), options_.io);
  });
}

comm::Agreed<io::Written> SaveOperation::write(const comm::Agreed<plan::SavePlan>& plan,
                                               const comm::Agreed<Placement>& placement) {
  io::WriteJob job;
  job.leaves = &plan->leaves;
  job.blocks = plan->blocks;
  job.rank = comm_.rank();
  job.checksums = options_.integrity.checksums;
  job.row_format = plan->row_format;
  job.table_offset = placement->table_offset;
  job.first_row = plan->table_first_row;

  comm_.allow(static_cast<double>(plan->fullest_bytes) / options_.ranks.slowest_bytes_per_s);
  auto written = comm_.agree("write", [&] {
    base::Clock clock;
    auto result = writes_collectively()
                      ? io::write_collective(comm_, transaction_->directory(),
                                             transaction_->temporary_path() / file_name(), job, options_.io)
                      : io::write_blocks(*sink_, job, options_.io);
    sink_.reset();
    if (structure_file_) {
      if (options_.io.fsync) base::sync(structure_file_);
      structure_file_.close();
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

void SaveOperation::commit(const comm::Agreed<plan::SavePlan>& plan, const comm::Agreed<Placement>& placement,
                           const comm::Agreed<Tally>& tally) {
  comm_.agree_on_root("commit", [&] {
    const auto verdict = transaction_->decide(manifest(*plan, *placement, *tally), options_.io.fsync);
    if (verdict == commit::Verdict::aborted)
      throw Error(ErrorCode::timeout, "a rank's deadline passed before the commit, and it gave the save up",
                  0, comm_.rank(), request_.path);
    transaction_->publish(options_.io.fsync);
    return std::string();
  });
}

std::string SaveOperation::manifest(const plan::SavePlan& plan, const Placement& placement,
                                    const Tally& tally) const {
  commit::CheckpointableEntry entry;
  entry.handler = "tree";
  entry.file = file_name();
  entry.bytes = file_.bytes;
  entry.data_bytes = plan.total_bytes;
  entry.leaves = plan.leaves.size();
  base::StreamingDigest digest;
  for (const auto& range : file_.structure) {
    entry.structure.emplace_back(range.offset, range.bytes.size());
    digest.add(std::as_bytes(std::span(range.bytes)));
  }
  entry.structure_digest = digest.result();
  entry.index_offset = file_.index_offset;
  entry.index_bytes = file_.index_bytes;
  entry.checksums = options_.integrity.checksums;
  entry.table_offset = placement.table_offset;
  entry.table_rows = entry.checksums ? plan.table_rows : 0;
  entry.row_ndims = plan.row_format.ndims;
  entry.row_bytes = plan.row_format.bytes;
  entry.table_digest = tally.table_digest;

  commit::Manifest manifest;
  manifest.world_size = comm_.size();
  manifest.library_version = CAIRN_VERSION;
  manifest.save_id = plan.id;
  manifest.created = std::chrono::system_clock::now();
  manifest.custom_metadata = request_.custom_metadata;
  manifest.checkpointables.emplace(request_.checkpointable_name, std::move(entry));
  return commit::encode(manifest);
}

/// After an error: true if the checkpoint was committed all the same (a rank that was late finds the verdict
/// of the others). What failed on all ranks is cleared away before any of them returns; after a timeout each
/// acts on its own.
bool SaveOperation::settle(const Error& error) {
  sink_.reset();
  if (!begun_) return false;
  bool committed = false;
  const auto give_up = [&] {
    if (!transaction_) return;
    committed = transaction_->abort() == commit::Verdict::committed;
    if (!committed && comm_.is_primary()) transaction_->discard();
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
