// A Checkpointer under a long random series of operations, and a model of what must be on disk and what it
// must answer (model.hpp). Every rank draws the same numbers; rank 0 alone looks at the disk, damages it, and
// tells the others. CAIRN_MODEL_SEED and CAIRN_MODEL_OPERATIONS make other and longer series.

#include "fault.hpp"
#include "folder.hpp"
#include "manual_time.hpp"
#include "model.hpp"
#include "root_look.hpp"
#include "state.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <limits>
#include <random>

#include <catch2/catch.hpp>

using namespace mpi_test;

namespace {

template <class Container>
std::string list(const Container& steps) {
  std::string text;
  for (const auto step : steps) text += " " + std::to_string(step);
  return text.empty() ? " none" : text;
}

std::string text(const Answer& answer) {
  return answer.error ? cairn::to_string(*answer.error) : std::to_string(answer.value);
}

struct Outcome {
  std::shared_ptr<cairn::Error> error;
  std::int64_t value = 0;
  bool fired = false;
  int injected = 0;

  bool is(const Answer& answer) const {
    if (error) return answer.error == error->code();
    return !answer.error && answer.value == value;
  }
  bool is_injected() const {
    return error && fired && error->system_error() == injected &&
           (error->code() == cairn::ErrorCode::io || error->code() == cairn::ErrorCode::no_space);
  }
};

class Series {
 public:
  Series(unsigned seed, bool failures)
      : random_(seed),
        failures_(failures),
        seed_(seed),
        folder_(MPI_COMM_WORLD),
        state_(MPI_COMM_WORLD, 64) {}

  void run(int operations) {
    for (operations_ = 0; operations_ < operations;) {
      root_ = folder_.path() / ("root-" + std::to_string(++roots_));
      model_ = Model();
      note("---- " + root_.filename().string());
      begin_life();
      const int end = std::min(operations, operations_ + 100);
      while (operations_ < end) operate();
      end_of_root();
    }
  }

  int saves = 0, retired = 0, faults = 0, thrown = 0, damages = 0, lives = 0;

 private:
  // ---- chance, the same on every rank

  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  bool one_in(int n) { return below(n) == 0; }

  Keep draw_keep(int depth = 0) {
    Keep keep;
    switch (below(depth == 0 ? 8 : 5)) {
      case 0:
        keep.kind = Keep::all;
        break;
      case 1:
        keep.kind = Keep::multiples;
        keep.n = 2 + below(4);
        break;
      case 2:
        keep.kind = Keep::oldest;
        break;
      case 3:
        keep.kind = Keep::best;
        keep.n = 1 + below(3);
        keep.metric = one_in(2) ? "loss" : "accuracy";
        keep.which = one_in(2) ? cairn::Best::lowest : cairn::Best::highest;
        break;
      case 4:
      case 5:
        keep.kind = Keep::latest;
        keep.n = 1 + below(4);
        break;
      default:
        keep.kind = one_in(3) ? Keep::both : Keep::any;
        keep.parts = {draw_keep(depth + 1), draw_keep(depth + 1)};
    }
    return keep;
  }

  cairn::Metrics draw_metrics() {
    cairn::Metrics metrics;
    if (!one_in(4)) metrics["loss"] = one_in(8) ? std::numeric_limits<double>::quiet_NaN() : below(5);
    if (!one_in(4)) metrics["accuracy"] = below(5);
    return metrics;
  }

  std::int64_t draw_step() {
    if (model_.disk.empty() || one_in(20)) return below(30);
    auto step = model_.disk.begin();
    std::advance(step, below(static_cast<int>(model_.disk.size())));
    return step->first;
  }

  // ---- what failed

  void note(const std::string& line) {
    history_.push_back(line);
    if (history_.size() > 30) history_.pop_front();
  }

  void problem(const std::string& line) { problems_ += "\n  " + line; }

