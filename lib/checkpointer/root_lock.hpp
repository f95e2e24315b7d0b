#pragma once

#include "base/storage.hpp"
#include "cairn/options.hpp"
#include "commit/owner.hpp"

#include <optional>
#include <string>

namespace cairn::checkpointer {

/// Who saves in a root directory: the file `.cairn/owner` there, which its job keeps locked. Not collective.
class RootLock {
 public:
  RootLock() = default;
  /// Error(locked) names the job that has it. What a dead job left is taken over; where that cannot be told
  /// (another host, and a file system without locks), too.
  static RootLock acquire(const base::File& root, const FileOptions& files);
  explicit operator bool() const noexcept { return static_cast<bool>(owner_); }
  /// Gives it back: the file is empty then.
  void release() noexcept;
  ~RootLock() { release(); }
  RootLock(RootLock&&) noexcept = default;
  RootLock& operator=(RootLock&& other) noexcept;

 private:
  explicit RootLock(base::File owner) : owner_(std::move(owner)) {}
  base::File owner_;
};

inline constexpr const char* lock_directory = ".cairn";

/// Who saves in this root directory.
struct RootHolder {
  commit::Life life = commit::Life::dead;  // dead: nobody; unknown: a job that may be over, on another host
  std::string who = {};                    // described; empty: not known
};
/// nullopt: no Checkpointer has saved here. Changes nothing.
std::optional<RootHolder> find_holder(const base::File& root);

}  // namespace cairn::checkpointer
