#include "checkpointer/root.hpp"
#include "commands.hpp"
#include "commit/manifest.hpp"
#include "commit/path.hpp"
#include "commit/place.hpp"
#include "commit/reader.hpp"
#include "commit/size.hpp"
#include "commit/transaction.hpp"
#include "text.hpp"

#include <iostream>

#include <unistd.h>

namespace cairn::command {
namespace {

commit::Names names_of(const Path& path) {
  return commit::split_path(commit::resolve_path(path, FileOptions()));
}

/// What `rm` removes: a checkpoint, in place or not, or what is left of a damaged one.
struct Removable {
  bool is_damaged = false;
  bool is_pinned = false;
  std::uint64_t bytes = 0;
};

Removable look(const commit::Names& names) {
  Removable found;
  base::File directory;
  if (const auto parent = base::try_open_directory(names.parent)) {
    auto existing = commit::look_at(parent, names.name);
    found.is_damaged = existing.found == commit::Found::damaged;
    if (found.is_damaged) directory = std::move(existing.directory);
  }
  if (!directory) directory = commit::open_checkpoint(names.final_path()).directory;
  found.is_pinned = base::status_of(directory, commit::pin_file).has_value();
  found.bytes = commit::size_of(directory, ".");
  return found;
}

bool is_yes(const std::string& answer) {
  return answer == "y" || answer == "yes";
}

/// Whether the person at the terminal agrees. Error(invalid_argument) where there is none.
bool ask(const std::string& question) {
  if (isatty(STDIN_FILENO) == 0)
    throw Error(ErrorCode::invalid_argument, "nobody can be asked here: say --yes to remove it");
  std::cerr << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return is_yes(answer);
}

void report(const RemoveRequest& request, const Removable& found, bool removed) {
  const auto path = request.path.string();
  if (request.as_json)
    print_json({{"path", path}, {"removed", removed}, {"bytes", found.bytes}, {"damaged", found.is_damaged}});
  else if (removed)
    std::cout << "removed " << path << ", " << bytes_text(found.bytes) << '\n';
  else
    std::cout << path << ": not removed\n";
}

}  // namespace

int pin(const Path& path, bool pinned, bool as_json) {
  const auto names = names_of(path);
  FileOptions files;
  files.prefix.clear();  // it is in the names
  checkpointer::Root(names.parent, {}, files).pin(names.name, pinned);
  if (as_json)
    print_json({{"path", path.string()}, {"pinned", pinned}});
  else
    std::cout << path.string() << (pinned ? ": pinned\n" : ": not pinned\n");
  return sound;
}

int remove(const RemoveRequest& request) {
  const auto names = names_of(request.path);
  const auto found = look(names);
  if (found.is_pinned && !request.force)
    throw Error(ErrorCode::locked, request.path.string() + " is pinned: unpin it first, or say --force", 0,
                -1, request.path);
  const std::string question = "remove " + request.path.string() + ", " + bytes_text(found.bytes) +
                               (found.is_damaged ? ", damaged?" : "?");
  if (!request.yes && !ask(question)) {
    report(request, found, false);
    return sound;
  }
  if (found.is_damaged)
    commit::remove_damaged(names, true);
  else
    commit::remove_checkpoint(names.final_path(), true);
  report(request, found, true);
  return sound;
}

}  // namespace cairn::command
