#pragma once

#include "cairn/handler.hpp"

#include <memory>
#include <string>

/// Which handler a thing has. Not collective.
namespace cairn::handlers {

/// Of a save: one bound to the name, else the last one that takes it, the library's own first of all. Throws
/// Error(invalid_argument), which lists the handlers, where none takes it.
std::shared_ptr<Handler> for_save(const HandlerRegistry& registry, const std::string& name,
                                  const Checkpointable& thing);

/// Of a load: one bound to the name that takes it, else the one of the recorded type that takes it, else the
/// last one that takes it. Error(mismatch).
std::shared_ptr<Handler> for_load(const HandlerRegistry& registry, const std::string& name,
                                  const std::string& recorded_type, const Checkpointable& thing);

/// What the thing is, in a word: of its type where it has no form of its own.
std::string describe(const Checkpointable& thing);

/// Why the thing cannot be saved (or loaded into), whatever its handler; empty where it can.
std::string problem_of(const Checkpointable& thing, bool loading);

}  // namespace cairn::handlers
