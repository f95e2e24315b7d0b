#include "base/storage.hpp"

#include "base/storage_error.hpp"
#include "cairn/error.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <system_error>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/statfs.h>
#include <unistd.h>

namespace cairn::base {

namespace {

constexpr std::uint64_t largest_transfer = std::uint64_t{1} << 30;
constexpr std::size_t most_parts = 1024;  // of one system call (IOV_MAX of Linux)

std::atomic<StorageHook*> installed_hook{nullptr};

int ask(Op op, std::string_view name, std::uint64_t offset = 0, std::uint64_t bytes = 0) {
  StorageHook* hook = installed_hook.load(std::memory_order_acquire);
  return hook == nullptr ? 0 : hook->before(op, name, offset, bytes);
}

/// Asks the hook, then calls `call` until it is not interrupted. Negative: failed, and errno says why.
template <class Call>
auto attempt(Op op, std::string_view name, std::uint64_t offset, std::uint64_t bytes, Call call)
    -> decltype(call()) {
  if (const int fault = ask(op, name, offset, bytes); fault != 0) {
    errno = fault;
    return -1;
  }
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

template <class Call>
auto attempt(Op op, const std::filesystem::path& name, Call call) -> decltype(call()) {
  return attempt(op, name.native(), 0, 0, call);
}

std::filesystem::path full_name(const File* at, const std::filesystem::path& name) {
  return at == nullptr ? name : at->name() / name;
}

Error truncated(const File& file, std::uint64_t offset, std::uint64_t missing) {
  return Error(ErrorCode::corrupt,
               file.name().string() + " is truncated: it ends at byte " + std::to_string(offset) +
                   ", where " + std::to_string(missing) + " more are due",
               0, -1, file.name());
}

int descriptor_of(const File* at) noexcept {
  return at == nullptr ? AT_FDCWD : at->descriptor();
}

int open_descriptor(const File* at, const std::filesystem::path& name, const std::filesystem::path& full,
                    int flags, mode_t mode) {
  return attempt(Op::open, full,
                 [&] { return ::openat(descriptor_of(at), name.c_str(), flags | O_CLOEXEC, mode); });
}

int rename_flags(const File& at, const std::filesystem::path& from, const std::filesystem::path& to,
                 unsigned flags) {
  const auto full = full_name(&at, from);
  return attempt(Op::rename, full.native(), flags, 0, [&] {
    return flags == 0 ? ::renameat(at.descriptor(), from.c_str(), at.descriptor(), to.c_str())
                      : ::renameat2(at.descriptor(), from.c_str(), at.descriptor(), to.c_str(), flags);
  });
}

bool refuses_flags(int error) noexcept {
  return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP;
}

bool is_taken(int error) noexcept {
  return error == EEXIST || error == ENOTEMPTY || error == ENOTDIR || error == EISDIR;
}

int unlink_entry(const File& at, const std::filesystem::path& name, int flags) {
  return attempt(Op::remove, full_name(&at, name),
                 [&] { return ::unlinkat(at.descriptor(), name.c_str(), flags); });
}

}  // namespace

StorageHook* set_storage_hook(StorageHook* hook) noexcept {
  return installed_hook.exchange(hook, std::memory_order_acq_rel);
}

File::File(int descriptor, std::filesystem::path name) noexcept
    : descriptor_(descriptor), name_(std::move(name)) {}

File::File(File&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), name_(std::move(other.name_)) {}

File& File::operator=(File&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(name_, other.name_);
  return *this;
}

File::~File() {
  if (descriptor_ < 0) return;
  ask(Op::close, name_.native());
  ::close(descriptor_);
}

void File::close() {
  if (descriptor_ < 0) return;
  const int fault = ask(Op::close, name_.native());
  const int failed = ::close(std::exchange(descriptor_, -1)) == 0 ? 0 : errno;
  // Linux has closed the descriptor even where close was interrupted.
  const int error = fault != 0 ? fault : failed;
  if (error != 0 && error != EINTR) fail(Op::close, name_, error);
}

File open_file(const File* at, const std::filesystem::path& name, int flags, mode_t mode) {
  auto full = full_name(at, name);
  const int descriptor = open_descriptor(at, name, full, flags, mode);
  if (descriptor < 0) fail(Op::open, full, errno);
  return File(descriptor, std::move(full));
}

File open_directory(const std::filesystem::path& path) {
  return open_file(nullptr, path, O_RDONLY | O_DIRECTORY);
}

File try_open_file(const File* at, const std::filesystem::path& name, int flags, mode_t mode) {
  auto full = full_name(at, name);
  const int descriptor = open_descriptor(at, name, full, flags, mode);
  if (descriptor >= 0) return File(descriptor, std::move(full));
  if (errno != ENOENT && errno != ENOTDIR) fail(Op::open, full, errno);
  return File();
}

File try_open_directory(const std::filesystem::path& path) {
  return try_open_file(nullptr, path, O_RDONLY | O_DIRECTORY);
}

void write_at(const File& file, std::span<const std::byte> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const auto size = std::min<std::uint64_t>(bytes.size(), largest_transfer);
    const ssize_t moved = attempt(Op::write, file.name().native(), offset, size, [&] {
      return ::pwrite(file.descriptor(), bytes.data(), size, static_cast<off_t>(offset));
    });
    if (moved < 0) fail(Op::write, file.name(), errno);
    if (moved == 0) fail(Op::write, file.name(), EIO);
    bytes = bytes.subspan(static_cast<std::size_t>(moved));
    offset += static_cast<std::uint64_t>(moved);
  }
}

void read_at(const File& file, std::span<std::byte> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const auto size = std::min<std::uint64_t>(bytes.size(), largest_transfer);
    const ssize_t moved = attempt(Op::read, file.name().native(), offset, size, [&] {
      return ::pread(file.descriptor(), bytes.data(), size, static_cast<off_t>(offset));
    });
    if (moved < 0) fail(Op::read, file.name(), errno);
    if (moved == 0) throw truncated(file, offset, bytes.size());
    bytes = bytes.subspan(static_cast<std::size_t>(moved));
    offset += static_cast<std::uint64_t>(moved);
  }
}

