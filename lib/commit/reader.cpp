#include "commit/reader.hpp"

#include "cairn/error.hpp"
#include "commit/manifest.hpp"
#include "commit/path.hpp"
#include "commit/token.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include <fcntl.h>

namespace cairn::commit {

namespace {

constexpr int most_attempts = 200;
constexpr int quiet_attempts = 3;  // in a row with nothing found and nothing changed: there is nothing

bool is_at(const Path& path, const base::File& directory) {
  const auto now = base::try_open_directory(path);
  if (!now) return false;
  const auto left = base::status(now), right = base::status(directory);
  return left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

[[noreturn]] void refuse(const Path& path, const Token& token, bool has_manifest) {
  if (token.kind == TokenKind::damaged || has_manifest) {
    throw Error(ErrorCode::corrupt,
                path.string() + " is a damaged checkpoint: its token `commit` is missing or unreadable", 0,
                -1, path);
  }
  throw Error(ErrorCode::not_a_checkpoint, path.string() + " is no checkpoint: it holds no token `commit`", 0,
              -1, path);
}

/// The checkpoint at the final name; nullopt where there is none just now.
std::optional<OpenedCheckpoint> open_final(const Path& path) {
  auto directory = base::try_open_directory(path);
  if (!directory) {
    if (base::try_open_file(nullptr, path, O_PATH)) {
      // A directory that appeared between the two looks is found by the next.
      if (base::try_open_directory(path)) return std::nullopt;
      throw Error(ErrorCode::not_a_checkpoint,
                  path.string() + " is no checkpoint: it is not even a directory", 0, -1, path);
    }
    return std::nullopt;
  }
  const Token token = read_token(directory);
  if (token.kind == TokenKind::commit) return OpenedCheckpoint{std::move(directory), token.id};
  const bool has_manifest = base::status_of(directory, manifest_file).has_value();
  // It may have been replaced and deleted while it was looked at.
  if (!is_at(path, directory)) return std::nullopt;
  refuse(path, token, has_manifest);
}

std::chrono::system_clock::time_point created_time(const OpenedCheckpoint& opened) {
  try {
    if (const auto text = read_manifest(opened)) return decode(*text).created;
  } catch (const Error&) {
    // A damaged one is the last choice.
  }
  return {};
}

/// The newest committed one that is hidden beside the final name. `entries`: the leftovers that there were.
std::optional<OpenedCheckpoint> open_hidden(const Names& names, std::vector<std::string>& entries) {
  const auto parent = base::try_open_directory(names.parent);
  if (!parent) return std::nullopt;
  std::vector<OpenedCheckpoint> committed;
  for (const auto& leftover : find_leftovers(parent, names)) {
    entries.push_back(leftover.entry);
    if (leftover.trash) continue;
    auto directory = base::try_open_file(&parent, leftover.entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!directory) continue;
    const Token token = read_token(directory);
    // Another id: after an exchange this is the old checkpoint, and the new one is at the final name.
    if (token.kind == TokenKind::commit && token.id == leftover.id) {
      committed.push_back({std::move(directory), token.id});
    }
  }
  if (committed.empty()) return std::nullopt;
  if (committed.size() == 1) return std::move(committed.front());
  const auto newest = std::max_element(committed.begin(), committed.end(), [](const auto& a, const auto& b) {
    return created_time(a) < created_time(b);
  });
  return std::move(*newest);
}

bool is_gone(const Error& error) {
  return error.code() == ErrorCode::not_found || error.system_error() == ESTALE;
}

}  // namespace

OpenedCheckpoint open_checkpoint(const Path& path) {
  const Names names = split_path(path);
  const Path final_path = names.final_path();
  std::vector<std::string> before;
  for (int attempt = 1, quiet = 0; attempt <= most_attempts && quiet < quiet_attempts; ++attempt) {
    std::vector<std::string> entries;
    bool gone = false;
    try {
      if (auto opened = open_final(final_path)) return std::move(*opened);
      if (auto opened = open_hidden(names, entries)) {
        // It counts only while the final name is empty, and has lost its token if it was there and replaced.
        if (!base::try_open_file(nullptr, final_path, O_PATH) &&
            read_token(opened->directory).kind == TokenKind::commit) {
          return std::move(*opened);
        }
        continue;
      }
    } catch (const Error& error) {
      if (!is_gone(error)) throw;
      gone = true;
    }
    // During an overwrite each look may come between two renames; then each sees other leftovers.
    std::sort(entries.begin(), entries.end());
    const bool changed = gone || (attempt > 1 && entries != before);
    quiet = changed ? 0 : quiet + 1;
    const bool look_again_later = changed || !entries.empty();
    before = std::move(entries);
    if (look_again_later && quiet < quiet_attempts) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  throw Error(ErrorCode::not_found, "there is no checkpoint at " + final_path.string(), 0, -1, final_path);
}

bool is_committed(const Path& path) {
  try {
    open_checkpoint(path);
    return true;
  } catch (const Error&) {
    return false;
  }
}

std::optional<std::string> read_manifest(const OpenedCheckpoint& opened) {
  try {
    return base::read_whole(opened.directory, manifest_file, most_manifest_bytes);
  } catch (const Error& error) {
    if (!is_gone(error)) throw;
  }
  // A checkpoint that is deleted loses its token first.
  try {
    if (read_token(opened.directory).kind != TokenKind::commit) return std::nullopt;
  } catch (const Error& error) {
    if (!is_gone(error)) throw;
    return std::nullopt;
  }
  const Path name = opened.directory.name() / manifest_file;
  throw Error(ErrorCode::corrupt, name.string() + " is missing: the checkpoint is damaged", 0, -1, name);
}

}  // namespace cairn::commit
