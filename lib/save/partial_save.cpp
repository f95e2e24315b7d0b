#include "save/partial_save.hpp"

#include "base/clock.hpp"
#include "base/log.hpp"
#include "save/merge_pieces.hpp"

#include <utility>

namespace cairn::save_stages {
namespace {

bool is_below(std::string_view path, std::string_view group) {
  return path.size() > group.size() && path.starts_with(group) && path[group.size()] == '/';
}

}  // namespace

void PartialSave::agree_on_begun(comm::Communicator& comm, const Find& find) {
  const auto lanes = comm.agree_min("begun", 2, [&] {
    const auto& partial = find();
    const auto id = partial.save_ ? partial.save_->request.id.lo : 0;
    return comm::Lanes{id, ~id};
  });
  if ((*lanes)[0] != ~(*lanes)[1])
    throw Error(ErrorCode::mismatch, "the ranks have not begun the same checkpoint; give absolute paths");
}

Report PartialSave::add(comm::Communicator& comm, const Options& options, SaveRequest request) {
  if (save_) {
    comm.set_primary(save_->options.ranks.primary);  // that of the first call
    request.id = save_->request.id;
  }
  SaveOperation operation(comm, save_ ? save_->options : options, std::move(request));
  bool checked = false;
  std::shared_ptr<StartedSave> added;
  try {
    added = operation.add(
        save_.get(),
        [&](SaveRequest& planned) {
          check(planned);
          name_files(planned);
        },
        [&](StartedSave& done) { keep(done); }, checked);
  } catch (const Error&) {
    if (checked) save_ = nullptr;
    throw;
  }
  const auto report = added->report;
  if (save_) {
    save_->transaction = std::move(added->transaction);
    save_->manifest = std::move(added->manifest);
    save_->fullest_bytes += added->fullest_bytes;
  } else {
    save_ = std::move(added);
  }
  primary_ = comm.is_primary();
  bytes_ += report.bytes;
  leaves_ += report.leaves;
  return report;
}

/// A tree that was begun before goes on in another file.
void PartialSave::name_files(SaveRequest& request) const {
  for (auto& part : request.trees)
    if (const auto known = trees_.find(part.name); known != trees_.end())
      part.file.append(".")
          .append(std::to_string(known->second.size()))
          .append(".")
          .append(part.name + ".h5");
}

void PartialSave::keep(StartedSave& done) {
  auto& parts = done.request;
  for (auto& part : parts.trees) trees_[part.name].push_back(std::move(part));
  for (const auto& part : parts.others) others_.insert(part->name());
  parts.trees.clear();
  parts.others.clear();
}

/// What was added before, and this, together make a checkpoint. The same on every rank.
void PartialSave::check(const SaveRequest& request) const {
  const auto twice = [](const std::string& name) {
    throw Error(
        ErrorCode::already_exists,
        "the checkpointable `" + name + "` was added before, and only leaves of trees can be added to it");
  };
  for (const auto& part : request.trees) {
    if (others_.contains(part.name)) twice(part.name);
    check_leaves(part);
  }
  for (const auto& part : request.others)
    if (others_.contains(part->name()) || trees_.contains(part->name())) twice(part->name());
}

void PartialSave::check_leaves(const TreePart& added) const {
  const auto known = trees_.find(added.name);
  if (known == trees_.end()) return;
  std::set<std::string_view> paths;
  for (const auto& piece : known->second)
    for (const auto& leaf : piece.plan.leaves) paths.insert(leaf.path);
  for (const auto& leaf : added.plan.leaves) {
    const std::string_view path = leaf.path;
    if (paths.contains(path))
      throw Error(ErrorCode::already_exists,
                  "the leaf `" + leaf.path + "` of `" + added.name + "` was added before");
    const auto next = paths.lower_bound(leaf.path + "/");
    bool clash = next != paths.end() && is_below(*next, path);
    for (auto slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1))
      clash = clash || paths.contains(path.substr(0, slash));
    if (clash)
      throw Error(ErrorCode::invalid_argument, "`" + leaf.path + "` of `" + added.name +
                                                   "` and a leaf that was added before: a leaf cannot also "
                                                   "be a group");
  }
}

Report PartialSave::finalize(comm::Communicator& comm) {
  base::Clock clock;
  const auto save = std::exchange(save_, nullptr);
  comm.set_primary(save->options.ranks.primary);
  try {
    for (auto& [name, pieces] : trees_)
      if (pieces.size() > 1) merge_pieces(comm, *save, pieces);
    comm.allow(save->allowance_s());  // the primary reads files back
    comm.agree_on_root("commit", [&] {
      decide_and_publish(*save, comm.rank());
      return std::string();
    });
    comm.allow(0);
  } catch (const Error& error) {
    if (!settle(comm, *save, error)) throw;
  }
  Report report;
  report.operation = "partial::finalize";
  report.path = save->request.path;
  report.bytes = bytes_;
  report.leaves = leaves_;
  report.commit_s = report.blocked_s = clock.seconds();
  base::log_report(save->options.log, report, comm.is_primary());
  return report;
}

void PartialSave::end() noexcept {
  const auto save = std::exchange(save_, nullptr);
  if (!save || !primary_ || !save->transaction) return;
  try {
    if (save->transaction->abort() == commit::Verdict::aborted) save->transaction->discard();
  } catch (const std::exception&) {
    // The next save at this path removes it.
  }
}

}  // namespace cairn::save_stages
