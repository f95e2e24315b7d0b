#include "c/handles.hpp"

using namespace cairn;

namespace {

template <class Handle, class Make>
Handle* make(const Make& policy) noexcept {
  try {
    return new Handle{policy()};
  } catch (...) {
    return nullptr;
  }
}
template <class Make>
cairn_save_policy* make_save(const Make& policy) noexcept {
  return make<cairn_save_policy>(policy);
}
template <class Make>
cairn_keep_policy* make_keep(const Make& policy) noexcept {
  return make<cairn_keep_policy>(policy);
}

/// Joins the parts two by two, and frees them. NULL where a part is.
template <class Handle, class Join>
Handle* join(Handle* const* parts, std::size_t count, const Join& two) noexcept {
  std::vector<std::unique_ptr<Handle>> owned;
  return make<Handle>([&] {
    for (std::size_t i = 0; parts != nullptr && i < count; ++i) owned.emplace_back(parts[i]);
    decltype(Handle::policy) all;
    for (const auto& part : owned) {
      if (!part) throw std::bad_alloc();
      all = part == owned.front() ? part->policy : two(all, part->policy);
    }
    return all;
  });
}

Steps steps_of(const std::int64_t* steps, std::size_t count) {
  return steps == nullptr ? Steps() : Steps(steps, steps + count);
}

std::chrono::system_clock::time_point time_of(double since_1970_s) {
  constexpr double most = 9e9;  // what the clock can hold
  const double s = since_1970_s > -most ? std::min(since_1970_s, most) : -most;
  return std::chrono::system_clock::time_point(
      std::chrono::duration_cast<std::chrono::system_clock::duration>(Seconds(s)));
}

cairn_step_info view_of(const StepInfo& info) noexcept {
  cairn_step_info view{};
  view.struct_size = sizeof(view);
  view.step = info.step;
  view.last_saved = info.last_saved.value_or(-1);
  view.since_last_save_s = info.since_last_save_s;
  view.save_s = info.save_s;
  view.step_s = info.step_s;
  return view;
}

Steps ask(cairn_keep_fn call, void* arg, const std::vector<SavedStep>& saved) {
  std::vector<std::vector<cairn_metric>> metrics(saved.size());
  std::vector<cairn_saved_step> views;
  for (std::size_t i = 0; i < saved.size(); ++i) {
    for (const auto& [name, value] : saved[i].metrics) metrics[i].push_back({name.c_str(), value});
    views.push_back({saved[i].step, c::seconds_since_1970(saved[i].time), metrics[i].data(),
                     metrics[i].size(), saved[i].pinned ? 1 : 0});
  }
  std::vector<int> keep(saved.size(), 0);
  call(views.data(), views.size(), keep.data(), arg);
  Steps kept;
  for (std::size_t i = 0; i < saved.size(); ++i)
    if (keep[i] != 0) kept.push_back(saved[i].step);
  return kept;
}

}  // namespace

cairn_save_policy* cairn_save_never(void) {
  return make_save([] { return SavePolicy(); });
}
cairn_save_policy* cairn_save_every_steps(std::int64_t n) {
  return make_save([&] { return every_steps(n); });
}
cairn_save_policy* cairn_save_every(double seconds) {
  return make_save([&] { return every(Seconds(seconds)); });
}
cairn_save_policy* cairn_save_at_steps(const std::int64_t* steps, std::size_t count) {
  return make_save([&] { return at_steps(steps_of(steps, count)); });
}
cairn_save_policy* cairn_save_first_step(void) {
  return make_save([] { return first_step(); });
}
cairn_save_policy* cairn_save_on_signal(int signal) {
  return make_save([&] { return on_signal(signal); });
}
cairn_save_policy* cairn_save_on_file(const char* path) {
  return make_save([&] { return on_file(c::text_or_empty(path)); });
}
cairn_save_policy* cairn_save_before_deadline(double time_s) {
  return make_save([&] { return time_s == 0 ? before_deadline() : before_deadline(time_of(time_s)); });
}
cairn_save_policy* cairn_save_young_daly(double mean_seconds_between_failures) {
  return make_save([&] { return young_daly(Seconds(mean_seconds_between_failures)); });
}
cairn_save_policy* cairn_save_overhead_below(double fraction) {
  return make_save([&] { return overhead_below(fraction); });
}
cairn_save_policy* cairn_save_any_of(cairn_save_policy* const* parts, std::size_t count) {
  return join(parts, count, [](const SavePolicy& a, const SavePolicy& b) { return any_of(a, b); });
}
cairn_save_policy* cairn_save_all_of(cairn_save_policy* const* parts, std::size_t count) {
  return join(parts, count, [](const SavePolicy& a, const SavePolicy& b) { return all_of(a, b); });
}
cairn_save_policy* cairn_save_by(cairn_save_fn call, void* arg) {
  return make_save([&] {
    if (call == nullptr) return SavePolicy();
    return SavePolicy([call, arg](const StepInfo& info) {
      const auto view = view_of(info);
      return call(&view, arg) != 0;
    });
  });
}
void cairn_save_policy_free(cairn_save_policy* policy) {
  delete policy;
}

cairn_keep_policy* cairn_keep_all(void) {
  return make_keep([] { return keep_all(); });
}
cairn_keep_policy* cairn_keep_latest(int n) {
  return make_keep([&] { return latest(n); });
}
cairn_keep_policy* cairn_keep_best(const char* metric, int n, cairn_best which) {
  return make_keep([&] { return best(c::text_or_empty(metric), n, static_cast<Best>(which)); });
}
cairn_keep_policy* cairn_keep_every_steps(std::int64_t n) {
  return make_keep([&] { return keep_every_steps(n); });
}
cairn_keep_policy* cairn_keep_every(double seconds) {
  return make_keep([&] { return keep_every(Seconds(seconds)); });
}
cairn_keep_policy* cairn_keep_steps(const std::int64_t* steps, std::size_t count) {
  return make_keep([&] { return keep_steps(steps_of(steps, count)); });
}
cairn_keep_policy* cairn_keep_any_of(cairn_keep_policy* const* parts, std::size_t count) {
  return join(parts, count, [](const KeepPolicy& a, const KeepPolicy& b) { return any_of(a, b); });
}
cairn_keep_policy* cairn_keep_all_of(cairn_keep_policy* const* parts, std::size_t count) {
  return join(parts, count, [](const KeepPolicy& a, const KeepPolicy& b) { return all_of(a, b); });
}
cairn_keep_policy* cairn_keep_by(cairn_keep_fn call, void* arg) {
  return make_keep([&] {
    if (call == nullptr) return KeepPolicy();
    return KeepPolicy([call, arg](const std::vector<SavedStep>& saved) { return ask(call, arg, saved); });
  });
}
void cairn_keep_policy_free(cairn_keep_policy* policy) {
  delete policy;
}
