#pragma once

#include "cairn/options.hpp"
#include "comm/communicator.hpp"

namespace cairn::load_stages {

/// For operations that take a path and nothing else: the ranks agree on operation, path and primary rank.
/// Collective; Error(mismatch) or Error(invalid_argument) on every rank.
void agree_on_path(comm::Communicator& comm, const Options& options, const char* operation, const Path& path);

}  // namespace cairn::load_stages
