#pragma once

#include "base/storage.hpp"

#include <cstdint>
#include <string>

namespace cairn::commit {

/// The bytes of all files in a directory and below it, symbolic links not followed; 0 where it is gone.
std::uint64_t size_of(const base::File& parent, const std::string& entry);

}  // namespace cairn::commit
