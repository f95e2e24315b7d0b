#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <cairn/cairn.hpp>

namespace mpi_test {

/// What a keep policy is made of, and what it keeps: written anew, so that the two can be compared.
struct Keep {
  enum Kind { all, latest, best, multiples, oldest, any, both };
  Kind kind = all;
  int n = 1;
  std::string metric = {};
  cairn::Best which = cairn::Best::lowest;
  std::vector<Keep> parts = {};

  using Saved = std::map<std::int64_t, cairn::Metrics>;

  cairn::KeepPolicy policy() const {
    switch (kind) {
      case all:
        return cairn::keep_all();
      case latest:
        return cairn::latest(n);
      case best:
        return cairn::best(metric, n, which);
      case multiples:
        return cairn::keep_every_steps(n);
      case oldest:
        return cairn::keep_every(std::chrono::hours(24 * 1000));
      case any:
        return cairn::any_of(parts.at(0).policy(), parts.at(1).policy());
      case both:
        return cairn::all_of(parts.at(0).policy(), parts.at(1).policy());
    }
    return {};
  }

  bool keeps(std::int64_t step, const Saved& saved) const {
    const auto beaten_by = [&](const auto& beats) {
      return std::count_if(saved.begin(), saved.end(), [&](const auto& other) { return beats(other); });
    };
    switch (kind) {
      case all:
        return true;
      case latest:
        return beaten_by([&](const auto& other) { return other.first > step; }) < n;
      case best: {
        const auto mine = value_of(saved.at(step));
        return mine && beaten_by([&](const auto& other) {
                         const auto its = value_of(other.second);
                         return its && (*its > *mine || (*its == *mine && other.first > step));
                       }) < n;
      }
      case multiples:
        return step % n == 0;
      case oldest:
        return step == saved.begin()->first;
      case any:
        return parts.at(0).keeps(step, saved) || parts.at(1).keeps(step, saved);
      case both:
        return parts.at(0).keeps(step, saved) && parts.at(1).keeps(step, saved);
    }
    return true;
  }

  std::string text() const {
    static const char* const names[] = {"all", "latest", "best", "multiples", "oldest", "any", "both"};
    std::string result = std::string(names[kind]) + "(" + std::to_string(n);
    if (kind == best) result += " " + metric + (which == cairn::Best::lowest ? " low" : " high");
    for (const auto& part : parts) result += " " + part.text();
    return result + ")";
  }

 private:
  /// The higher, the better.
  std::optional<double> value_of(const cairn::Metrics& metrics) const {
    const auto found = metrics.find(metric);
    if (found == metrics.end() || std::isnan(found->second)) return std::nullopt;
    return which == cairn::Best::highest ? found->second : -found->second;
  }
};

enum class Damage { none, data, manifest, token };

/// A step on disk.
struct Stored {
  std::int64_t generation = 0;
  cairn::Metrics metrics = {};
  Damage damage = Damage::none;
  bool pinned = false;

  /// Whether a look at the root directory, which reads no data, sees the damage.
  bool looks_damaged() const { return damage == Damage::manifest || damage == Damage::token; }
};

/// What an operation is to answer.
struct Answer {
  std::optional<cairn::ErrorCode> error = {};
  std::int64_t value = 0;  // 1: it saved; the generation that was loaded; the step that was restored, or -1
};

/// What must be on disk, and what the Checkpointer of this life must know of it and answer. Written from
/// checkpointer.hpp, without the library. The operations are for a Checkpointer that meets no failure.
struct Model {
  // On disk.
  std::map<std::int64_t, Stored> disk;
  int set_aside = 0;  // directories that are called NAME.damaged

  // In this life.
  Keep keep;
  std::int64_t every_steps = 1;
  double period_s = 0;                  // 0: by steps alone
  std::map<std::int64_t, bool> listed;  // the steps that it knows, and whether as damaged
  std::optional<std::int64_t> restored;
  bool claimed = false;  // it has saved or removed, and looked at what is there before
  bool claim_unknown = false;
  std::map<std::int64_t, Stored> retired;  // what the last operation has removed for the policy
  std::set<std::int64_t> perhaps_removed;  // damaged, which it did not know
  struct Pending {
    std::int64_t step = 0;
    Stored stored = {};
  };
  std::optional<Pending> pending;

  // When to save.
  std::optional<std::pair<std::int64_t, bool>> asked;
  bool answered = false, is_time = false, will_be_time = false;
  std::optional<std::int64_t> previous;
  std::optional<std::int64_t> begun_with;  // restored: it is not saved again until a later one is
  double last_save_s = 0;
  bool only_by_force = false;  // after a failure, what it goes by is not known

