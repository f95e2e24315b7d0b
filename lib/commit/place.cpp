#include "commit/place.hpp"

#include "cairn/error.hpp"
#include "commit/owner.hpp"
#include "commit/token.hpp"
#include "commit/votes.hpp"

#include <optional>
#include <utility>

#include <fcntl.h>

namespace cairn::commit {

namespace {

constexpr int most_attempts = 100;

/// A replaced checkpoint and the name that it has now.
struct Replaced {
  std::string entry;
  base::File directory;
  base::Digest id = {};
};

Existing look_into(const base::File& parent, const std::string& name) {
  auto directory = base::try_open_file(&parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!directory) return {};
  const Token token = read_token(directory);
  if (token.kind == TokenKind::commit) return {Found::checkpoint, std::move(directory), token.id};
  if (base::status_of(directory, "checkpoint.json")) return {Found::damaged, std::move(directory), {}};
  const bool empty = base::list(directory).empty();
  return {empty ? Found::empty_directory : Found::other, std::move(directory), {}};
}

/// One try; whether the directory was put there is for the caller to see.
std::optional<Replaced> try_to_place(const base::File& parent, const Names& names, const base::Digest& id,
                                     bool overwrite) {
  Existing existing = look_at(parent, names.name);
  const std::string hidden = names.hidden(id);
  switch (existing.found) {
    case Found::nothing:
      base::rename_new(parent, hidden, names.name);
      return std::nullopt;
    case Found::empty_directory:
      base::remove_empty_directory(parent, names.name);
      return std::nullopt;
    case Found::checkpoint:
      break;
    default:
      throw in_the_way(names, existing.found);
  }
  if (existing.id == id) return std::nullopt;  // put there by somebody else just now
  if (!overwrite) throw in_the_way(names, existing.found);
  try {
    if (base::exchange(parent, hidden, names.name)) {
      return Replaced{hidden, std::move(existing.directory), existing.id};
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) throw;
    return std::nullopt;
  }
  if (!move_to_trash(parent, names, names.name, existing.directory, existing.id)) return std::nullopt;
  base::rename_new(parent, hidden, names.name);
  return Replaced{names.trash(existing.id), std::move(existing.directory), existing.id};
}

void remove_replaced(const base::File& parent, const Names& names, const Replaced& replaced) noexcept {
  try {
    if (replaced.entry == names.trash(replaced.id)) {
      empty_trash(parent, replaced.entry);
    } else {
      dispose(parent, names, replaced.entry, replaced.directory, replaced.id);
    }
  } catch (const std::exception&) {
    // The checkpoint stands; the next save or repair at this path removes the old one.
  }
}

}  // namespace

Existing look_at(const base::File& parent, const std::string& name) {
  for (int attempt = 0;; ++attempt) {
    const auto found = base::status_of(parent, name);
    if (!found) return {};
    if (!S_ISDIR(found->st_mode)) return {Found::other, {}, {}};
    Existing existing = look_into(parent, name);
    if (existing.found == Found::checkpoint || attempt == most_attempts) return existing;
    // What looks foreign may be a checkpoint that was replaced and deleted while it was looked at.
    if (existing.directory && is_at(parent, name, existing.directory)) return existing;
  }
}

Error in_the_way(const Names& names, Found found) {
  const Path path = names.final_path();
  const std::string text = path.string();
  const auto error = [&](const std::string& message) {
    return Error(ErrorCode::already_exists, message, 0, -1, path);
  };
  switch (found) {
    case Found::checkpoint:
      return error(text + " holds a checkpoint: choose another path, or set overwrite");
    case Found::damaged:
      return error(text +
                   " holds a damaged checkpoint (its token is missing or unreadable), which is not "
                   "replaced: move it away, or choose another path");
    default:
      return error(text +
                   " is there and is no checkpoint; what is not Cairn's is never replaced: move it away, or "
                   "choose another path");
  }
}

bool is_same(const base::File& a, const base::File& b) {
  const auto left = base::status(a), right = base::status(b);
  return left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

bool is_at(const base::File& parent, const std::string& name, const base::File& directory) {
  const auto named = base::status_of(parent, name);
  const auto opened = base::status(directory);
  return named && named->st_dev == opened.st_dev && named->st_ino == opened.st_ino;
}

void empty_trash(const base::File& parent, const std::string& entry) {
  // The token first: a reader that still has the directory open then knows why a file is missing.
  if (const auto directory = base::try_open_file(&parent, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)) {
    base::remove_tree(directory, commit_token);
  }
  base::remove_tree(parent, entry);
}

bool move_to_trash(const base::File& parent, const Names& names, const std::string& entry,
                   const base::File& directory, const base::Digest& id) {
  const std::string trash = names.trash(id);
  auto moved = base::rename_new(parent, entry, trash);
  if (moved == base::RenameResult::exists) {
    empty_trash(parent, trash);
    moved = base::rename_new(parent, entry, trash);
  }
  if (moved == base::RenameResult::missing) return false;
  if (moved == base::RenameResult::exists) {
    throw Error(ErrorCode::already_exists,
                "cannot clear " + (names.parent / trash).string() + " away: remove it", 0, -1,
                names.parent / trash);
  }
  if (is_at(parent, trash, directory)) return true;
  // Between looking and renaming the name went to another directory: give it back.
  base::rename_new(parent, trash, entry);
  return false;
}

bool dispose(const base::File& parent, const Names& names, const std::string& entry,
             const base::File& directory, const base::Digest& id) {
  if (!is_at(parent, entry, directory)) return false;
  if (!move_to_trash(parent, names, entry, directory, id)) return false;
  empty_trash(parent, names.trash(id));
  return true;
}

void remove_scratch(const base::File& directory) noexcept {
  const auto is_scratch = [](const std::string& name) {
    return name == votes_file || name == pending_file || name == owner_file ||
           name.starts_with(elected_prefix);
  };
  try {
    for (const auto& name : base::list(directory))
      if (is_scratch(name)) base::remove_file(directory, name);
  } catch (const std::exception&) {
    // They say nothing in a directory at its final name; the next repair removes them.
  }
}

void put_in_place(const base::File& parent, const Names& names, const base::File& directory,
                  const base::Digest& id, bool overwrite, bool sync) {
  if (sync) base::sync(directory);
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    std::optional<Replaced> replaced;
    if (!is_at(parent, names.name, directory)) replaced = try_to_place(parent, names, id, overwrite);
    if (!is_at(parent, names.name, directory)) continue;
    if (sync) base::sync(parent);
    if (replaced) remove_replaced(parent, names, *replaced);
    // Another process may have put the old one back while it completed the same save.
    if (!is_at(parent, names.name, directory)) continue;
    remove_scratch(directory);
    return;
  }
  throw Error(ErrorCode::locked,
              "another process keeps replacing " + names.final_path().string() +
                  ": save to a path of its own from each job",
              0, -1, names.final_path());
}

}  // namespace cairn::commit
