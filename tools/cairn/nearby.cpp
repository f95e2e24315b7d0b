#include "nearby.hpp"

#include "checkpointer/listing.hpp"
#include "commit/place.hpp"
#include "commit/reader.hpp"
#include "names.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace cairn::command {
namespace {

bool is_directory(const base::File& parent, const std::string& name) {
  const auto status = base::status_of(parent, name);
  return status && S_ISDIR(status->st_mode);
}

bool is_checkpoint_in(const base::File& parent, const std::string& name) {
  const auto found = commit::look_at(parent, name).found;
  return found == commit::Found::checkpoint || found == commit::Found::damaged;
}

std::vector<std::string> checkpoints_in(const Path& path, const base::File& parent) {
  std::vector<std::string> names;
  for (auto& name : base::list(parent))
    if (name.front() != '.' && is_checkpoint_in(parent, name)) names.push_back(std::move(name));
  for (auto& name : checkpointer::names_with_leftovers(parent))  // committed, and not yet in place
    if (commit::is_committed(path / name) && std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(std::move(name));
  return names;
}

std::vector<std::string> directories_in(const base::File& parent) {
  std::vector<std::string> names;
  for (auto& name : base::list(parent))
    if (name.front() != '.' && is_directory(parent, name)) names.push_back(std::move(name));
  return names;
}

/// The end of a message that there is nothing at this path.
std::string neighbours_of(const Path& path, bool roots) {
  const Path above = path.has_parent_path() ? path.parent_path() : ".";
  const auto parent = base::try_open_directory(above);
  if (!parent) return path == above || above == "." ? "" : neighbours_of(above, true);
  const auto names = roots ? directories_in(parent) : checkpoints_in(above, parent);
  const std::vector<std::string_view> all(names.begin(), names.end());
  return roots ? nearest_text(path.filename().string(), all) : suggestion(path.filename().string(), all);
}

}  // namespace

std::string text_with_neighbours(const Error& error, bool roots) {
  if (error.code() != ErrorCode::not_found || error.path().empty()) return error.what();
  try {
    const auto path = error.path().lexically_normal();
    return error.what() + neighbours_of(path.has_filename() ? path : path.parent_path(), roots);
  } catch (const Error&) {
    return error.what();  // nothing can be looked at there
  }
}

}  // namespace cairn::command
