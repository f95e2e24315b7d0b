#include "checkpointer/root.hpp"

#include "checkpointer/listing.hpp"
#include "checkpointer/step_name.hpp"
#include "commit/manifest.hpp"
#include "commit/path.hpp"
#include "commit/reader.hpp"

#include <algorithm>
#include <utility>

namespace cairn::checkpointer {
namespace {

bool has_pin(const base::File& directory) {
  return base::status_of(directory, commit::pin_file).has_value();
}

}  // namespace

Root::Root(const Path& root, const StepName& style, const FileOptions& files)
    : root_(files.prefix.empty() ? root : Path(files.prefix) / root), style_(style), files_(files) {
  files_.prefix.clear();  // it is in the root
}

Root::~Root() {
  *ending_ = true;
}

std::string Root::name_of(std::int64_t step) const {
  return to_name(step, style_);
}

/// The names of steps that something is there for, under their own name or hidden.
std::vector<std::string> Root::candidates() const {
  std::vector<std::string> names;
  const auto directory = base::try_open_directory(root_);
  if (!directory) return names;
  for (auto& entry : base::list(directory)) {
    std::string name = entry.front() == '.' ? commit::leftover_name(entry) : std::move(entry);
    if (!name.empty() && parse_step(name, style_)) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

StepList Root::scan() const {
  StepList list;
  for (const auto& name : candidates()) {
    const auto number = *parse_step(name, style_);
    // Two names for one step: an intact one wins over a damaged one, then the name that new ones have.
    const auto known = list.find(number);
    if (known != list.end() && !known->second.damaged && name != name_of(number)) continue;
    auto step = look(name);
    if (!step || (known != list.end() && step->damaged)) continue;
    list[number] = std::move(*step);
  }
  return list;
}

std::vector<std::pair<std::int64_t, std::string>> Root::newest_first() const {
  std::vector<std::pair<std::int64_t, std::string>> steps;
  for (auto& name : candidates()) {
    const auto number = *parse_step(name, style_);
    steps.emplace_back(number, std::move(name));
  }
  std::sort(steps.rbegin(), steps.rend());
  return steps;
}

std::optional<Step> Root::look(const std::string& name) const {
  Step step;
  step.name = name;
  try {
    const auto opened = commit::open_checkpoint(root_ / name);
    step.pinned = has_pin(opened.directory);
    const auto text = commit::read_manifest(opened);
    if (!text) return std::nullopt;  // removed or replaced just now
    auto manifest = commit::decode(*text);
    step.time = manifest.created;
    step.metrics = std::move(manifest.metrics);
    step.damaged = manifest.save_id != opened.save_id;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found || error.code() == ErrorCode::not_a_checkpoint)
      return std::nullopt;
    // Of a newer version it is whole, for all that is known.
    if (error.code() != ErrorCode::corrupt && error.code() != ErrorCode::unsupported) throw;
    step.damaged = error.code() == ErrorCode::corrupt;
    step.pinned = step.pinned || !step.damaged;  // this version cannot judge it
  }
  return step;
}

void Root::repair() const {
  const auto directory = base::try_open_directory(root_);
  if (!directory) return;
  for (const auto& name : names_with_leftovers(directory)) {
    if (!parse_step(name, style_)) continue;
    try {
      commit::repair(root_ / name);
    } catch (const Error&) {
      // What was committed counts all the same; the next save at this path, or the next run, tries again.
    }
  }
}

void Root::claim(bool sync) {
  if (lock_) return;
  std::vector<base::File> changed;
  const auto directory = commit::open_or_create(root_, files_, changed);
  if (sync)
    for (const auto& above : changed) base::sync(above);
  lock_ = std::make_shared<RootLock>(RootLock::acquire(directory, files_));
  repair();
}

void Root::remove(const std::string& name, bool sync) {
  auto retired = std::make_shared<commit::Retired>(commit::retire_checkpoint(root_ / name, sync));
  deleting_.submit([retired, ending = ending_] {
    try {
      if (!*ending) retired->remove();
    } catch (const std::exception&) {
      // Nobody finds it any more; the next run deletes what is left.
    }
  });
}

void Root::remove_damaged(const std::string& name, bool sync) {
  commit::remove_damaged({root_, name}, sync);
}

std::string Root::set_aside(const std::string& name) {
  const auto parent = base::open_directory(root_);
  for (int number = 0;; ++number) {
    auto aside = name + ".damaged";
    if (number > 0) aside.append("-").append(std::to_string(number));
    const auto moved = base::rename_new(parent, name, aside);
    if (moved == base::RenameResult::exists) continue;
    return moved == base::RenameResult::done ? aside : std::string();
  }
}

bool Root::is_pinned(const std::string& name) const {
  // A damaged one has no token to be opened by.
  if (const auto directory = base::try_open_directory(root_ / name)) return has_pin(directory);
  return has_pin(commit::open_checkpoint(root_ / name).directory);
}

void Root::pin(const std::string& name, bool pinned) {
  const auto opened = commit::open_checkpoint(root_ / name);
  if (has_pin(opened.directory) == pinned) return;
  if (pinned)
    commit::create_file(opened.directory, commit::pin_file, files_).close();
  else
    base::remove_file(opened.directory, commit::pin_file);
  base::sync(opened.directory);
}

}  // namespace cairn::checkpointer
