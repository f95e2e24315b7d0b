#pragma once

#include "cairn/error.hpp"

#include <string>

namespace cairn::command {

/// What the error says; where it is that there is nothing at a path, with the nearest names of the
/// checkpoints that are there (`roots`: of the directories), or of the directory that is misspelt in it.
std::string text_with_neighbours(const Error& error, bool roots = false);

}  // namespace cairn::command
