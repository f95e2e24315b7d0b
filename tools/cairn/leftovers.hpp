#pragma once

#include "checkpointer/listing.hpp"

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

/// What dead jobs left, as `ls` and `gc` show it.
namespace cairn::command {

/// Cells of a line: what is done (or would be, not `done`), the entry, its size, why.
std::vector<std::string> leftover_row(const checkpointer::ListedLeftover& leftover, bool done);

nlohmann::json leftover_json(const checkpointer::ListedLeftover& leftover);

}  // namespace cairn::command
