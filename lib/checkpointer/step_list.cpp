#include "checkpointer/step_list.hpp"

#include "base/pack.hpp"

#include <bit>
#include <cmath>

namespace cairn::checkpointer {

std::vector<SavedStep> saved_steps(const StepList& list) {
  std::vector<SavedStep> saved;
  for (const auto& [number, step] : list)
    if (!step.damaged) saved.push_back({number, step.time, step.metrics, step.pinned});
  return saved;
}

std::optional<std::int64_t> best_of(const StepList& list, std::string_view metric, Best which) {
  std::optional<std::int64_t> found;
  double best = 0;
  for (const auto& [number, step] : list) {
    const auto value = step.metrics.find(std::string(metric));
    if (step.damaged || value == step.metrics.end() || std::isnan(value->second)) continue;
    const bool better = which == Best::lowest ? value->second <= best : value->second >= best;
    if (found && !better) continue;
    found = number;
    best = value->second;
  }
  return found;
}

std::string to_text(const StepList& list) {
  constexpr std::size_t kShown = 10;
  if (list.empty()) return "none";
  std::string text;
  auto step = list.begin();
  if (list.size() > kShown) {
    std::advance(step, list.size() - kShown);
    text = "..., ";
  }
  for (bool first = true; step != list.end(); ++step, first = false)
    text += (first ? "" : ", ") + std::to_string(step->first) + (step->second.damaged ? " (damaged)" : "");
  return text;
}

std::string pack(const StepList& list) {
  base::Packer pack;
  for (const auto& [number, step] : list) {
    pack.u64(static_cast<std::uint64_t>(number));
    pack.str(step.name);
    pack.u64(static_cast<std::uint64_t>(step.time.time_since_epoch().count()));
    pack.u64((step.pinned ? 1u : 0u) | (step.damaged ? 2u : 0u));
    pack.u64(step.metrics.size());
    for (const auto& [name, value] : step.metrics) {
      pack.str(name);
      pack.u64(std::bit_cast<std::uint64_t>(value));
    }
  }
  return std::move(pack).text();
}

StepList unpack_steps(std::string_view bytes) {
  using Time = std::chrono::system_clock::time_point;
  StepList list;
  base::Unpacker unpack(bytes);
  while (!unpack.empty()) {
    auto& step = list[static_cast<std::int64_t>(unpack.u64())];
    step.name = unpack.str();
    step.time = Time(Time::duration(static_cast<Time::duration::rep>(unpack.u64())));
    const auto flags = unpack.u64();
    step.pinned = (flags & 1) != 0;
    step.damaged = (flags & 2) != 0;
    for (auto metrics = unpack.u64(); metrics > 0; --metrics) {
      const std::string name(unpack.str());
      step.metrics[name] = std::bit_cast<double>(unpack.u64());
    }
  }
  return list;
}

}  // namespace cairn::checkpointer
