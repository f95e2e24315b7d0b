#pragma once

#include "cairn/context.hpp"
#include "cairn/error.hpp"

#include <cstdint>
#include <functional>
#include <vector>

namespace cairn::load_stages {

/// Called on this rank after each piece that it has checked, with bytes checked and bytes to check, of this
/// rank.
using Progress = std::function<void(std::uint64_t done, std::uint64_t total)>;

/// What cairn::verify does, with progress. Collective over the context's communicator.
std::vector<Error> verify_checkpoint(const Context& context, const Path& path, const Progress& progress);

}  // namespace cairn::load_stages
