#include "commit/stored_files.hpp"

#include "cairn/error.hpp"
#include "commit/owner.hpp"
#include "commit/token.hpp"
#include "commit/votes.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <span>
#include <thread>

#include <fcntl.h>

namespace cairn::commit {
namespace {

constexpr std::size_t kLongestName = 240;

base::Digest digest_of(const base::File& file, std::uint64_t bytes) {
  constexpr std::uint64_t kPiece = 1 << 20;
  std::vector<std::byte> piece(std::min(kPiece, bytes));
  base::StreamingDigest digest;
  for (std::uint64_t at = 0; at < bytes; at += kPiece) {
    const auto part = std::span(piece).first(std::min(kPiece, bytes - at));
    base::read_at(file, part, at);
    digest.add(part);
  }
  return digest.result();
}

[[noreturn]] void damaged(const base::File& directory, const std::string& name, const std::string& why) {
  const Path path = directory.name() / name;
  throw Error(ErrorCode::corrupt, path.string() + " " + why + "; load another checkpoint", 0, -1, path);
}

/// O_NONBLOCK: what should be a file may be a pipe.
base::File try_open(const base::File& directory, const std::string& name) {
  return base::try_open_file(&directory, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
}

/// A file that some rank has written. A network file system may show it to other hosts a little later.
base::File open_written(const base::File& directory, const std::string& name, const std::string& of) {
  constexpr int kAttempts = 50;
  for (int attempt = 0;; ++attempt) {
    if (auto file = try_open(directory, name)) return file;
    if (attempt == kAttempts)
      throw Error(ErrorCode::not_found,
                  "the handler of `" + of + "` named the file " + name + ", and no rank has made it", 0, -1,
                  directory.name() / name);
    base::list(directory);  // has the names that are known to be missing looked up again
    std::this_thread::sleep_for(std::chrono::milliseconds(attempt == 0 ? 0 : 20));
  }
}

/// A checkpoint that is deleted loses its token first: else the file is missing for good.
Error missing(const base::File& directory, const std::string& name) {
  const Path path = directory.name() / name;
  if (read_token(directory).kind != TokenKind::commit)
    return Error(ErrorCode::not_found, path.string() + " is gone, and its checkpoint with it", ENOENT, -1,
                 path);
  return Error(ErrorCode::corrupt, path.string() + " is missing; load another checkpoint", 0, -1, path);
}

}  // namespace

std::string file_name_problem(std::string_view name) {
  constexpr std::array<std::string_view, 8> own = {manifest_file, votes_file,   pending_file, owner_file,
                                                   open_token,    commit_token, abort_token,  pin_file};
  if (name.empty() || name.front() == '.') return "is empty or begins with a dot";
  if (name.size() > kLongestName) return "has more than 240 bytes";
  if (name.find_first_of(std::string_view("/\0", 2)) != std::string_view::npos)
    return "holds a '/' or a zero byte";
  if (std::find(own.begin(), own.end(), name) != own.end() || name.starts_with(elected_prefix))
    return "is a file of the library's own: give the checkpointable another name";
  return {};
}

void measure_files(const base::File& directory, Manifest& manifest) {
  for (auto& [name, entry] : manifest.checkpointables) {
    if (entry.handler == tree_handler) continue;
    for (auto& stored : entry.files) {
      const auto file = open_written(directory, stored.name, name);
      const auto found = base::status(file);
      if (!S_ISREG(found.st_mode))
        throw Error(ErrorCode::io, file.name().string() + " is no regular file, as a handler must make it", 0,
                    -1, file.name());
      stored.bytes = static_cast<std::uint64_t>(found.st_size);
      stored.digest = digest_of(file, stored.bytes);
    }
    set_files(entry, std::move(entry.files));
  }
}

void check_files(const base::File& directory, const CheckpointableEntry& entry, bool digests) {
  for (const auto& stored : entry.files) {
    const auto file = try_open(directory, stored.name);
    if (!file) throw missing(directory, stored.name);
    const auto found = base::status(file);
    if (!S_ISREG(found.st_mode) || static_cast<std::uint64_t>(found.st_size) != stored.bytes)
      damaged(directory, stored.name,
              "has " + std::to_string(found.st_size) + " bytes where checkpoint.json says " +
                  std::to_string(stored.bytes));
    if (digests && digest_of(file, stored.bytes) != stored.digest)
      damaged(directory, stored.name, "was changed after it was written");
  }
}

}  // namespace cairn::commit
