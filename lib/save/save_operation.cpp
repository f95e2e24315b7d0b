#include "save/save_operation.hpp"

#include "base/clock.hpp"
#include "base/host.hpp"
#include "base/log.hpp"
#include "base/pack.hpp"
#include "commit/path.hpp"
#include "commit/stored_files.hpp"
#include "device/memory.hpp"
#include "save/tree_file.hpp"

#include <chrono>
#include <set>

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

commit::Manifest make_manifest(const SaveRequest& request, int ranks) {
  commit::Manifest manifest;
  manifest.world_size = ranks;
  manifest.library_version = CAIRN_VERSION;
  manifest.save_id = request.id;
  manifest.created = std::chrono::system_clock::now();
  manifest.custom_metadata = request.custom_metadata;
  manifest.metrics = request.metrics;
  return manifest;
}

/// What a later call of a save that is made in several says besides.
void add_to_manifest(commit::Manifest& manifest, const SaveRequest& request) {
  if (request.custom_metadata.text() != "null") manifest.custom_metadata = request.custom_metadata;
  for (const auto& [name, value] : request.metrics) manifest.metrics[name] = value;
}

std::string pack_names(const std::vector<std::unique_ptr<OtherPart>>& parts) {
  base::Packer pack;
  std::uint64_t bytes = 0;
  for (const auto& part : parts) bytes += part->bytes();
  pack.u64(bytes);
  for (const auto& part : parts) {
    const auto names = part->files();
    pack.u64(names.size());
    for (const auto& name : names) pack.str(name);
  }
  return std::move(pack).text();
}

/// The entries of what are no trees: the files that any rank named, which must all have names of their own.
void add_entries(commit::Manifest& manifest, const std::vector<std::unique_ptr<OtherPart>>& parts,
                 const std::vector<std::string>& named) {
  std::map<std::string, std::string> owners;  // file -> checkpointable
  for (const auto& [name, entry] : manifest.checkpointables) {
    if (!entry.file.empty()) owners.emplace(entry.file, name);
    for (const auto& file : entry.files) owners.emplace(file.name, name);
  }
  std::vector<std::set<std::string>> files(parts.size());
  for (const auto& text : named) {
    base::Unpacker unpack(text);
    unpack.u64();
    for (auto& own : files)
      for (auto count = unpack.u64(); count > 0; --count) own.emplace(unpack.str());
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    commit::CheckpointableEntry entry;
    entry.handler = parts[i]->type();
    std::vector<commit::StoredFile> stored;
    for (const auto& file : files[i]) {
      const auto [other, added] = owners.emplace(file, parts[i]->name());
      if (!added)
        throw Error(ErrorCode::invalid_argument, "the checkpointables `" + other->second + "` and `" +
                                                     parts[i]->name() + "` both have a file " + file +
                                                     ": give one of them another name");
      stored.push_back({file, 0, {}});
    }
    commit::set_files(entry, std::move(stored));
    manifest.checkpointables.emplace(parts[i]->name(), std::move(entry));
  }
}

}  // namespace

void decide_and_publish(StartedSave& save, int rank) {
  commit::measure_files(save.transaction->directory(), save.manifest);
  const bool sync = save.options.io.fsync;
  const auto verdict = save.transaction->decide(commit::encode(save.manifest), sync);
  if (verdict == commit::Verdict::aborted)
    throw Error(ErrorCode::timeout, "a rank's deadline passed before the commit, and it gave the save up", 0,
                rank, save.request.path);
  save.transaction->publish(sync);
}

bool settle(comm::Communicator& comm, StartedSave& save, const Error& error) {
  bool committed = false;
  auto& transaction = save.transaction;
  const auto give_up = [&] {
    if (!transaction) return;
    committed = transaction->abort() == commit::Verdict::committed;
    if (!committed && comm.is_primary()) transaction->discard();
  };
  if (comm.poisoned() || error.code() == ErrorCode::timeout) {
    give_up();
    return committed;
  }
  try {
    comm.agree("discard", [&] {
      if (comm.is_primary()) give_up();
    });
  } catch (const Error&) {
    // The first error is what the caller must know; the next save at this path clears what is left.
  }
  return false;
}

io::WriteJob TreePart::job(const Options& options, int rank) const {
  io::WriteJob job;
  job.leaves = &plan.leaves;
  job.blocks = plan.blocks;
  job.rank = rank;
  job.checksums = options.integrity.checksums;
  job.row_format = plan.row_format;
  job.table_offset = table_offset;
  job.first_row = plan.table_first_row;
  job.device = device::current_device();
  job.device_stream = options.device.stream;
  job.pinned_bytes = options.device.pinned_bytes;
  return job;
}

SaveOperation::SaveOperation(comm::Communicator& comm, const Options& options, SaveRequest request)
    : comm_(comm) {
  save_->options = options;
  save_->report.operation = request.operation;
  save_->report.path = request.path;
  save_->request = std::move(request);
}

bool SaveOperation::writes_collectively() const {
  return save_->options.io.writer == Writer::mpio && save_->options.io.collective;
}

