#include "checkpointer/sweep.hpp"

#include "base/message.hpp"
#include "commit/manifest.hpp"
#include "commit/place.hpp"
#include "commit/size.hpp"
#include "commit/transaction.hpp"

#include <algorithm>

namespace cairn::checkpointer {
namespace {

std::vector<ListedLeftover> look(const base::File& parent, const commit::Names& names) {
  std::vector<ListedLeftover> found;
  for (auto& finding : commit::look_at_leftovers(parent, names).found) {
    const auto bytes = commit::size_of(parent, finding.entry);
    found.push_back({names.name, std::move(finding), bytes});
  }
  return found;
}

void act_on(const base::File& parent, const commit::Names& names, std::vector<ListedLeftover>& found) {
  std::vector<commit::Finding> done;
  std::string failure;
  try {
    done = commit::repair_leftovers(parent, names).found;
  } catch (const Error& error) {
    failure = base::message_of(error);
  }
  for (auto& each : found) {
    const auto same = std::find_if(done.begin(), done.end(), [&](const commit::Finding& finding) {
      return finding.entry == each.finding.entry;
    });
    if (same != done.end())
      each.finding = *same;
    else if (base::status_of(parent, each.finding.entry))
      each.finding = {each.finding.entry, commit::Fate::left_alone, failure, each.finding.owner};
  }
}

/// Whether a directory is a damaged checkpoint, or one at least; else why it is left alone.
std::string reason_to_stay(const base::File& parent, const std::string& name) {
  const auto existing = commit::look_at(parent, name);
  if (existing.found != commit::Found::checkpoint && existing.found != commit::Found::damaged)
    return "it is no checkpoint";
  if (base::status_of(existing.directory, commit::pin_file)) return "it is pinned";
  return {};
}

}  // namespace

std::vector<ListedLeftover> sweep_leftovers(const Path& directory, bool act) {
  const auto parent = base::open_directory(directory);
  std::vector<ListedLeftover> all;
  for (const auto& name : names_with_leftovers(parent)) {
    const commit::Names names{directory, name};
    auto found = look(parent, names);
    if (act) act_on(parent, names, found);
    std::move(found.begin(), found.end(), std::back_inserter(all));
  }
  return all;
}

std::vector<ListedLeftover> sweep_set_aside(const Path& directory, bool act) {
  const auto parent = base::open_directory(directory);
  std::vector<ListedLeftover> all;
  for (const auto& name : base::list(parent)) {
    if (!is_set_aside(name)) continue;
    commit::Finding finding{name, commit::Fate::removed, "a damaged checkpoint that was set aside", {}};
    const auto bytes = commit::size_of(parent, name);
    auto reason = reason_to_stay(parent, name);
    try {
      if (reason.empty() && act) commit::remove_damaged({directory, name}, true);
    } catch (const Error& error) {
      reason = base::message_of(error);
    }
    if (!reason.empty()) finding = {name, commit::Fate::left_alone, reason, {}};
    all.push_back({name, std::move(finding), bytes});
  }
  return all;
}

}  // namespace cairn::checkpointer