  bool intact(std::int64_t step) const {
    const auto found = disk.find(step);
    return found != disk.end() && found->second.damage == Damage::none;
  }
  /// Damaged, and the Checkpointer does not know.
  bool deceives(std::int64_t step) const {
    const auto found = listed.find(step);
    return disk.count(step) && disk.at(step).damage != Damage::none && found != listed.end() &&
           !found->second;
  }
  std::optional<std::int64_t> latest() const {
    for (auto step = listed.rbegin(); step != listed.rend(); ++step)
      if (!step->second) return step->first;
    return std::nullopt;
  }
  Keep::Saved saved() const {
    Keep::Saved result;
    for (const auto& [step, damaged] : listed)
      if (!damaged) result[step] = disk.at(step).metrics;
    return result;
  }

  void begin_life(double now_s) {
    const auto left = disk;
    const int aside = set_aside;
    *this = Model();
    disk = left;
    set_aside = aside;
    last_save_s = now_s;
    look();
  }

  /// A look at the root directory.
  void look() {
    listed.clear();
    for (const auto& [step, stored] : disk) listed[step] = stored.looks_damaged();
  }

  /// Another look, which does not make sound what was found to be damaged.
  void look_again() {
    const auto before = listed;
    look();
    for (auto& [number, damaged] : listed)
      if (const auto known = before.find(number); known != before.end()) damaged = damaged || known->second;
  }

  /// The first time that it changes something, it looks at what another job may have left since.
  void claim() {
    if (!claimed) look_again();
    claimed = true;
    claim_unknown = false;
  }

  bool decide(std::int64_t step, bool force, double now_s) {
    if (asked == std::pair(step, force)) return answered;
    const bool again = step == begun_with;
    asked = {step, force};
    is_time = will_be_time;
    const bool is_multiple =
        step % every_steps == 0 || (previous && step / every_steps > *previous / every_steps);
    answered = force || (!again && (is_multiple || (period_s > 0 && is_time)));
    will_be_time = !answered && now_s - last_save_s >= period_s;
    previous = step;
    return answered;
  }

  Answer save(std::int64_t step, const Stored& stored, const cairn::StepOptions& options, bool background,
              double now_s) {
    if (!decide(step, options.force, now_s)) return {};
    wait();
    claim();
    const auto known = listed.find(step);
    if (known != listed.end() && !known->second) {
      if (!options.overwrite) return {cairn::ErrorCode::already_exists};
      if (disk.at(step).pinned) return {cairn::ErrorCode::locked};
    }
    if (latest() && *latest() > step && !options.overwrite) return {cairn::ErrorCode::invalid_argument};
    if (known != listed.end() && known->second) {
      ++set_aside;
      disk.erase(step);
      listed.erase(step);
    }
    if (begun_with && step > *begun_with) begun_with.reset();
    last_save_s = now_s;
    is_time = will_be_time = false;
    pending = {step, stored};
    if (!background) wait();
    return {{}, 1};
  }

  void wait() {
    if (!pending) return;
    disk[pending->step] = pending->stored;
    listed[pending->step] = false;
    const auto done = pending->step;
    if (restored && done > *restored) restored.reset();
    pending.reset();
    retain(done);
  }

  void retain(std::int64_t done) {
    const auto saved_now = saved();
    const auto newest = latest();
    for (const auto& [step, metrics] : saved_now) {
      if (keep.keeps(step, saved_now) || step == newest || step == done || step == restored ||
          disk.at(step).pinned)
        continue;
      if (deceives(step)) {
        perhaps_removed.insert(step);
      } else {
        retired[step] = disk.at(step);
        disk.erase(step);
        listed.erase(step);
      }
    }
  }

  Answer load(std::int64_t step) {
    wait();
    if (!listed.count(step)) {
      if (!disk.count(step)) return {cairn::ErrorCode::not_found};
      look_again();
    }
    if (disk.at(step).damage != Damage::none) return {cairn::ErrorCode::corrupt};
    return {{}, disk.at(step).generation};
  }

  Answer restore_latest() {
    wait();
    look();
    for (auto step = listed.rbegin(); step != listed.rend(); ++step) {
      step->second = !intact(step->first);
      if (step->second) continue;
      restored = previous = begun_with = step->first;
      asked.reset();
      return {{}, step->first};
    }
    if (listed.empty()) return {{}, -1};
    return {cairn::ErrorCode::corrupt};
  }

  Answer remove(std::int64_t step) {
    wait();
    claim();
    if (!listed.count(step)) return {cairn::ErrorCode::not_found};
    if (disk.at(step).pinned) return {cairn::ErrorCode::locked};
    disk.erase(step);
    listed.erase(step);
    if (restored == step) restored.reset();
    if (begun_with == step) begun_with.reset();
    if (asked == std::pair(step, false)) asked.reset();
    return {};
  }

  Answer pin(std::int64_t step, bool pinned) {
    wait();
    if (!listed.count(step) && disk.count(step)) look_again();
    if (!listed.count(step)) return {cairn::ErrorCode::not_found};
    disk.at(step).pinned = pinned;
    return {};
  }
};

}  // namespace mpi_test