Report SaveOperation::run() {
  base::Clock total;
  try {
    finish(begin(false));
  } catch (const Error& error) {
    if (!settle(error)) throw;
  }
  save_->report.blocked_s = total.seconds();
  base::log_report(save_->options.log, save_->report, comm_.is_primary());
  return save_->report;
}

std::shared_ptr<StartedSave> SaveOperation::start(const Snapshot& snapshot) {
  base::Clock total;
  try {
    const auto opened = begin(true);
    if (!save_->vote) {
      finish(opened);
      save_->report.blocked_s = total.seconds();
      return nullptr;
    }
    base::Clock clock;
    comm_.allow(save_->allowance_s());
    comm_.agree("snapshot", [&] {
      if (!save_->options.async.snapshot)
        for (auto& part : save_->request.trees) part.kept = *part.tree;
      snapshot(save_);
    });
    comm_.allow(0);
    save_->report.snapshot_s = clock.seconds();
  } catch (const Error& error) {
    if (!settle(error)) throw;
    return nullptr;
  }
  return save_;
}

comm::Agreed<SaveOperation::Opened> SaveOperation::begin(bool background) {
  plan();
  return open(background && save_->options.io.writer != Writer::mpio);  // agreed on by the plan
}

comm::Agreed<SaveOperation::Opened> SaveOperation::open(bool votes) {
  base::Clock clock;
  const auto layout = lay_out(votes);
  auto opened = comm_.agree("open", [&] {
    open_parts(*layout, votes);
    return Opened();
  });
  if (!save_->request.others.empty()) take_others(votes);
  save_->report.layout_s = clock.lap();
  return opened;
}

void SaveOperation::plan() {
  base::Clock clock;
  auto& request = save_->request;
  auto& report = save_->report;
  for (auto& part : request.trees) {
    const plan::SaveRequest planned{request.operation,       request.path,    part.name, request.overwrite,
                                    request.custom_metadata, request.metrics, {}};
    part.plan = *plan::make_save_plan(comm_, save_->options, planned, *part.tree);
    if (request.id == base::Digest{}) request.id = part.plan.id;
    save_->fullest_bytes += part.plan.fullest_bytes;
    report.bytes += part.plan.total_bytes;
    report.leaves += part.plan.leaves.size();
  }
  report.plan_s = clock.seconds();
}

void SaveOperation::finish(const comm::Agreed<Opened>& opened) {
  const auto votes = write_and_tally(opened);
  base::Clock clock;
  commit(votes);
  save_->report.commit_s = clock.seconds();
}

comm::Agreed<SaveOperation::Tally> SaveOperation::write_and_tally(const comm::Agreed<Opened>& opened) {
  auto& report = save_->report;
  base::Clock clock;
  const auto written = write(opened);
  auto votes = tally(written);
  report.slowest_rank = votes->slowest_rank;
  report.slowest_host = votes->slowest_host;
  report.write_s = clock.seconds();
  return votes;
}

comm::Agreed<std::string> SaveOperation::lay_out(bool votes) {
  begun_ = true;
  return comm_.agree_on_root("lay out", [&] { return begin_files(votes); });
}

std::string SaveOperation::begin_files(bool votes) {
  const auto& options = save_->options;
  auto& request = save_->request;
  if (!save_->transaction) {
    save_->transaction = commit::Transaction::begin(commit::resolve_path(request.path, options.files),
                                                    request.id, request.overwrite, options.files);
    save_->manifest = make_manifest(request, comm_.size());
  } else {
    add_to_manifest(save_->manifest, request);
  }
  base::Packer pack;
  for (auto& part : request.trees) pack.str(make_tree_file(*save_, part));
  if (votes) {
    const auto& directory = save_->transaction->directory();
    std::vector<std::string> tables;
    for (const auto& part : request.trees) tables.push_back(part.name);
    commit::prepare_votes(directory, comm_.size(), tables, options.files, options.io.fsync);
    if (request.others.empty())
      commit::write_pending(directory, save_->manifest, options.files, options.io.fsync);
    if (options.io.fsync) base::sync(directory);
  }
  return std::move(pack).text();
}

void SaveOperation::open_parts(const std::string& layout, bool votes) {
  if (!save_->transaction)
    save_->transaction = commit::Transaction::join(
        commit::resolve_path(save_->request.path, save_->options.files), save_->request.id);
  base::Unpacker parts(layout);
  for (auto& part : save_->request.trees) {
    take_tilings(part, parts.str());
    open_sink(part);
  }
  if (votes) save_->vote.emplace(save_->transaction->directory(), comm_.rank(), comm_.size());
}

void SaveOperation::open_sink(TreePart& part) {
  if (writes_collectively()) return;
  const auto& directory = save_->transaction->directory();
  const auto& io = save_->options.io;
  part.sink = io.writer == Writer::mpio
                  ? io::open_mpio_sink(directory, save_->transaction->temporary_path() / part.file_name(), io)
                  : io::open_direct_sink(directory, part.file_name(), io);
}