void read_scattered(const File& file, std::span<iovec> parts, std::uint64_t offset) {
  while (!parts.empty()) {
    const auto some = parts.first(std::min<std::size_t>(parts.size(), most_parts));
    std::uint64_t bytes = 0;
    for (const auto& part : some) bytes += part.iov_len;
    const ssize_t moved = attempt(Op::read, file.name().native(), offset, bytes, [&] {
      return ::preadv(file.descriptor(), some.data(), static_cast<int>(some.size()),
                      static_cast<off_t>(offset));
    });
    if (moved < 0) fail(Op::read, file.name(), errno);
    if (moved == 0 && bytes > 0) throw truncated(file, offset, bytes);
    offset += static_cast<std::uint64_t>(moved);
    auto left = static_cast<std::size_t>(moved);
    while (!parts.empty() && left >= parts[0].iov_len) {
      left -= parts[0].iov_len;
      parts = parts.subspan(1);
    }
    if (left > 0) {
      parts[0].iov_base = static_cast<std::byte*>(parts[0].iov_base) + left;
      parts[0].iov_len -= left;
    }
  }
}

std::string read_whole(const File& at, const std::filesystem::path& name, std::uint64_t max_bytes) {
  // O_NONBLOCK: what should be a file may be a pipe.
  File file = open_file(&at, name, O_RDONLY | O_NONBLOCK);
  const struct stat found = status(file);
  if (!S_ISREG(found.st_mode)) {
    throw Error(ErrorCode::corrupt, file.name().string() + " is not a regular file", 0, -1, file.name());
  }
  const auto size = static_cast<std::uint64_t>(found.st_size);
  if (size > max_bytes) {
    throw Error(ErrorCode::corrupt,
                file.name().string() + " has " + std::to_string(size) + " bytes, more than the " +
                    std::to_string(max_bytes) + " that it can have",
                0, -1, file.name());
  }
  std::string text(size, '\0');
  read_at(file, std::as_writable_bytes(std::span(text)), 0);
  return text;
}

