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

Report PartialSave::add(comm::Communicator& comm, const Options& options, SaveRequest request) {
  agree_on_begun(comm);
  if (save_) {
    comm.set_primary(save_->options.ranks.primary);  // that of the first call
    request.id = save_->request.id;
    for (auto& part : request.trees)
      if (const auto known = trees_.find(part.name); known != trees_.end())
        part.file.append(".")
            .append(std::to_string(known->second.size()))
            .append(".")
            .append(part.name + ".h5");
  }
  SaveOperation operation(comm, save_ ? save_->options : options, std::move(request));
  bool checked = false;
  std::shared_ptr<StartedSave> added;
  try {
    added = operation.add(save_.get(), [&](const SaveRequest& planned) {
      check(planned);
      checked = true;
    });
  } catch (const Error&) {
    if (checked) save_ = nullptr;
    throw;
  }
  primary_ = comm.is_primary();
  bytes_ += added->report.bytes;
  leaves_ += added->report.leaves;
  auto& parts = added->request;
  for (auto& part : parts.trees) trees_[part.name].push_back(std::move(part));
  for (const auto& part : parts.others) others_.insert(part->name());
  parts.trees.clear();
  parts.others.clear();
  const auto report = added->report;
  if (save_) {
    save_->transaction = std::move(added->transaction);
    save_->manifest = std::move(added->manifest);
    save_->fullest_bytes += added->fullest_bytes;
  } else {
    save_ = std::move(added);
  }
  return report;
}

/// The ranks may have begun at other places: a relative path means another one after a change of directory.
void PartialSave::agree_on_begun(comm::Communicator& comm) const {
  const auto id = save_ ? save_->request.id : base::Digest{};
  const auto lanes = comm.agree_min("begun", 2, [&] { return comm::Lanes{id.lo, ~id.lo}; });
  if ((*lanes)[0] != ~(*lanes)[1])
    throw Error(ErrorCode::mismatch, "the ranks have not begun the same checkpoint; give absolute paths");
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
