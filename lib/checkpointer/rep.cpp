#include "checkpointer/rep.hpp"

#include "async/queue.hpp"
#include "base/checksum.hpp"
#include "base/log.hpp"
#include "base/message.hpp"
#include "base/pack.hpp"
#include "cairn/metadata.hpp"
#include "checkpointer/keep_rule.hpp"
#include "checkpointer/step_name.hpp"
#include "checkpointer/time.hpp"
#include "load/agree_on_path.hpp"

#include <utility>

namespace cairn::detail {

using checkpointer::Step;
using checkpointer::StepList;

namespace {

/// For one operation, once the ranks have agreed on the primary.
struct Comm : comm::Communicator {
  explicit Comm(const Context& context) : Communicator(context) { set_primary(context.ranks.primary); }
};

/// The same for what looks at the root directory: a Checkpointer that is gone may have left a save in the
/// background, which has the root until it is over.
struct IdleComm : Comm {
  explicit IdleComm(const Context& context) : Comm(context) { async::Queue::finish_all(*this); }
};

std::optional<std::int64_t> latest_of(const StepList& list) noexcept {
  for (auto step = list.rbegin(); step != list.rend(); ++step)
    if (!step->second.damaged) return step->first;
  return std::nullopt;
}

void throw_if_any(std::vector<std::string> problems) {
  if (problems.empty()) return;
  std::string text = "a Checkpointer cannot be made like this:";
  for (const auto& problem : problems) text += "\n  " + problem;
  throw Error(ErrorCode::invalid_argument, text);
}

/// What of a policy must be the same on every rank: the ranks' reductions have a lane for each signal.
void describe(const SaveRule& rule, base::Packer& pack) {
  pack.u64(static_cast<std::uint64_t>(rule.kind));
  pack.u64(static_cast<std::uint64_t>(rule.n));
  pack.u64(static_cast<std::uint64_t>(rule.signal));
  pack.u64(rule.steps.size());
  for (const auto step : rule.steps) pack.u64(static_cast<std::uint64_t>(step));
  pack.u64(rule.children.size());
  for (const auto& child : rule.children) describe(*child, pack);
}

std::string describe(const SavePolicy& policy) {
  base::Packer pack;
  if (const auto& rule = SaveRule::of(policy)) describe(*rule, pack);
  return std::move(pack).text();
}

Error no_step(std::int64_t step, const StepList& list, const Path& path) {
  return Error(ErrorCode::not_found,
               "there is no step " + std::to_string(step) + " in " + path.string() +
                   "; there are: " + checkpointer::to_text(list),
               0, -1, path);
}

Error of_step(std::int64_t step, const Error& error) {
  return base::with_message(error, "saving step " + std::to_string(step) +
                                       " in the background: " + std::string(base::message_of(error)));
}

}  // namespace

CheckpointerRep::CheckpointerRep(const Context& context, const Path& root, CheckpointerOptions options)
    : context_(context),
      path_(root),
      options_(std::move(options)),
      root_(root, options_.step_name, context.files),
      decider_([&] {
        comm::Communicator comm(context_);
        agree_on_policies(comm);
        return options_.save_when;
      }()) {
  IdleComm comm(context_);
  update(comm, "look for steps", [&](StepList& list) { list = root_.scan(); });
}

void CheckpointerRep::agree_on_policies(comm::Communicator& comm) {
  load_stages::agree_on_path(comm, context_, "Checkpointer", path_);
  const auto lanes = comm.agree_min("policies", 2, [&] {
    auto problems = checkpointer::problems_of(options_.save_when);
    const auto keep = checkpointer::problems_of(options_.keep);
    problems.insert(problems.end(), keep.begin(), keep.end());
    if (auto problem = checkpointer::problem_of(options_.step_name)) problems.push_back(*problem);
    throw_if_any(std::move(problems));
    const auto hash = base::digest(describe(options_.save_when)).lo;
    return comm::Lanes{hash, ~hash};
  });
  if ((*lanes)[0] != ~(*lanes)[1])
    throw Error(ErrorCode::mismatch, "the ranks have different save policies", 0, -1, path_);
}

void CheckpointerRep::require_open() const {
  if (closed_) throw Error(ErrorCode::invalid_argument, "this Checkpointer was closed");
}

std::optional<std::int64_t> CheckpointerRep::latest() const noexcept {
  return latest_of(steps_);
}

void CheckpointerRep::update(comm::Communicator& comm, const char* stage,
                             const std::function<void(StepList&)>& change) {
  const auto bytes = comm.agree_on_root(stage, [&] {
    StepList list = steps_;
    change(list);
    return checkpointer::pack(list);
  });
  steps_ = checkpointer::unpack_steps(*bytes);
  if (!pending_) decider_.set_last_saved(latest());
}

void CheckpointerRep::agree_on_step(comm::Communicator& comm, const char* operation, std::int64_t step) {
  const auto number = static_cast<std::uint64_t>(step);
  const auto called = base::digest(operation).lo;
  const auto lanes = comm.agree_min(operation, 4, [&] {
    require_open();
    return comm::Lanes{number, ~number, called, ~called};
  });
  const auto least = static_cast<std::int64_t>((*lanes)[0]), most = static_cast<std::int64_t>(~(*lanes)[1]);
  if (least != most)
    throw Error(ErrorCode::mismatch, "the ranks call the Checkpointer for different steps: one is at step " +
                                         std::to_string(least) + ", another at step " + std::to_string(most));
  if ((*lanes)[2] != ~(*lanes)[3])
    throw Error(ErrorCode::mismatch, "the ranks call different functions of the Checkpointer");
}

Step& CheckpointerRep::find(StepList& list, std::int64_t step) const {
  const auto found = list.find(step);
  if (found == list.end()) throw no_step(step, list, path_);
  return found->second;
}

// ---- saving

bool CheckpointerRep::begin(std::int64_t step, const StepOptions& options, Pending& next, SaveOptions& save) {
  require_open();
  {
    Comm comm(context_);
    if (!decider_.decide(comm, step, options.force)) return false;
  }
  wait();
  Comm comm(context_);
  if (!claimed_) async::Queue::finish_all(comm);
  claim(comm);
  update(comm, "prepare step", [&](StepList& list) { prepare(list, step, options.overwrite); });
  const auto known = steps_.find(step);
  next.step = step;
  next.entry.name = known == steps_.end() ? root_.name_of(step) : known->second.name;
  next.entry.metrics = options.metrics;
  next.entry.time = checkpointer::time_source().now();
  save.overwrite = options.overwrite;
  save.custom_metadata = options.custom_metadata;
  save.metrics = options.metrics;
  decider_.save_began(step);
  return true;
}

/// From now on no other job saves here.
void CheckpointerRep::claim(comm::Communicator& comm) {
  if (claimed_) return;
  update(comm, "claim root", [&](StepList& list) {
    root_.claim(context_.io.fsync);
    rescan(list);  // one may have, since
  });
  claimed_ = true;
}

/// On the primary: what is there now. A step that was found to be damaged stays so, unless it was saved anew.
void CheckpointerRep::rescan(StepList& list) const {
  auto now = root_.scan();
  for (auto& [number, entry] : now)
    if (const auto known = list.find(number); known != list.end() && known->second.time == entry.time)
      entry.damaged = entry.damaged || known->second.damaged;
  list = std::move(now);
}

/// On the primary: what is in the way of a save.
void CheckpointerRep::prepare(StepList& list, std::int64_t step, bool overwrite) {
  const auto there = list.find(step);
  const bool damaged = there != list.end() && there->second.damaged;
  if (there != list.end() && !damaged) {
    if (!overwrite)
      throw Error(
          ErrorCode::already_exists,
          "step " + std::to_string(step) + " is there already: set StepOptions::overwrite, or remove it", 0,
          -1, root_.path_of(there->second.name));
    if (root_.is_pinned(there->second.name))
      throw Error(ErrorCode::locked, "step " + std::to_string(step) + " is pinned, and is not overwritten", 0,
                  -1, root_.path_of(there->second.name));
  }
  const auto latest = latest_of(list);
  if (latest && *latest > step && !overwrite)
    throw Error(ErrorCode::invalid_argument,
                "step " + std::to_string(step) + " comes before the latest, " + std::to_string(*latest) +
                    ", which would still be the one to restore: remove the later ones, or set "
                    "StepOptions::overwrite",
                0, -1, path_);
  if (damaged) {
    const auto& name = there->second.name;
    const auto aside = root_.set_aside(name);
    if (!aside.empty())
      base::warn("the damaged " + root_.path_of(name).string() + " is called " + aside + " from now on");
    list.erase(there);
  }
}

bool CheckpointerRep::save(std::int64_t step, const StepOptions& options, const Save& save) {
  Pending done;
  SaveOptions how;
  if (!begin(step, options, done, how)) return false;
  try {
    committed(done, save(path_ / done.entry.name, how));
  } catch (const Error&) {
    decider_.save_failed(latest());
    throw;
  }
  return true;
}

bool CheckpointerRep::save_in_background(std::int64_t step, const StepOptions& options,
                                         const SaveInBackground& save) {
  Pending next;
  SaveOptions how;
  if (!begin(step, options, next, how)) return false;
  try {
    next.response = save(path_ / next.entry.name, how);
  } catch (const Error&) {
    decider_.save_failed(latest());
    throw;
  }
  pending_ = std::move(next);
  // Kept until the save is over, though this object may not be.
  comm::Communicator comm(context_);
  async::Queue::of(comm)->tasks().back()->keep(root_.lock());
  return true;
}

void CheckpointerRep::wait() {
  require_open();
  if (!pending_) return;
  auto done = std::move(*pending_);
  pending_.reset();
  try {
    committed(done, done.response.result());
  } catch (const Error& error) {
    decider_.save_failed(latest());
    throw of_step(done.step, error);  // perhaps out of a call for another step
  }
}

void CheckpointerRep::committed(const Pending& done, const Report& report) {
  decider_.save_ended(report);
  if (restored_ && done.step > *restored_) restored_.reset();
  Comm comm(context_);
  update(comm, "keep", [&](StepList& list) {
    list[done.step] = done.entry;
    // The step is saved, whatever an own policy does.
    try {
      retain(list, done.step);
    } catch (const std::exception& error) {
      base::warn(std::string("the keep policy failed, and nothing is removed: ") + error.what());
    } catch (...) {
      base::warn("the keep policy failed, and nothing is removed");
    }
  });
}

/// On the primary: removes what the policy does not keep.
void CheckpointerRep::retain(StepList& list, std::int64_t done) {
  const auto saved = checkpointer::saved_steps(list);
  auto keep = checkpointer::kept(options_.keep, saved);
  keep.merge(protected_steps(list));
  keep.insert(done);
  for (const auto& each : saved)
    if (!keep.contains(each.step)) retire(list, each.step);
}

std::set<std::int64_t> CheckpointerRep::protected_steps(const StepList& list) const {
  std::set<std::int64_t> steps;
  const auto latest = latest_of(list);
  if (latest) steps.insert(*latest);
  if (restored_) steps.insert(*restored_);
  return steps;
}

void CheckpointerRep::retire(StepList& list, std::int64_t step) {
  auto& entry = list.at(step);
  try {
    entry.pinned = root_.is_pinned(entry.name);  // perhaps since, by somebody else
    if (entry.pinned) return;
    root_.remove(entry.name, context_.io.fsync);
    list.erase(step);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found) {
      list.erase(step);
    } else if (not_removed_.insert(step).second) {
      base::warn("step " + std::to_string(step) + " is not removed: " + error.what());
    }
  }
}