  void require_no_problem() {
    int bad = problems_.empty() ? 0 : 1;
    MPI_Allreduce(MPI_IN_PLACE, &bad, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    if (bad == 0) return;
    std::string last = "seed " + std::to_string(seed_) + ":";
    for (const auto& line : history_) last += "\n" + line;
    INFO(last << "\nproblems on this rank:" << (problems_.empty() ? " none" : problems_));
    REQUIRE(bad == 0);
  }

  // ---- one call of the library

  Outcome call(const std::function<std::int64_t()>& operation, bool may_fail = false) {
    Outcome outcome;
    const int victim = one_in(2) ? 0 : below(cairn::testing::size());
    const long at = below(1 << below(8));
    outcome.injected = one_in(2) ? EIO : ENOSPC;
    if (may_fail) {
      MPI_Barrier(MPI_COMM_WORLD);
      if (cairn::testing::rank() == victim) fault_.arm(at, outcome.injected);
    }
    outcome.error = mpi_test::outcome([&] { outcome.value = operation(); });
    if (may_fail) {
      int fired = fault_.disarm() ? 1 : 0;
      MPI_Bcast(&fired, 1, MPI_INT, victim, MPI_COMM_WORLD);
      outcome.fired = fired != 0;
      faults += fired;
    }
    std::string said = std::to_string(outcome.value);
    if (const auto& error = outcome.error)
      said = std::string(error->what()) + " / " + std::to_string(error->rank()) + " / " +
             std::to_string(error->system_error()) + " / " + error->path().string();
    if (!same_everywhere(MPI_COMM_WORLD, said)) problem("the ranks differ: here " + said);
    std::string line = " -> " + said;
    if (outcome.fired)
      line += " [call " + std::to_string(at) + " of rank " + std::to_string(victim) + ": " +
              std::strerror(outcome.injected) + "]";
    if (!history_.empty()) history_.back() += line;
    return outcome;
  }

  /// One operation, maybe with a fault; `subject`: the step that it may change.
  template <class Operation, class Predict>
  bool perform(const std::string& what, std::int64_t subject, const Operation& operation,
               const Predict& predict, bool may_fail) {
    note(what);
    ++operations_;
    may_fail = may_fail && failures_ && !model_.pending && one_in(3);
    Model after = model_;
    after.retired.clear();
    const Answer answer = predict(after);
    const auto outcome = call(operation, may_fail);
    if (!outcome.fired) {
      if (!outcome.is(answer)) problem("expected " + text(answer));
      retired += static_cast<int>(after.retired.size());
      model_ = after;
      compare();
      return !outcome.error;
    }
    thrown += outcome.error ? 1 : 0;
    if (!outcome.is(answer) && !outcome.is_injected()) problem("expected " + text(answer) + ", or the fault");
    require_no_problem();
    if (outcome.is_injected() && tries_again_) {
      forget_what_it_goes_by(model_);
    } else {
      recover(after, subject, outcome.is_injected());
    }
    return !outcome.error;
  }

  std::int64_t load_value(std::int64_t step) {
    state_.fill(-2);
    checkpoints_->load(step, state_.tree);
    return state_.agreed_generation(MPI_COMM_WORLD);
  }

  std::int64_t restore_value() {
    state_.fill(-2);
    const auto step = checkpoints_->restore_latest(state_.tree);
    if (!step) return -1;
    const auto generation = state_.agreed_generation(MPI_COMM_WORLD);
    restored_generation_ = generation;
    return *step;
  }

  /// After a fault: what is on disk must be as before or as after the operation.
  void recover(Model after, std::int64_t subject, bool threw) {
    const Model before = model_;
    if (one_in(2)) {
      note("  recover: reload");
      if (call([&] { return checkpoints_->reload(), 0; }).error) problem("reload fails");
    }
    note("  recover: restore_latest");
    const auto restored = call([&] { return restore_value(); });
    const auto look = Look::at(root_);
    Model now = threw ? before : after;
    now.perhaps_removed.clear();
    std::set<std::int64_t> steps;
    for (const auto& [step, stored] : before.disk) steps.insert(step);
    for (const auto& [step, stored] : after.disk) steps.insert(step);
    for (const auto& [step, stored] : after.retired) steps.insert(step);
    for (const auto& [step, pinned] : look.steps)
      if (!steps.count(step)) problem("step " + std::to_string(step) + " came from nowhere");
    now.disk.clear();
    for (const auto step : steps) {
      std::vector<Stored> allowed;
      const auto old = before.disk.find(step);
      const auto made = std::as_const(after.disk).find(step);
      const bool is_subject = step == subject;
      const bool perhaps_removed = !threw && after.perhaps_removed.count(step);
      // It may be as it was: what failed did not happen, and removals may wait.
      const bool may_be_old = threw || (!is_subject && made == after.disk.end());
      const bool may_be_new = !threw || is_subject;
      bool may_be_gone = perhaps_removed;
      if (may_be_old && old != before.disk.end()) allowed.push_back(old->second);
      if (may_be_old && old == before.disk.end()) may_be_gone = true;
      if (may_be_new && made != after.disk.end()) allowed.push_back(made->second);
      if (may_be_new && made == after.disk.end()) may_be_gone = true;
      const auto removed = std::as_const(after.retired).find(step);
      if (may_be_new && removed != after.retired.end()) allowed.push_back(removed->second);
      // The damaged one was set aside already.
      if (is_subject && look.set_aside == before.set_aside + 1) may_be_gone = true;
      examine(now, look, step, allowed, may_be_gone);
    }
    now.set_aside = look.set_aside;
    if (look.set_aside != before.set_aside && look.set_aside != after.set_aside)
      problem(std::to_string(look.set_aside) + " steps are set aside");
    now.pending.reset();
    forget_what_it_goes_by(now);
    model_ = now;
    const auto answer = model_.restore_latest();
    if (!restored.is(answer)) problem("restore_latest after the failure: expected " + text(answer));
    compare();
  }

  static void forget_what_it_goes_by(Model& model) {
    model.claimed = false;
    model.claim_unknown = true;
    model.only_by_force = true;
  }

  /// Finds out which of the allowed ones is there.
  void examine(Model& now, const Look& look, std::int64_t step, const std::vector<Stored>& allowed,
               bool may_be_gone) {
    const auto found = look.steps.find(step);
    if (found == look.steps.end()) {
      if (!may_be_gone) problem("step " + std::to_string(step) + " is gone");
      return;
    }
    note("  recover: load " + std::to_string(step));
    const auto loaded = call([&] { return load_value(step); });
    for (auto stored : allowed) {
      const bool same = stored.damage == Damage::none
                            ? !loaded.error && loaded.value == stored.generation
                            : loaded.error && loaded.error->code() == cairn::ErrorCode::corrupt;
      if (!same) continue;
      const bool pin_known = std::any_of(allowed.begin(), allowed.end(),
                                         [&](const Stored& each) { return each.pinned == found->second; });
      if (!pin_known)
        problem("step " + std::to_string(step) + " is " + (found->second ? "pinned" : "not pinned"));
      stored.pinned = found->second;
      now.disk[step] = stored;
      return;
    }
    problem("step " + std::to_string(step) + " holds what was never there, or should be gone");
  }

  /// What the Checkpointer knows and what is on disk against the model.
  void compare() {
    const auto look = Look::at(root_);
    for (const auto step : model_.perhaps_removed) {
      if (look.steps.count(step)) continue;
      model_.disk.erase(step);
      model_.listed.erase(step);
    }
    model_.perhaps_removed.clear();
    std::map<std::int64_t, bool> expected;
    for (const auto& [step, stored] : model_.disk) expected[step] = stored.pinned;
    auto there = look.steps;
    if (model_.pending) {
      there.erase(model_.pending->step);
      expected.erase(model_.pending->step);
    }
    const auto as_text = [](const std::map<std::int64_t, bool>& steps) {
      std::string result;
      for (const auto& [step, pinned] : steps) result += " " + std::to_string(step) + (pinned ? "p" : "");
      return result;
    };
    if (there != expected) problem("on disk:" + as_text(there) + ", expected:" + as_text(expected));
    if (look.set_aside != model_.set_aside)
      problem("set aside: " + std::to_string(look.set_aside) + ", expected " +
              std::to_string(model_.set_aside));
    if (look.others > 0) problem("there are files of other names");
    compare_lists();
    require_no_problem();
  }

  void compare_lists() {
    if (!checkpoints_) return;
    cairn::Steps good, bad;
    for (const auto& [step, damaged] : model_.listed) (damaged ? bad : good).push_back(step);
    if (checkpoints_->steps() != good)
      problem("steps():" + list(checkpoints_->steps()) + ", expected:" + list(good));
    if (checkpoints_->damaged() != bad)
      problem("damaged():" + list(checkpoints_->damaged()) + ", expected:" + list(bad));
    if (checkpoints_->latest() != model_.latest()) problem("latest() is wrong");
    const auto saved = model_.saved();
    for (const char* metric : {"loss", "accuracy"})
      for (const auto which : {cairn::Best::lowest, cairn::Best::highest}) {
        Keep best{.kind = Keep::best, .n = 1, .metric = metric, .which = which};
        std::optional<std::int64_t> expected;
        for (const auto& [step, metrics] : saved)
          if (best.keeps(step, saved)) expected = step;
        if (checkpoints_->best(metric, which) != expected)
          problem(std::string("best(") + metric + ") is wrong");
      }
  }

  // ---- lives

  void begin_life(bool may_fail = true) {
    ++lives;
    const bool sync = one_in(12);
    context_.io.fsync = sync;
    context_.integrity.verify = cairn::Verify::full;
    model_.begin_life(time_.monotonic_s());
    model_.keep = draw_keep();
    model_.every_steps = 1 + below(3);
    model_.period_s = one_in(2) ? 5 + below(20) : 0;
    cairn::CheckpointerOptions options;
    options.save_when = cairn::every_steps(model_.every_steps);
    if (model_.period_s > 0)
      options.save_when = cairn::any_of(options.save_when, cairn::every(cairn::Seconds(model_.period_s)));
    options.keep = model_.keep.policy();
    if (one_in(3)) options.step_name = {"step_", 3};
    note("a new life: keep " + model_.keep.text() + ", every " + std::to_string(model_.every_steps) +
         " steps or " + std::to_string(model_.period_s) + " s");
    const auto make = [&] {
      checkpoints_.emplace(context_, root_, options);
      return 0;
    };
    may_fail = may_fail && failures_ && one_in(4);
    auto outcome = call(make, may_fail);
    if (outcome.is_injected()) outcome = call(make);
    if (outcome.error) problem("no Checkpointer");
    compare();
    if (!one_in(6)) restore();
    if (one_in(3)) other_before();
  }

  void restore(bool may_fail = false) {
    restored_generation_ = -3;
    const bool good = perform(
        "restore_latest", -1, [&] { return restore_value(); },
        [](Model& model) { return model.restore_latest(); }, may_fail);
    if (good && restored_generation_ != -3 &&
        restored_generation_ != model_.disk.at(*model_.restored).generation)
      problem("what was restored is of generation " + std::to_string(restored_generation_));
    require_no_problem();
  }

  void end_life() {
    note("close");
    Model after = model_;
    after.wait();
    if (call([&] { return checkpoints_->close(), 0; }).error) problem("close fails");
    model_ = after;
    checkpoints_.reset();
    compare();
    begin_life();
  }

  /// The job goes on without waiting for what it has begun.
  void drop() {
    note("dropped");
    ++operations_;
    checkpoints_.reset();
    const auto pending = model_.pending;
    model_.pending.reset();
    if (pending) model_.disk[pending->step] = pending->stored;
    begin_life(!pending);  // a fault would hit what goes on in the background
  }

  void end_of_root() {
    wait_for();  // sees whether a step whose damage was not known is kept
    note("at the end: a new life");
    if (call([&] { return checkpoints_->close(), 0; }).error) problem("close fails");
    model_.wait();
    checkpoints_.reset();
    model_.begin_life(time_.monotonic_s());
    if (call([&] { return checkpoints_.emplace(context_, root_), 0; }).error) problem("no Checkpointer");
    const bool with_failures = failures_;
    failures_ = false;
    restore();
    if (Look::at(root_).hidden != 0) problem("something hidden is left");
    const auto disk = model_.disk;
    for (const auto& [step, stored] : disk) load(step);
    checkpoints_->close();
    checkpoints_.reset();
    failures_ = with_failures;
    require_no_problem();
  }

  // ---- operations

  bool any_deceives() const {
    return std::any_of(model_.disk.begin(), model_.disk.end(),
                       [&](const auto& each) { return model_.deceives(each.first); });
  }

  void save() {
    std::int64_t step = model_.latest().value_or(0) + below(4);
    if (one_in(5)) step = draw_step();
    if (one_in(12)) step = below(30);
    cairn::StepOptions options;
    options.force = model_.only_by_force || !one_in(3);
    options.overwrite = one_in(4);
    const bool background = one_in(2);
    if (model_.deceives(step)) return look_again();
    save(step, options, background);
  }

  void save(std::int64_t step, cairn::StepOptions options, bool background) {
    options.metrics = draw_metrics();
    const std::int64_t generation = ++generation_;
    options.custom_metadata = nlohmann::json(generation);
    const bool may_fail = !one_in(3);
    const bool wait = background && failures_ && may_fail;
    if (wait && model_.pending) wait_for();
    const double now_s = time_.monotonic_s();
    const std::string what = std::string(background ? "save_async " : "save ") + std::to_string(step) +
                             " of " + std::to_string(generation) + (options.force ? " force" : "") +
                             (options.overwrite ? " overwrite" : "");
    const int thrown_before = thrown;
    const bool try_again = may_fail && one_in(2) && !any_deceives();
    const auto operation = [&, background] {
      state_.fill(generation);
      const bool saved = background ? checkpoints_->save_async(step, state_.tree, options)
                                    : checkpoints_->save(step, state_.tree, options);
      state_.fill(-4);
      if (wait) checkpoints_->wait();
      return static_cast<std::int64_t>(saved);
    };
    const auto predict = [&](Model& model) {
      auto answer = model.save(step, {generation, options.metrics}, options, background && !wait, now_s);
      return answer;
    };
    tries_again_ = try_again;
    saves += perform(what, step, operation, predict, may_fail) ? 1 : 0;
    tries_again_ = false;
    if (thrown == thrown_before || !try_again) return;
    // Whoever tries again at once gets it.
    options.overwrite = options.force = true;
    const bool with_failures = failures_;
    failures_ = false;
    save(step, options, one_in(2));
    failures_ = with_failures;
  }

  void load(std::int64_t step) {
    perform(
        "load " + std::to_string(step), -1, [&] { return load_value(step); },
        [&](Model& model) { return model.load(step); }, true);
  }

  void look_again() {
    perform(
        "reload", -1, [&] { return checkpoints_->reload(), 0; },
        [](Model& model) {
          model.wait();
          model.look_again();
          return Answer();
        },
        true);
  }

  void wait_for() {
    perform(
        "wait", -1, [&] { return checkpoints_->wait(), 0; },
        [](Model& model) {
          model.wait();
          return Answer();
        },
        true);
  }

  void remove(std::int64_t step) {
    wait_for();
    if (model_.deceives(step)) return look_again();
    perform(
        "remove " + std::to_string(step), step, [&] { return checkpoints_->remove(step), 0; },
        [&](Model& model) { return model.remove(step); }, true);
  }

  void pin(std::int64_t step, bool pinned) {
    wait_for();
    if (model_.disk.count(step) && model_.disk.at(step).damage != Damage::none) return look_again();
    perform((pinned ? "pin " : "unpin ") + std::to_string(step), step,
            [&] { return (pinned ? checkpoints_->pin(step) : checkpoints_->unpin(step)), 0; },
            [&](Model& model) { return model.pin(step, pinned); }, true);
  }

  void should_save() {
    const std::int64_t step = model_.latest().value_or(0) + 1 + below(3);
    if (model_.only_by_force) return;
    const double now_s = time_.monotonic_s();
    perform(
        "should_save " + std::to_string(step), -1,
        [&] { return static_cast<std::int64_t>(checkpoints_->should_save(step)); },
        [&](Model& model) {
          return Answer{{}, model.decide(step, false, now_s) ? 1 : 0};
        },
        false);
  }

  void metadata(std::int64_t step) {
    perform(
        "metadata " + std::to_string(step), -1,
        [&] {
          const auto metadata = checkpoints_->metadata(step);
          return std::atoll(metadata.custom_metadata.text().c_str());
        },
        [&](Model& model) {
          auto answer = model.load(step);
          // The data are not read.
          if (answer.error == cairn::ErrorCode::corrupt && model.disk.at(step).damage == Damage::data)
            answer = {{}, model.disk.at(step).generation};
          return answer;
        },
        true);
  }

  void damage() {
    if (!model_.disk.size()) return;
    wait_for();
    const auto step = draw_step();
    if (!model_.intact(step)) return;
    const auto kind = static_cast<Damage>(1 + below(3));
    auto& stored = model_.disk.at(step);
    note("damage " + std::to_string(step) + ", kind " + std::to_string(static_cast<int>(kind)));
    if (cairn::testing::rank() == 0 && !inflict(kind, directory_of(root_, step), stored.generation))
      problem("it could not be damaged");
    stored.damage = kind;
    ++damages;
    require_no_problem();
    if (model_.claim_unknown || one_in(2)) restore(true);
  }

  /// Another Checkpointer of the same root: it may read, and is kept from saving.
  void other() {
    wait_for();
    if (!model_.claimed) return;
    note("another one");
    ++operations_;
    cairn::Checkpointer other(context_, root_);
    Model its = model_;
    its.begin_life(0);
    const std::int64_t step = its.latest().value_or(0) + 1;
    const auto refused = call([&] { return other.save(step, state_.tree, {.force = true}) ? 1 : 0; });
    if (!refused.is({cairn::ErrorCode::locked})) problem("expected locked");
    const auto answer = its.restore_latest();
    const auto restored = call([&] {
      const auto found = other.restore_latest(state_.tree);
      return found ? *found : -1;
    });
    if (!restored.is(answer)) problem("expected " + text(answer));
    compare();
  }

  /// Before this one has saved, another job does.
  void other_before() {
    wait_for();
    if (model_.claimed || model_.claim_unknown) return;
    note("another one before");
    ++operations_;
    const std::int64_t step = (model_.disk.empty() ? 0 : model_.disk.rbegin()->first) + 1 + below(2);
    Stored stored{++generation_, draw_metrics()};
    const auto saved = call([&] {
      cairn::Checkpointer other(context_, root_);
      state_.fill(stored.generation);
      const bool good = other.save(
          step, state_.tree,
          {.metrics = stored.metrics, .custom_metadata = nlohmann::json(stored.generation), .force = true});
      other.close();
      return good ? 1 : 0;
    });
    if (!saved.is({{}, 1})) problem("expected 1");
    model_.disk[step] = stored;
    compare();
    if (one_in(4)) return load(step);
    // What was restored is kept, though it is neither the latest nor for the policy.
    const auto earlier = draw_step();
    if (one_in(2) && !model_.deceives(earlier))
      return save(earlier, {.force = true, .overwrite = true}, one_in(2));
    if (one_in(2)) return save(step + 1 + below(2), {.force = true}, one_in(2));
    look_again();
  }

  void operate() {
    time_.pass(below(5));
    if (model_.pending && any_deceives()) wait_for();  // whether it is kept is open, and is seen here
    const int choice = below(100);
    if (choice < 46) return save();
    if (choice < 54) return load(draw_step());
    if (choice < 60) return restore(true);
    if (choice < 67) return remove(draw_step());
    if (choice < 71) return pin(draw_step(), true);
    if (choice < 74) return pin(draw_step(), false);
    if (choice < 77) return wait_for();
    if (choice < 80) return look_again();
    if (choice < 83) return should_save();
    if (choice < 85) return metadata(draw_step());
    if (choice < 87) return other();
    if (choice < 90) return other_before();
    if (choice < 94) return end_life();
    if (choice < 97) return drop();
    if (failures_) damage();
  }

  std::mt19937 random_;
  bool failures_;
  unsigned seed_;
  SharedFolder folder_;
  cairn::Context context_ = cairn::Context(MPI_COMM_WORLD);
  ManualTime time_;
  State state_;
  Model model_;
  cairn::Path root_;
  int roots_ = 0, operations_ = 0;
  std::int64_t generation_ = 1000000, restored_generation_ = -1;
  std::deque<std::string> history_;
  std::string problems_;
  bool tries_again_ = false;
  Fault fault_;
  std::optional<cairn::Checkpointer> checkpoints_;  // first to go
};

long setting(const char* name, long fallback) {
  const char* text = std::getenv(name);
  return text ? std::atol(text) : fallback;
}

}  // namespace

TEST_CASE("a Checkpointer does what a model says, and so does what it leaves on disk") {
  Series series(static_cast<unsigned>(setting("CAIRN_MODEL_SEED", 1)), false);
  series.run(static_cast<int>(setting("CAIRN_MODEL_OPERATIONS", 1500)));
  CHECK(series.saves > 100);
  CHECK(series.retired > 50);
  CHECK(series.lives > 20);
}

TEST_CASE("the same where file-system calls fail and steps are damaged") {
  Series series(static_cast<unsigned>(setting("CAIRN_MODEL_SEED", 1)), true);
  series.run(static_cast<int>(setting("CAIRN_MODEL_OPERATIONS", 1500)));
  INFO(series.faults << " faults, of which " << series.thrown << " were thrown; " << series.damages
                     << " steps damaged");
  CHECK(series.faults > 50);
  CHECK(series.thrown > 30);
  CHECK(series.damages > 10);
}
