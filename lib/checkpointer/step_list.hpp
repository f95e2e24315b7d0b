#pragma once

#include "cairn/policies.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace cairn::checkpointer {

/// One step of a root directory.
struct Step {
  std::string name = {};  // of its directory
  std::chrono::system_clock::time_point time = {};
  Metrics metrics = {};
  bool pinned = false;
  bool damaged = false;
};
/// By step.
using StepList = std::map<std::int64_t, Step>;

/// The steps that are not damaged, as policies see them.
std::vector<SavedStep> saved_steps(const StepList& list);

/// As Checkpointer::best.
std::optional<std::int64_t> best_of(const StepList& list, std::string_view metric, Best which);

/// "100, 200, 300", the last ones of many; "none".
std::string to_text(const StepList& list);

/// For sending between ranks.
std::string pack(const StepList& list);
StepList unpack_steps(std::string_view bytes);

}  // namespace cairn::checkpointer