// ---- loading

Path CheckpointerRep::locate(const char* operation, std::int64_t step) {
  require_open();
  wait();
  IdleComm comm(context_);
  agree_on_step(comm, operation, step);
  update(comm, operation, [&](StepList& list) {
    if (list.contains(step)) return;
    rescan(list);  // another job may have saved it
    find(list, step);
  });
  return path_ / steps_.at(step).name;
}

std::optional<std::int64_t> CheckpointerRep::restore_latest(const Load& load) {
  wait();
  {
    IdleComm comm(context_);
    update(comm, "look for steps", [&](StepList& list) {
      root_.repair();
      list = root_.scan();
    });
  }
  Steps newest_first;
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) newest_first.push_back(step->first);
  for (const auto step : newest_first) {
    if (steps_.at(step).damaged) {
      note_damage(step, "its metadata are damaged");
    } else if (try_step(step, load)) {
      restored_ = step;
      decider_.restored(step);
      return step;
    }
  }
  if (steps_.empty()) return std::nullopt;
  throw Error(ErrorCode::corrupt,
              "none of the steps in " + path_.string() + " is intact: " + checkpointer::to_text(steps_) +
                  "; move them away to begin anew",
              0, -1, path_);
}

bool CheckpointerRep::try_step(std::int64_t step, const Load& load) {
  constexpr int kAttempts = 3;  // another job may overwrite it meanwhile
  const Path path = path_ / steps_.at(step).name;
  for (int attempt = 1;; ++attempt) {
    try {
      load(path);
      return true;
    } catch (const Error& error) {
      if (error.code() == ErrorCode::locked && attempt < kAttempts) continue;
      if (error.code() == ErrorCode::corrupt || error.code() == ErrorCode::not_a_checkpoint) {
        note_damage(step, error.what());
      } else if (error.code() == ErrorCode::not_found && !is_checkpoint(context_, path)) {
        steps_.erase(step);  // another job has removed it
        decider_.set_last_saved(latest());
      } else {
        throw;
      }
      return false;
    }
  }
}

