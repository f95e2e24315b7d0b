#include "handlers/small_file.hpp"

#include "base/checksum.hpp"
#include "commit/path.hpp"

#include <algorithm>
#include <span>
#include <vector>

#include <fcntl.h>

namespace cairn::handlers {
namespace {

base::File parent_of(const Path& path) {
  const Path parent = path.parent_path();
  return base::open_directory(parent.empty() ? Path(".") : parent);
}

/// O_NONBLOCK: what should be a file may be a pipe.
base::File open_regular(const base::File* at, const Path& name) {
  auto file = base::open_file(at, name, O_RDONLY | O_NONBLOCK);
  if (!S_ISREG(base::status(file).st_mode))
    throw Error(ErrorCode::invalid_argument, file.name().string() + " is no regular file", 0, -1,
                file.name());
  return file;
}

void copy(const base::File& from, const base::File& to) {
  constexpr std::uint64_t kPiece = 4 << 20;
  const auto bytes = static_cast<std::uint64_t>(base::status(from).st_size);
  std::vector<std::byte> piece(std::min(kPiece, bytes));
  for (std::uint64_t at = 0; at < bytes; at += kPiece) {
    const auto part = std::span(piece).first(std::min(kPiece, bytes - at));
    base::read_at(from, part, at);
    base::write_at(to, part, at);
    base::start_write_back(to, at, part.size());
  }
}

}  // namespace

void write_file(const Path& path, std::string_view text, const FileOptions& files) {
  auto file = commit::create_file(parent_of(path), path.filename(), files);
  base::write_at(file, std::as_bytes(std::span(text)), 0);
  file.close();
}

void copy_in(const Path& from, const Path& to, const FileOptions& files) {
  const auto source = open_regular(nullptr, from);
  auto file = commit::create_file(parent_of(to), to.filename(), files);
  copy(source, file);
  file.close();
}

void copy_out(const base::File& directory, const Path& name, const Path& to, const FileOptions& files) {
  const auto source = open_regular(&directory, name);
  const auto parent = parent_of(to);
  std::string scratch(".");
  scratch.append(to.filename().native()).append(".").append(base::to_hex(base::random_id()));
  auto file = commit::create_file(parent, scratch, files);
  try {
    copy(source, file);
    base::sync(file);
    file.close();
    if (base::rename_over(parent, scratch, to.filename()) != base::RenameResult::done)
      throw Error(ErrorCode::already_exists, to.string() + " is a directory: a file is to be there", 0, -1,
                  to);
    base::sync(parent);
  } catch (...) {
    try {
      base::remove_file(parent, scratch);
    } catch (const Error&) {
      // The first error is what counts.
    }
    throw;
  }
}

}  // namespace cairn::handlers
