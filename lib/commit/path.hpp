#pragma once

#include "base/checksum.hpp"
#include "base/storage.hpp"
#include "cairn/options.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

/// The names of a checkpoint and of what is beside it while it is written (docs/format.md).
namespace cairn::commit {

/// Where a checkpoint is: a relative path is below `files.prefix`, and slashes at the end are taken off.
/// Error(invalid_argument) where the path does not name a checkpoint: it is empty, ends in `.` or `..`, or
/// its last name begins with a dot or has more than 200 bytes. Touches no file.
Path resolve_path(const Path& path, const FileOptions& files);

/// A checkpoint's directory, as its parent and its name there.
struct Names {
  Path parent;
  std::string name;

  Path final_path() const { return parent / name; }
  std::string hidden(const base::Digest& id) const;  // `.<name>.<id>`: being written, or committed
  std::string trash(const base::Digest& id) const;   // `.<name>.<id>.trash`: being deleted
};
/// Of a path from `resolve_path`; the same errors.
Names split_path(const Path& path);

/// An entry of the parent directory that belongs to `names`.
struct Leftover {
  std::string entry;
  base::Digest id = {};
  bool trash = false;
};
std::vector<Leftover> find_leftovers(const base::File& parent, const Names& names);
/// NAME of `.NAME.ID` and `.NAME.ID.trash`; empty of all else.
std::string leftover_name(std::string_view entry);

/// The modes of new files and directories: `files.permissions`, a directory with x where there is r; else
/// what the umask leaves. Error(invalid_argument) where they are not between 0 and 0777.
mode_t file_mode(const FileOptions& files);
mode_t directory_mode(const FileOptions& files);

/// Opens a directory, after making it and what is missing above it. The directories in which something was
/// made are added to `changed`.
base::File open_or_create(const Path& path, const FileOptions& files, std::vector<base::File>& changed);

/// Creates (O_EXCL) a file for reading and writing with `file_mode`, which the umask does not narrow where it
/// was asked for.
base::File create_file(const base::File& at, const std::filesystem::path& name, const FileOptions& files);
/// The same for a directory; opens it.
base::File create_directory(const base::File& at, const std::filesystem::path& name,
                            const FileOptions& files);

}  // namespace cairn::commit
