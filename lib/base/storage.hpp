#pragma once

#include "cairn/error.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>
#include <sys/uio.h>

/// The only file-system calls of the library. Every function throws `cairn::Error` (io, no_space, not_found,
/// already_exists, ... with errno and path) unless it says otherwise, retries EINTR, and asks the hook first,
/// so that a test can fail, delay or kill at any call. Not collective; any thread.
namespace cairn::base {

enum class Op {
  open,
  close,
  read,
  write,
  fsync,
  truncate,
  allocate,
  write_back,
  stat,
  make_dir,
  remove,
  rename,
  list,
  lock,
  chmod
};
const char* to_string(Op op) noexcept;

/// What an errno means to a caller.
ErrorCode code_of(int error) noexcept;

/// The seam for faults: asked before each system call. Returns 0 to let it happen, else the errno to fail
/// with. `name` is the whole path (of a rename: the old one); `offset` of a rename is the flags of
/// renameat2(2). Called from any thread.
class StorageHook {
 public:
  virtual ~StorageHook() = default;
  virtual int before(Op op, std::string_view name, std::uint64_t offset, std::uint64_t bytes) = 0;
};
/// Sets the process's hook and returns the one before; null: none. For tests only. The caller owns it.
StorageHook* set_storage_hook(StorageHook* hook) noexcept;

/// An open file or directory, closed by the destructor (which swallows errors; use `close` where they
/// matter). It remembers its name for messages.
class File {
 public:
  File() = default;
  File(int descriptor, std::filesystem::path name) noexcept;
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  ~File();
  explicit operator bool() const noexcept { return descriptor_ >= 0; }
  int descriptor() const noexcept { return descriptor_; }
  const std::filesystem::path& name() const noexcept { return name_; }
  void close();

 private:
  int descriptor_ = -1;
  std::filesystem::path name_;
};

/// Opens `name` below the directory `at` (no `at`: the working directory or absolute). O_CLOEXEC is always
/// added.
File open_file(const File* at, const std::filesystem::path& name, int flags, mode_t mode = 0);
File open_directory(const std::filesystem::path& path);
/// The same, or an empty File where there is none (ENOENT, ENOTDIR).
File try_open_file(const File* at, const std::filesystem::path& name, int flags, mode_t mode = 0);
File try_open_directory(const std::filesystem::path& path);

/// All of `bytes` at `offset`; a short write goes on, and one that moves nothing is an error. At most 1 GiB a
/// system call.
void write_at(const File& file, std::span<const std::byte> bytes, std::uint64_t offset);
/// All of `bytes`; an end of file before that is Error(corrupt) "truncated".
void read_at(const File& file, std::span<std::byte> bytes, std::uint64_t offset);
/// The same into several places, one after another; changes `parts`.
void read_scattered(const File& file, std::span<iovec> parts, std::uint64_t offset);
std::string read_whole(const File& at, const std::filesystem::path& name, std::uint64_t max_bytes);
/// Of a file of /proc or /sys, whose size is not known: at most 4 KiB; empty where it cannot be read. Never
/// throws an Error.
std::string read_pseudo_file(const std::filesystem::path& path);
/// Adds to the end of a file, which is made where there is none.
void append_to_file(const std::filesystem::path& name, std::string_view text);
/// Creates (O_EXCL) a small file with these bytes; `sync` fsyncs it before it is closed.
void write_whole(const File& at, const std::filesystem::path& name, std::string_view text, mode_t mode,
                 bool sync);

void sync(const File& file);                           // fsync
void truncate(const File& file, std::uint64_t bytes);  // ftruncate
bool allocate(const File& file, std::uint64_t offset,
              std::uint64_t bytes);  // fallocate; false: not supported here
void start_write_back(const File& file, std::uint64_t offset,
                      std::uint64_t bytes) noexcept;  // SYNC_FILE_RANGE_WRITE; a hint
struct stat status(const File& file);
/// Of a name in a directory, symbolic links not followed; nullopt: there is nothing of this name.
std::optional<struct stat> status_of(const File& at, const std::filesystem::path& name);
bool is_network_file_system(const File& file);  // NFS, whose clients widen a buffered write to its page
void change_mode(const File& file, mode_t mode);

void make_directory(const File& at, const std::filesystem::path& name, mode_t mode);
void remove_file(const File& at, const std::filesystem::path& name);  // not_found where there is none
/// False: it is not empty, or not there, or not a directory.
bool remove_empty_directory(const File& at, const std::filesystem::path& name);
void remove_tree(const File& at,
                 const std::filesystem::path& name);   // a directory and what is in it; none there is fine
std::vector<std::string> list(const File& directory);  // names, sorted, without . and ..

enum class RenameResult { done, exists, missing };
/// renameat2(RENAME_NOREPLACE) within a directory; where the file system refuses the flag, a link-free
/// fallback that checks first.
RenameResult rename_new(const File& at, const std::filesystem::path& from, const std::filesystem::path& to);
/// Plain rename; `missing` where `from` is not there, `exists` where `to` is a directory with something in
/// it, or of the other kind.
RenameResult rename_over(const File& at, const std::filesystem::path& from, const std::filesystem::path& to);
/// renameat2(RENAME_EXCHANGE); false where the file system does not have it.
bool exchange(const File& at, const std::filesystem::path& a, const std::filesystem::path& b);

/// Takes the open-file-description write lock on the whole file, without waiting. False: somebody else holds
/// it.
bool try_lock(const File& file);
/// Gives it back, whoever else has the descriptor.
void unlock(const File& file) noexcept;

}  // namespace cairn::base