std::string read_pseudo_file(const std::filesystem::path& path) {
  const int descriptor = open_descriptor(nullptr, path, path, O_RDONLY, 0);
  if (descriptor < 0) return {};
  const File file(descriptor, path);
  std::string text(4096, '\0');
  const ssize_t moved = attempt(Op::read, path, [&] { return ::read(descriptor, text.data(), text.size()); });
  text.resize(moved > 0 ? static_cast<std::size_t>(moved) : 0);
  return text;
}

void append_to_file(const std::filesystem::path& name, std::string_view text) {
  File file = open_file(nullptr, name, O_WRONLY | O_CREAT | O_APPEND, 0666);
  write_at(file, std::as_bytes(std::span(text)), 0);  // O_APPEND: at the end, whatever the offset
  file.close();
}

void write_whole(const File& at, const std::filesystem::path& name, std::string_view text, mode_t mode,
                 bool sync) {
  File file = open_file(&at, name, O_WRONLY | O_CREAT | O_EXCL, mode);
  write_at(file, std::as_bytes(std::span(text)), 0);
  if (sync) base::sync(file);
  file.close();
}

void sync(const File& file) {
  if (attempt(Op::fsync, file.name(), [&] { return ::fsync(file.descriptor()); }) == 0) return;
  const int error = errno;
  // Some file systems have no fsync of directories: there is nothing to wait for.
  struct stat found {};
  if ((error == EINVAL || error == EOPNOTSUPP) && ::fstat(file.descriptor(), &found) == 0 &&
      S_ISDIR(found.st_mode)) {
    return;
  }
  fail(Op::fsync, file.name(), error);
}

void truncate(const File& file, std::uint64_t bytes) {
  const int result = attempt(Op::truncate, file.name().native(), 0, bytes,
                             [&] { return ::ftruncate(file.descriptor(), static_cast<off_t>(bytes)); });
  if (result != 0) fail(Op::truncate, file.name(), errno);
}

bool allocate(const File& file, std::uint64_t offset, std::uint64_t bytes) {
  if (bytes == 0) return true;
  const int result = attempt(Op::allocate, file.name().native(), offset, bytes, [&] {
    return ::fallocate(file.descriptor(), 0, static_cast<off_t>(offset), static_cast<off_t>(bytes));
  });
  if (result == 0) return true;
  if (errno == EOPNOTSUPP || errno == ENOSYS) return false;
  fail(Op::allocate, file.name(), errno);
}

void start_write_back(const File& file, std::uint64_t offset, std::uint64_t bytes) noexcept {
  if (bytes == 0 || ask(Op::write_back, file.name().native(), offset, bytes) != 0) return;
  ::sync_file_range(file.descriptor(), static_cast<off64_t>(offset), static_cast<off64_t>(bytes),
                    SYNC_FILE_RANGE_WRITE);
}

struct stat status(const File& file) {
  struct stat found {};
  if (attempt(Op::stat, file.name(), [&] { return ::fstat(file.descriptor(), &found); }) != 0) {
    fail(Op::stat, file.name(), errno);
  }
  return found;
}

