#include "commit/stored_files.hpp"

#include "cairn/error.hpp"
#include "commit/owner.hpp"
#include "commit/token.hpp"
#include "commit/votes.hpp"

#include <algorithm>
#include <array>
#include <span>

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
    std::vector<StoredFile> there;
    for (auto& stored : entry.files) {
      const auto file = try_open(directory, stored.name);
      if (!file) continue;
      const auto found = base::status(file);
      if (!S_ISREG(found.st_mode))
        throw Error(ErrorCode::io, file.name().string() + " is no regular file, as a handler must make it", 0,
                    -1, file.name());
      stored.bytes = static_cast<std::uint64_t>(found.st_size);
      stored.digest = digest_of(file, stored.bytes);
      there.push_back(std::move(stored));
    }
    set_files(entry, std::move(there));
  }
}

void check_files(const base::File& directory, const CheckpointableEntry& entry, bool digests) {
  for (const auto& stored : entry.files) {
    const auto file = try_open(directory, stored.name);
    if (!file) damaged(directory, stored.name, "is missing");
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
