#pragma once

#include "cairn/checkpointables.hpp"
#include "comm/communicator.hpp"
#include "plan/plan.hpp"
#include "save/started_save.hpp"

#include <functional>
#include <string>
#include <vector>

namespace cairn::handlers {

using Entries = std::vector<const Checkpointables::Entry*>;

/// In the order of their names, which is the order of all that is done with them.
Entries by_name(const Checkpointables& things);

/// The ranks agree on the request, and on names and kinds of the things: `kind` tells the one of an entry
/// whose name is sound, or throws what is wrong with it, all of which is then listed. Returns the id of the
/// operation. One collective; errors as of plan::agree_on_request.
comm::Agreed<base::Digest> agree_on_contents(
    comm::Communicator& comm, Options& options, const plan::SaveRequest& request, const Entries& entries,
    const std::function<std::string(const Checkpointables::Entry&)>& kind);

/// What to save, once the ranks have agreed on it. Refers to the things. Collective.
save_stages::SaveRequest agree_on_save(comm::Communicator& comm, Options& options, const char* operation,
                                       const Context& context, const Path& path,
                                       const Checkpointables& things, const SaveOptions& save);

}  // namespace cairn::handlers
