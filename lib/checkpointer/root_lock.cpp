#include "checkpointer/root_lock.hpp"

#include "checkpointer/time.hpp"
#include "commit/owner.hpp"
#include "commit/path.hpp"

#include <span>

#include <fcntl.h>

namespace cairn::checkpointer {
namespace {

base::File open_lock_directory(const base::File& root, const FileOptions& files) {
  try {
    return commit::create_directory(root, lock_directory, files);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::already_exists) throw;
  }
  return base::open_file(&root, lock_directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

/// The owner file is there when this returns.
void make_owner_file(const base::File& directory, const FileOptions& files) {
  try {
    commit::create_file(directory, commit::owner_file, files);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::already_exists) throw;
  }
}

void write_owner(const base::File& file, bool locked) {
  auto self = commit::this_process();
  self.locked = locked;
  const auto text = commit::encode(self);
  base::truncate(file, 0);
  base::write_at(file, std::as_bytes(std::span(text)), 0);
}

}  // namespace

RootLock RootLock::acquire(const base::File& root, const FileOptions& files) {
  constexpr int kAttempts = 7;  // whoever only looks has the lock for a moment
  double pause_s = 0.01;        // 0.6 s in all
  const auto directory = open_lock_directory(root, files);
  make_owner_file(directory, files);
  for (int attempt = 1;; ++attempt) {
    auto found = commit::inspect_owner(directory);
    if (found.life != commit::Life::living) {
      const bool locked = static_cast<bool>(found.lock);
      auto file = locked ? std::move(found.lock) : base::open_file(&directory, commit::owner_file, O_RDWR);
      write_owner(file, locked);
      return RootLock(std::move(file));
    }
    if (attempt == kAttempts)
      throw Error(ErrorCode::locked,
                  "another job saves in " + root.name().string() +
                      (found.owner ? ": " + commit::describe(*found.owner) : std::string()) +
                      "; give each job a root directory of its own, or wait for that one",
                  0, -1, root.name());
    time_source().sleep(pause_s);
    pause_s *= 2;
  }
}

std::optional<RootHolder> find_holder(const base::File& root) {
  const auto directory = base::try_open_file(&root, lock_directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!directory) return std::nullopt;
  const auto found = commit::inspect_owner(directory);
  // An empty file is one that was given back.
  const auto life = found.unfinished ? commit::Life::dead : found.life;
  return RootHolder{life, found.owner ? commit::describe(*found.owner) : std::string()};
}

void RootLock::release() noexcept {
  if (!owner_) return;
  try {
    base::truncate(owner_, 0);
  } catch (const Error&) {
    // Without the lock it says nothing either.
  }
  base::unlock(owner_);  // a child of the program may have the descriptor too
  owner_ = {};
}

RootLock& RootLock::operator=(RootLock&& other) noexcept {
  if (this != &other) {
    release();
    owner_ = std::move(other.owner_);
  }
  return *this;
}

}  // namespace cairn::checkpointer
