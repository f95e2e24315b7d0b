#include "checkpointer/sweep.hpp"
#include "commands.hpp"
#include "commit/reader.hpp"
#include "leftovers.hpp"
#include "text.hpp"

#include <algorithm>
#include <iostream>

namespace cairn::command {
namespace {

using checkpointer::ListedLeftover;

bool is_done(const ListedLeftover& leftover) {
  return leftover.finding.fate == commit::Fate::removed || leftover.finding.fate == commit::Fate::completed;
}

void print_text(const GcRequest& request, const std::vector<ListedLeftover>& found) {
  std::uint64_t bytes = 0;
  for (const auto& leftover : found)
    if (leftover.finding.fate == commit::Fate::removed) bytes += leftover.bytes;
  std::cout << request.directory.string() << ": " << count_text(found.size(), "leftover") << ", "
            << bytes_text(bytes) << (request.yes ? " freed\n" : " to be freed\n");
  std::vector<std::vector<std::string>> rows;
  for (const auto& leftover : found) rows.push_back(leftover_row(leftover, request.yes));
  std::cout << align(rows);
  if (!request.yes && std::any_of(found.begin(), found.end(), is_done))
    std::cout << "Nothing was done: `--yes` does it.\n";
}

nlohmann::json to_json(const GcRequest& request, const std::vector<ListedLeftover>& found) {
  auto leftovers = nlohmann::json::array();
  for (const auto& leftover : found) leftovers.push_back(leftover_json(leftover));
  return {{"root", request.directory.string()}, {"done", request.yes}, {"leftovers", std::move(leftovers)}};
}

/// What is in a checkpoint's directory is its own.
void refuse_checkpoint(const Path& directory) {
  try {
    if (!commit::is_committed(commit::resolve_path(directory, FileOptions()))) return;
  } catch (const Error&) {
    return;  // `.` and the like name no checkpoint
  }
  throw Error(ErrorCode::invalid_argument,
              directory.string() + " is a checkpoint: give the directory that it is in", 0, -1, directory);
}

}  // namespace

int gc(const GcRequest& request) {
  refuse_checkpoint(request.directory);
  auto found = checkpointer::sweep_leftovers(request.directory, request.yes);
  if (request.damaged) {
    auto aside = checkpointer::sweep_set_aside(request.directory, request.yes);
    std::move(aside.begin(), aside.end(), std::back_inserter(found));
  }
  if (request.as_json)
    print_json(to_json(request, found));
  else
    print_text(request, found);
  return sound;
}

}  // namespace cairn::command
