#include "checkpointer/decider.hpp"

#include "base/pack.hpp"
#include "base/storage.hpp"
#include "checkpointer/time.hpp"

#include <algorithm>

#include <fcntl.h>

namespace cairn::checkpointer {
namespace {

using detail::SaveRule;

/// What the reduction carries. The others contribute 0 to the primary's lanes.
enum Lane : std::size_t { kKey, kKeyInverse, kForce, kForceInverse, kAnswers, kStop, kFirstSignal };
constexpr std::uint64_t kDeadline = 1, kFile = 2;

/// The call: what must be the same on every rank.
constexpr std::uint64_t kNoStep = 0, kNegative = 1, kFirstStep = 2;
std::uint64_t key_of(std::int64_t step) noexcept {
  return step < 0 ? kNegative : kFirstStep + static_cast<std::uint64_t>(step);
}

std::string step_text(std::uint64_t key) {
  if (key == kNoStep) return "should_stop";
  if (key == kNegative) return "a negative step";
  return "step " + std::to_string(key - kFirstStep);
}

}  // namespace

Decider::Decider(SavePolicy policy)
    : policy_(std::move(policy)),
      leaves_(leaves_of(policy_)),
      signals_(leaves_.size()),
      looks_(leaves_.size()),
      made_s_(time_source().monotonic_s()),
      last_save_s_(made_s_) {
  for (std::size_t i = 0; i < leaves_.size(); ++i)
    if (leaves_[i].knows == Knows::any_rank)
      signals_[i] = std::make_unique<SignalWatch>(leaves_[i].rule->signal);
}

bool Decider::decide(comm::Communicator& comm, std::int64_t step, bool force) {
  if (decided_ && decided_->step == step && decided_->force == force) return decided_->save;
  absorb(comm);
  decided_.reset();
  if (calls_++ == 0) first_call_s_ = time_source().monotonic_s();
  auto known = facts(step);
  const bool asks = !force && step >= 0 && step != restored_;
  const auto told = answers(comm, known, asks);
  const bool save = force || (asks && evaluate(policy_, told));
  if (save) {
    // What is told next is as it will be after this save.
    known.info.last_saved = step;
    known.info.since_last_save_s = 0;
    known.deadline_saved = known.deadline_saved || is_any_due(known);
  }
  start(comm, key_of(step), force, known);
  asked_ = true;
  previous_step_ = step;
  if (save || step < 0) absorb(comm);
  decided_ = {step, force, save};
  return save;
}

/// Own functions are asked on the primary, in an agreement that all ranks take part in, whatever they think.
std::uint64_t Decider::answers(comm::Communicator& comm, const Facts& known, bool asks) {
  std::uint64_t bits = told_ | signalled_;
  bool now = false;
  for (std::size_t i = 0; i < leaves_.size(); ++i) {
    now = now || leaves_[i].knows == Knows::primary_now;
    if (leaves_[i].knows == Knows::every_rank && answer(*leaves_[i].rule, known))
      bits |= std::uint64_t{1} << i;
  }
  if (!now) return bits;
  const auto told = comm.agree_on_root("policy", [&] {
    std::uint64_t own = 0;
    for (std::size_t i = 0; asks && i < leaves_.size(); ++i)
      if (leaves_[i].knows == Knows::primary_now && answer(*leaves_[i].rule, known))
        own |= std::uint64_t{1} << i;
    base::Packer pack;
    pack.u64(own);
    return std::move(pack).text();
  });
  return bits | base::Unpacker(*told).u64();
}

void Decider::start(comm::Communicator& comm, std::uint64_t key, bool force, const Facts& known) {
  const std::uint64_t forced = force ? 1 : 0;
  comm::Lanes lanes = {key, ~key, forced, ~forced, 0, 0};
  Facts asked = known;
  for (std::size_t i = 0; i < leaves_.size(); ++i) {
    const auto& [rule, knows] = leaves_[i];
    if (knows == Knows::any_rank) lanes.push_back(signals_[i]->take() ? 1 : 0);
    if (knows != Knows::primary || !comm.is_primary()) continue;
    asked.file_exists = rule->kind == SaveRule::Kind::on_file && is_there(i);
    if (answer(*rule, asked)) lanes[kAnswers] |= std::uint64_t{1} << i;
    if (asked.file_exists) lanes[kStop] |= kFile;
  }
  if (comm.is_primary() && is_any_due(known)) lanes[kStop] |= kDeadline;
  later_.start(comm, "step", std::move(lanes));
}

void Decider::absorb(comm::Communicator& comm) {
  if (broken_) throw Error(*broken_);
  if (!later_.pending()) return;
  const auto lanes = later_.finish(comm, "step");
  const auto most = (*lanes)[kKey], least = ~(*lanes)[kKeyInverse];
  if (most != least)
    broken_.emplace(ErrorCode::mismatch, "the ranks call the Checkpointer for different steps: one is at " +
                                             step_text(least) + ", another at " + step_text(most));
  else if ((*lanes)[kForce] != ~(*lanes)[kForceInverse])
    broken_.emplace(ErrorCode::mismatch,
                    "at " + step_text(most) + " some ranks save by force, and some do not");
  if (broken_) throw Error(*broken_);
  if (most == kNegative) throw Error(ErrorCode::invalid_argument, "a step is negative; steps count from 0");
  told_ = (*lanes)[kAnswers];
  std::size_t lane = kFirstSignal;
  for (std::size_t i = 0; i < leaves_.size(); ++i) {
    if (leaves_[i].knows != Knows::any_rank || (*lanes)[lane++] == 0) continue;
    signalled_ |= std::uint64_t{1} << i;
    if (is_stop(leaves_[i].rule->signal)) stop_ = run_again_ = true;
  }
  if ((*lanes)[kStop] != 0) stop_ = true;
  if (((*lanes)[kStop] & kDeadline) != 0) run_again_ = true;
}

bool Decider::should_stop(comm::Communicator& comm) {
  if (!asked_) {
    absorb(comm);
    start(comm, kNoStep, false, facts(previous_step_.value_or(0)));
  }
  asked_ = false;
  told_stop_ = stop_;
  return stop_;
}

void Decider::finish(comm::Communicator& comm) {
  absorb(comm);
}

void Decider::restored(std::int64_t step) noexcept {
  restored_ = previous_step_ = last_saved_ = step;
  decided_.reset();
}

void Decider::removed(std::int64_t step) noexcept {
  if (restored_ == step) restored_.reset();
  if (decided_ && decided_->step == step) decided_.reset();
}

void Decider::save_began(std::int64_t step) {
  before_ = {last_save_s_, signalled_, deadline_saved_};
  deadline_saved_ = deadline_saved_ || is_any_due(facts(step));
  last_saved_ = step;
  if (restored_ && step > *restored_) restored_.reset();
  last_save_s_ = time_source().monotonic_s();
  told_ = signalled_ = 0;
}

/// What asked for the save still does.
void Decider::save_failed(std::optional<std::int64_t> latest) noexcept {
  last_saved_ = latest;
  last_save_s_ = before_.last_save_s;
  signalled_ |= before_.signalled;
  deadline_saved_ = before_.deadline_saved;
}

void Decider::save_ended(const Report& report) {
  save_s_ = report.blocked_s;
  saving_s_ += report.blocked_s;
  longest_save_s_ = std::max(longest_save_s_, report.blocked_s + report.background_s);
}

Facts Decider::facts(std::int64_t step) const {
  auto& time = time_source();
  const double now_s = time.monotonic_s();
  Facts known;
  known.info.step = step;
  known.info.last_saved = last_saved_;
  known.info.since_last_save_s = now_s - last_save_s_;
  known.info.save_s = save_s_;
  if (calls_ > 1)
    known.info.step_s = std::max(0.0, now_s - first_call_s_ - saving_s_) / static_cast<double>(calls_ - 1);
  known.previous_step = previous_step_;
  known.run_s = now_s - made_s_;
  known.saving_s = saving_s_;
  known.longest_save_s = longest_save_s_;
  known.now = time.now();
  known.deadline_saved = deadline_saved_;
  return known;
}

bool Decider::is_there(std::size_t leaf) {
  constexpr double kPeriod_s = 1;
  const double now_s = time_source().monotonic_s();
  auto& look = looks_[leaf];
  if (look && now_s - look->at_s < kPeriod_s) return look->found;
  look = Look{now_s, false};
  try {
    look->found = static_cast<bool>(base::try_open_file(nullptr, leaves_[leaf].rule->path, O_PATH));
  } catch (const Error&) {
    // It is looked for again.
  }
  return look->found;
}

bool Decider::is_any_due(const Facts& known) const {
  return std::any_of(leaves_.begin(), leaves_.end(), [&](const Leaf& leaf) {
    if (leaf.rule->kind != SaveRule::Kind::before_deadline) return false;
    const auto deadline = deadline_of(*leaf.rule);
    return deadline && is_due(*deadline, known);
  });
}

}  // namespace cairn::checkpointer
