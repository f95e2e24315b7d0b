#pragma once

#include "cairn/checkpointer.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The names of the directories of steps. Not collective; any thread.
namespace cairn::checkpointer {

/// The prefix, then the step with zeros before it up to `digits`. The step is 0 or more.
std::string to_name(std::int64_t step, const StepName& style);

/// The step that a name means: `own.prefix`, `step_` or nothing, then decimal digits, any number of zeros
/// before them. nullopt of all other names, and of numbers from 2^63 on.
std::optional<std::int64_t> parse_step(std::string_view name, const StepName& own);

/// What is wrong with it (see StepName); nullopt: nothing.
std::optional<std::string> problem_of(const StepName& style);

}  // namespace cairn::checkpointer
