#include "base/storage_error.hpp"

#include "cairn/error.hpp"

#include <cerrno>
#include <string>
#include <system_error>

namespace cairn::base {

namespace {

const char* advice(int error) noexcept {
  switch (error) {
    case ENOSPC:
      return "; free some space and try again";
    case EDQUOT:
      return "; free some space or raise the quota, and try again";
    case EACCES:
    case EPERM:
      return "; check the permissions of it and of the directories above";
    case EROFS:
      return "; choose a path on a file system that can be written";
    case EMFILE:
    case ENFILE:
      return "; raise the limit of open files (ulimit -n)";
    case ENAMETOOLONG:
      return "; choose a shorter name";
    case EIO:
    case ESTALE:
    case EREMOTEIO:
      return "; the storage failed: see the system's log";
    default:
      return "";
  }
}

const char* verb(Op op) noexcept {
  switch (op) {
    case Op::open:
      return "open";
    case Op::close:
      return "close";
    case Op::read:
      return "read";
    case Op::write:
      return "write";
    case Op::fsync:
      return "flush to storage (fsync)";
    case Op::truncate:
      return "set the size of";
    case Op::allocate:
      return "reserve space for";
    case Op::write_back:
      return "start writing back";
    case Op::stat:
      return "examine";
    case Op::make_dir:
      return "create the directory";
    case Op::remove:
      return "remove";
    case Op::rename:
      return "rename";
    case Op::list:
      return "list";
    case Op::lock:
      return "lock";
    case Op::chmod:
      return "set the permissions of";
  }
  return "use";
}

}  // namespace

ErrorCode code_of(int error) noexcept {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::no_space;
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::not_found;
    case EEXIST:
    case ENOTEMPTY:
      return ErrorCode::already_exists;
    case ENAMETOOLONG:
    case ELOOP:
      return ErrorCode::invalid_argument;
    case ENOMEM:
      return ErrorCode::out_of_memory;
    case ENOSYS:
    case EOPNOTSUPP:
      return ErrorCode::unsupported;
    default:
      return ErrorCode::io;
  }
}

const char* to_string(Op op) noexcept {
  constexpr const char* names[] = {"open",     "close",    "read",       "write", "fsync",
                                   "truncate", "allocate", "write_back", "stat",  "make_dir",
                                   "remove",   "rename",   "list",       "lock",  "chmod"};
  return names[static_cast<int>(op)];
}

void fail(Op op, const std::filesystem::path& name, int error) {
  throw Error(code_of(error),
              std::string("cannot ") + verb(op) + " " + name.string() + ": " +
                  std::generic_category().message(error) + advice(error),
              error, -1, name);
}

}  // namespace cairn::base
