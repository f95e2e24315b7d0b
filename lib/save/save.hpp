#pragma once

#include "cairn/async.hpp"
#include "cairn/context.hpp"
#include "cairn/options.hpp"
#include "cairn/save.hpp"
#include "comm/communicator.hpp"
#include "save/save_operation.hpp"

#include <functional>

namespace cairn::save_stages {

/// One tree, as `save` is asked to save it.
SaveRequest as_request(const char* operation, const Path& path, const Tree& tree, const SaveOptions& options);

/// One name for each way to write a path.
Path place_of(const Path& path, const FileOptions& files);

/// A save, now or in the background, of what `make` returns: it is called once everything that must come
/// before the save is over, and may be collective. Collective over the context's communicator.
using MakeRequest = std::function<SaveRequest(comm::Communicator& comm, Options& options)>;
Report save_now(const Context& context, const MakeRequest& make);
AsyncResponse save_in_background(const Context& context, const Path& path, const MakeRequest& make);

}  // namespace cairn::save_stages
