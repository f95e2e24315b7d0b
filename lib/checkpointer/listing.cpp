#include "checkpointer/listing.hpp"

#include "base/message.hpp"
#include "checkpointer/step_name.hpp"
#include "commit/manifest.hpp"
#include "commit/place.hpp"
#include "commit/reader.hpp"
#include "commit/size.hpp"
#include "commit/stored_files.hpp"
#include "load/tree_file.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

namespace cairn::checkpointer {
namespace {

std::optional<std::int64_t> step_of(std::string_view name) {
  const auto last_other = name.find_last_not_of("0123456789");
  return parse_step(last_other == name.npos ? name : name.substr(last_other + 1), {});
}

/// All that can be told without reading arrays.
void check(const load_stages::OpenedManifest& opened) {
  for (const auto& [name, entry] : opened.manifest.checkpointables) {
    if (entry.handler == commit::tree_handler)
      load_stages::open_tree_file(opened, entry);
    else
      commit::check_files(opened.checkpoint.directory, entry, false);
  }
}

class Lister {
 public:
  explicit Lister(const Path& path) : path_(path), directory_(base::open_directory(path)) {}

  Listing run() {
    list_.holder = find_holder(directory_);
    const auto hidden = names_with_leftovers(directory_);
    std::vector<std::string> names = hidden;
    for (auto& name : base::list(directory_))
      if (name.front() != '.') names.push_back(std::move(name));
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    for (const auto& name : names) look(name, std::binary_search(hidden.begin(), hidden.end(), name));
    const auto order = [](const ListedCheckpoint& one) {
      return std::tuple(one.step.value_or(std::numeric_limits<std::int64_t>::max()), one.name);
    };
    std::stable_sort(list_.checkpoints.begin(), list_.checkpoints.end(),
                     [&](const auto& a, const auto& b) { return order(a) < order(b); });
    return std::move(list_);
  }

 private:
  void look(const std::string& name, bool has_leftovers) {
    ListedCheckpoint entry;
    entry.name = name;
    entry.step = step_of(name);
    entry.set_aside = is_set_aside(name);
    if (has_leftovers) look_beside(entry);
    const auto found = commit::look_at(directory_, name).found;
    entry.in_place = found == commit::Found::checkpoint || found == commit::Found::damaged;
    const bool is_one = look_into(entry);
    if (!is_one && entry.writer.empty()) return;
    if (!is_one) entry.state = State::unfinished;
    if (entry.in_place) entry.bytes = commit::size_of(directory_, name);
    list_.checkpoints.push_back(std::move(entry));
  }

  void look_beside(ListedCheckpoint& entry) {
    for (auto& finding : commit::look_at_leftovers(directory_, {path_, entry.name}).found) {
      const auto bytes = commit::size_of(directory_, finding.entry);
      if (finding.fate == commit::Fate::under_way)
        entry.writer = finding.owner ? commit::describe(*finding.owner) : finding.entry;
      if (finding.fate != commit::Fate::removed) entry.bytes = bytes;
      list_.leftovers.push_back({entry.name, std::move(finding), bytes});
    }
  }

  /// False: it is no checkpoint.
  bool look_into(ListedCheckpoint& entry) const {
    try {
      const auto path = path_ / entry.name;
      entry.pinned = base::status_of(commit::open_checkpoint(path).directory, commit::pin_file).has_value();
      load_stages::with_manifest(path, [&](const load_stages::OpenedManifest& opened) {
        entry.time = opened.manifest.created;
        entry.metrics = opened.manifest.metrics;
        check(opened);
        return 0;
      });
    } catch (const Error& error) {
      if (error.code() == ErrorCode::not_found || error.code() == ErrorCode::not_a_checkpoint ||
          error.code() == ErrorCode::invalid_argument)
        return false;
      entry.state = error.code() == ErrorCode::corrupt ? State::damaged : State::unreadable;
      entry.problem = base::message_of(error);
    }
    return true;
  }

  Path path_;
  base::File directory_;
  Listing list_;
};

}  // namespace

bool is_set_aside(std::string_view name) noexcept {
  constexpr std::string_view kMark = ".damaged";
  const auto at = name.rfind(kMark);
  if (at == name.npos || at == 0) return false;
  const auto rest = name.substr(at + kMark.size());
  return rest.empty() ||
         (rest.size() > 1 && rest.front() == '-' && rest.find_first_not_of("0123456789", 1) == rest.npos);
}

std::vector<std::string> names_with_leftovers(const base::File& directory) {
  std::vector<std::string> names;
  for (const auto& entry : base::list(directory))
    if (auto name = commit::leftover_name(entry); !name.empty()) names.push_back(std::move(name));
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

Listing list_checkpoints(const Path& directory) {
  return Lister(directory).run();
}

}  // namespace cairn::checkpointer