void CheckpointerRep::note_damage(std::int64_t step, const std::string& what) {
  auto& entry = steps_.at(step);
  entry.damaged = true;
  decider_.set_last_saved(latest());
  int rank = 0;
  {
    const Comm comm(context_);
    rank = comm.rank();
  }
  if (rank == context_.ranks.primary)
    base::warn(root_.path_of(entry.name).string() + " is damaged, and is passed over: " + what);
}

// ---- the rest

bool CheckpointerRep::should_save(std::int64_t step) {
  require_open();
  Comm comm(context_);
  return decider_.decide(comm, step, false);
}

bool CheckpointerRep::should_stop() {
  require_open();
  Comm comm(context_);
  return decider_.should_stop(comm);
}

void CheckpointerRep::remove(std::int64_t step) {
  wait();
  IdleComm comm(context_);
  agree_on_step(comm, "remove", step);
  claim(comm);
  update(comm, "remove", [&](StepList& list) {
    auto& entry = find(list, step);
    if (root_.is_pinned(entry.name))
      throw Error(ErrorCode::locked, "step " + std::to_string(step) + " is pinned: unpin it first", 0, -1,
                  root_.path_of(entry.name));
    if (entry.damaged)
      root_.remove_damaged(entry.name, context_.io.fsync);
    else
      root_.remove(entry.name, context_.io.fsync);
    list.erase(step);
  });
  if (restored_ == step) restored_.reset();
  decider_.removed(step);
}

void CheckpointerRep::pin(std::int64_t step, bool pinned) {
  const char* const operation = pinned ? "pin" : "unpin";
  wait();
  IdleComm comm(context_);
  agree_on_step(comm, operation, step);
  update(comm, operation, [&](StepList& list) {
    if (!list.contains(step)) rescan(list);  // another job may have saved it
    auto& entry = find(list, step);
    root_.pin(entry.name, pinned);
    entry.pinned = pinned;
  });
}

void CheckpointerRep::reload() {
  wait();
  IdleComm comm(context_);
  update(comm, "look for steps", [&](StepList& list) { rescan(list); });
}

void CheckpointerRep::close() {
  if (closed_) return;
  std::optional<Error> failure;
  try {
    wait();
  } catch (const Error& error) {
    failure = error;
  }
  closed_ = true;
  root_.unclaim();
  if (!failure || (failure->code() != ErrorCode::timeout && failure->code() != ErrorCode::mpi)) {
    Comm comm(context_);
    decider_.finish(comm);
  }
  if (failure) throw Error(*failure);
}

}  // namespace cairn::detail