/// What are no trees: all of it is taken, and the primary learns the names of the files.
void SaveOperation::take_others(bool votes) {
  auto& request = save_->request;
  const auto& transaction = *save_->transaction;
  const auto& options = save_->options;
  for (auto& part : request.others)
    part->take(comm_, options, transaction.directory(), transaction.temporary_path());
  const auto own = comm_.agree("name files", [&] { return pack_names(request.others); });
  const auto named = comm_.gather("name files", *own);
  const auto told = comm_.agree_on_root("name files", [&] {
    std::uint64_t bytes = 0;
    for (const auto& text : named) bytes += base::Unpacker(text).u64();
    add_entries(save_->manifest, request.others, named);
    if (votes) {
      commit::write_pending(transaction.directory(), save_->manifest, options.files, options.io.fsync);
      if (options.io.fsync) base::sync(transaction.directory());
    }
    base::Packer pack;
    pack.u64(bytes);
    return std::move(pack).text();
  });
  save_->fullest_bytes += 2 * base::Unpacker(*told).u64();
}

comm::Agreed<SaveOperation::Written> SaveOperation::write(const comm::Agreed<Opened>&) {
  comm_.allow(save_->allowance_s());
  auto written = writes_collectively() ? write_all_collectively() : comm_.agree("write", [&] {
    base::Clock clock;
    const auto& options = save_->options;
    Written result;
    for (auto& part : save_->request.trees) {
      result.push_back(io::write_blocks(*part.sink, part.job(options, comm_.rank()), options.io));
      part.sink.reset();
      finish_structure(*save_, part);
    }
    for (auto& part : save_->request.others) part->write(options.io.fsync);
    write_seconds_ = clock.seconds();
    return result;
  });
  comm_.allow(0);
  return written;
}

/// Through parallel HDF5, tree after tree: all ranks must be well before the next one is opened.
comm::Agreed<SaveOperation::Written> SaveOperation::write_all_collectively() {
  base::Clock clock;
  Written result;
  for (auto& part : save_->request.trees)
    result.push_back(*comm_.agree("write", [&] {
      auto written = io::write_collective(comm_, save_->transaction->directory(),
                                          save_->transaction->temporary_path() / part.file_name(),
                                          part.job(save_->options, comm_.rank()), save_->options.io);
      finish_structure(*save_, part);
      return written;
    }));
  return comm_.agree("write", [&] {
    for (auto& part : save_->request.others) part->write(save_->options.io.fsync);
    write_seconds_ = clock.seconds();
    return result;
  });
}

comm::Agreed<SaveOperation::Tally> SaveOperation::tally(const comm::Agreed<Written>& written) {
  constexpr std::uint64_t kRanks = 1u << 24;  // microseconds above, rank below, so that a maximum finds both
  const auto own =
      static_cast<std::uint64_t>(write_seconds_ * 1e6) * kRanks + static_cast<std::uint64_t>(comm_.rank());
  const auto slowest = static_cast<int>((*comm_.max("slowest rank", {own}))[0] % kRanks);
  comm::Lanes lanes = comm_.rank() == slowest ? text_lanes(base::host_name()) : comm::Lanes(kHostLanes, 0);
  for (const auto& tree : *written) {
    lanes.push_back(tree.rows.lo);
    lanes.push_back(tree.rows.hi);
  }
  return comm_.sum("votes", std::move(lanes)).then([&](comm::Lanes&& sum) {
    Tally tally{{}, slowest, lanes_text(sum.data())};
    for (std::size_t lane = kHostLanes; lane < sum.size(); lane += 2)
      tally.table_digests.push_back({sum[lane], sum[lane + 1]});
    return tally;
  });
}

void SaveOperation::commit(const comm::Agreed<Tally>& tally) {
  comm_.allow(save_->allowance_s());  // the primary reads files back
  comm_.agree_on_root("commit", [&] {
    note(*tally);
    decide_and_publish(*save_, comm_.rank());
    return std::string();
  });
  comm_.allow(0);
}

/// On the primary.
void SaveOperation::note(const Tally& tally) {
  auto& trees = save_->request.trees;
  for (std::size_t i = 0; i < trees.size(); ++i)
    save_->manifest.checkpointables.at(trees[i].name).table_digest = tally.table_digests[i];
}

std::shared_ptr<StartedSave> SaveOperation::add(StartedSave* begun, const Check& check, const Keep& keep,
                                                bool& checked) {
  base::Clock total;
  try {
    plan();
    comm_.agree("check", [&] { check(save_->request); });
    checked = true;
    if (begun) {
      save_->transaction = std::move(begun->transaction);
      save_->manifest = std::move(begun->manifest);
    }
    const auto opened = open(false);
    const auto tally = write_and_tally(opened);
    comm_.agree("add", [&] {
      if (comm_.is_primary()) note(*tally);
      keep(*save_);
    });
  } catch (const Error& error) {
    settle(error);
    throw;
  }
  save_->report.blocked_s = total.seconds();
  base::log_report(save_->options.log, save_->report, comm_.is_primary());
  return save_;
}

bool SaveOperation::settle(const Error& error) {
  for (auto& part : save_->request.trees) part.sink.reset();
  return begun_ && save_stages::settle(comm_, *save_, error);
}

}  // namespace cairn::save_stages
