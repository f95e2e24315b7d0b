#include "commit/path.hpp"

#include "cairn/error.hpp"

#include <fcntl.h>

namespace cairn::commit {

namespace {

constexpr std::size_t longest_name = 200;  // leaves room for the id and the dots within NAME_MAX
constexpr std::size_t id_digits = 32;
constexpr std::string_view trash_suffix = ".trash";

[[noreturn]] void refuse(const Path& path, const std::string& why) {
  throw Error(ErrorCode::invalid_argument, "the path \"" + path.string() + "\" " + why, 0, -1, path);
}

void strip_end(std::string& text) {
  for (;;) {
    if (text.size() > 1 && text.back() == '/') {
      text.pop_back();
    } else if (text.size() > 2 && text.ends_with("/.")) {
      text.resize(text.size() - 2);
    } else {
      return;
    }
  }
}

void check_name(const Path& path, const std::string& name) {
  if (name.empty() || name == "/" || name == "." || name == "..") {
    refuse(path, "does not name a checkpoint: give the name of a directory to create, such as run/ckpt");
  }
  if (name.front() == '.') {
    refuse(path, "ends in a name with a leading dot: such names are kept for checkpoints being written");
  }
  if (name.size() > longest_name) {
    refuse(path, "ends in a name of " + std::to_string(name.size()) + " bytes: use at most " +
                     std::to_string(longest_name));
  }
  if (path.native().find('\0') != std::string::npos) refuse(path, "holds a zero byte");
}

}  // namespace

Path resolve_path(const Path& path, const FileOptions& files) {
  if (path.empty()) refuse(path, "is empty: give the name of a directory to create, such as run/ckpt");
  std::string text = path.native();
  strip_end(text);
  check_name(path, Path(text).filename().native());
  return files.prefix.empty() ? Path(text) : Path(files.prefix) / text;
}

std::string Names::hidden(const base::Digest& id) const {
  return "." + name + "." + base::to_hex(id);
}

std::string Names::trash(const base::Digest& id) const {
  return hidden(id).append(trash_suffix);
}

Names split_path(const Path& path) {
  const Path resolved = resolve_path(path, FileOptions{.permissions = -1, .reserve = false, .prefix = {}});
  Path parent = resolved.parent_path();
  return {parent.empty() ? Path(".") : std::move(parent), resolved.filename().native()};
}

std::vector<Leftover> find_leftovers(const base::File& parent, const Names& names) {
  const std::string start = "." + names.name + ".";
  std::vector<Leftover> found;
  for (auto& entry : base::list(parent)) {
    std::string_view rest = entry;
    if (!rest.starts_with(start)) continue;
    rest.remove_prefix(start.size());
    Leftover leftover;
    if (!base::from_hex(rest.substr(0, id_digits), leftover.id)) continue;
    rest.remove_prefix(id_digits);
    leftover.trash = rest == trash_suffix;
    if (!rest.empty() && !leftover.trash) continue;
    leftover.entry = std::move(entry);
    found.push_back(std::move(leftover));
  }
  return found;
}

std::string leftover_name(std::string_view entry) {
  if (!entry.starts_with('.')) return {};
  entry.remove_prefix(1);
  if (entry.ends_with(trash_suffix)) entry.remove_suffix(trash_suffix.size());
  base::Digest id;
  if (entry.size() < id_digits + 2 || entry[entry.size() - id_digits - 1] != '.' ||
      !base::from_hex(entry.substr(entry.size() - id_digits), id))
    return {};
  return std::string(entry.substr(0, entry.size() - id_digits - 1));
}

mode_t file_mode(const FileOptions& files) {
  if (files.permissions == -1) return 0666;
  if (files.permissions < 0 || files.permissions > 0777) {
    throw Error(ErrorCode::invalid_argument,
                "files.permissions is " + std::to_string(files.permissions) +
                    ": give a file mode from 0 to 0777 (octal), or -1 for what the umask leaves");
  }
  return static_cast<mode_t>(files.permissions);
}

mode_t directory_mode(const FileOptions& files) {
  const mode_t mode = file_mode(files);
  if (files.permissions == -1) return 0777;
  // The owner must be able to work in it.
  return mode | ((mode & 0444) >> 2) | 0700;
}

base::File create_file(const base::File& at, const std::filesystem::path& name, const FileOptions& files) {
  const mode_t mode = file_mode(files);
  auto file = base::open_file(&at, name, O_RDWR | O_CREAT | O_EXCL, mode);
  if (files.permissions != -1) base::change_mode(file, mode);
  return file;
}

base::File create_directory(const base::File& at, const std::filesystem::path& name,
                            const FileOptions& files) {
  const mode_t mode = directory_mode(files);
  base::make_directory(at, name, mode);
  auto directory = base::open_file(&at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (files.permissions != -1) {
    // The set-group bit that a directory inherits stays.
    const mode_t inherited = base::status(directory).st_mode & S_ISGID;
    base::change_mode(directory, mode | inherited);
  }
  return directory;
}

base::File open_or_create(const Path& path, const FileOptions& files, std::vector<base::File>& changed) {
  if (auto directory = base::try_open_directory(path)) return directory;
  const Path above = path.parent_path().empty() ? Path(".") : path.parent_path();
  if (above == path) return base::open_directory(path);
  if (!path.has_filename()) return open_or_create(above, files, changed);  // a slash at the end
  auto parent = open_or_create(above, files, changed);
  try {
    auto directory = create_directory(parent, path.filename(), files);
    changed.push_back(std::move(parent));
    return directory;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::already_exists) throw;
  }
  return base::open_directory(path);
}

}  // namespace cairn::commit