std::optional<struct stat> status_of(const File& at, const std::filesystem::path& name) {
  struct stat found {};
  const auto full = full_name(&at, name);
  const int result = attempt(
      Op::stat, full, [&] { return ::fstatat(at.descriptor(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW); });
  if (result == 0) return found;
  if (errno != ENOENT && errno != ENOTDIR) fail(Op::stat, full, errno);
  return std::nullopt;
}

bool is_network_file_system(const File& file) {
  constexpr unsigned long nfs_magic = 0x6969;
  struct statfs found {};
  if (attempt(Op::stat, file.name(), [&] { return ::fstatfs(file.descriptor(), &found); }) != 0) {
    fail(Op::stat, file.name(), errno);
  }
  return static_cast<unsigned long>(found.f_type) == nfs_magic;
}

void change_mode(const File& file, mode_t mode) {
  if (attempt(Op::chmod, file.name(), [&] { return ::fchmod(file.descriptor(), mode); }) != 0) {
    fail(Op::chmod, file.name(), errno);
  }
}

void make_directory(const File& at, const std::filesystem::path& name, mode_t mode) {
  const auto full = full_name(&at, name);
  const int result =
      attempt(Op::make_dir, full, [&] { return ::mkdirat(at.descriptor(), name.c_str(), mode); });
  if (result != 0) fail(Op::make_dir, full, errno);
}

void remove_file(const File& at, const std::filesystem::path& name) {
  if (unlink_entry(at, name, 0) != 0) fail(Op::remove, full_name(&at, name), errno);
}

bool remove_empty_directory(const File& at, const std::filesystem::path& name) {
  if (unlink_entry(at, name, AT_REMOVEDIR) == 0) return true;
  if (errno == ENOENT || errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR) return false;
  fail(Op::remove, full_name(&at, name), errno);
}

void remove_tree(const File& at, const std::filesystem::path& name) {
  if (unlink_entry(at, name, 0) == 0 || errno == ENOENT) return;
  const int error = errno;
  if (error != EISDIR && error != EPERM) fail(Op::remove, full_name(&at, name), error);
  {
    const File directory = try_open_file(&at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!directory && !status_of(at, name)) return;
    if (!directory) fail(Op::remove, full_name(&at, name), error);
    for (const auto& entry : list(directory)) remove_tree(directory, entry);
  }
  if (unlink_entry(at, name, AT_REMOVEDIR) != 0 && errno != ENOENT) {
    fail(Op::remove, full_name(&at, name), errno);
  }
}

std::vector<std::string> list(const File& directory) {
  // A descriptor of its own: listing moves the position.
  const int descriptor = attempt(Op::list, directory.name(), [&] {
    return ::openat(directory.descriptor(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  });
  // A directory that was removed has no names.
  if (descriptor < 0 && errno == ENOENT) return {};
  if (descriptor < 0) fail(Op::list, directory.name(), errno);
  DIR* stream = ::fdopendir(descriptor);
  if (stream == nullptr) {
    const int error = errno;
    ::close(descriptor);
    fail(Op::list, directory.name(), error);
  }
  struct Closer {
    DIR* stream;
    ~Closer() { ::closedir(stream); }
  } closer{stream};
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream);
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) fail(Op::list, directory.name(), errno);
  std::sort(names.begin(), names.end());
  return names;
}

RenameResult rename_new(const File& at, const std::filesystem::path& from, const std::filesystem::path& to) {
  if (rename_flags(at, from, to, RENAME_NOREPLACE) == 0) return RenameResult::done;
  if (errno == EEXIST) return RenameResult::exists;
  if (errno == ENOENT) return RenameResult::missing;
  if (!refuses_flags(errno)) fail(Op::rename, full_name(&at, from), errno);
  if (status_of(at, to)) return RenameResult::exists;
  if (rename_flags(at, from, to, 0) == 0) return RenameResult::done;
  if (errno == ENOENT) return RenameResult::missing;
  if (is_taken(errno)) return RenameResult::exists;
  fail(Op::rename, full_name(&at, from), errno);
}

RenameResult rename_over(const File& at, const std::filesystem::path& from, const std::filesystem::path& to) {
  if (rename_flags(at, from, to, 0) == 0) return RenameResult::done;
  if (errno == ENOENT) return RenameResult::missing;
  if (is_taken(errno)) return RenameResult::exists;
  fail(Op::rename, full_name(&at, from), errno);
}

bool exchange(const File& at, const std::filesystem::path& a, const std::filesystem::path& b) {
  if (rename_flags(at, a, b, RENAME_EXCHANGE) == 0) return true;
  if (refuses_flags(errno)) return false;
  fail(Op::rename, full_name(&at, a), errno);
}

bool try_lock(const File& file) {
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (attempt(Op::lock, file.name(), [&] { return ::fcntl(file.descriptor(), F_OFD_SETLK, &whole); }) == 0) {
    return true;
  }
  if (errno == EAGAIN || errno == EACCES) return false;
  fail(Op::lock, file.name(), errno);
}

void unlock(const File& file) noexcept {
  struct flock whole {};
  whole.l_type = F_UNLCK;
  whole.l_whence = SEEK_SET;
  static_cast<void>(::fcntl(file.descriptor(), F_OFD_SETLK, &whole));
}

}  // namespace cairn::base
