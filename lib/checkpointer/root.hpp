#pragma once

#include "async/worker.hpp"
#include "base/storage.hpp"
#include "cairn/checkpointer.hpp"
#include "cairn/options.hpp"
#include "checkpointer/root_lock.hpp"
#include "checkpointer/step_list.hpp"
#include "commit/transaction.hpp"

#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace cairn::checkpointer {

/// A root directory and the steps in it, as the primary sees them. Not collective.
class Root {
 public:
  Root(const Path& root, const StepName& style, const FileOptions& files);
  ~Root();  // what is being deleted is waited for; what else is renamed away stays for the next run
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;

  /// The steps that there are. Of two directories for one step, the one named as new ones are. No root
  /// directory: none.
  StepList scan() const;
  /// Names of what may be steps, the highest first. Nothing is read of them.
  std::vector<std::pair<std::int64_t, std::string>> newest_first() const;
  /// Completes and removes what dead jobs left beside the steps. What could not be done stays, for next time.
  void repair() const;
  /// One step as it is now; nullopt: it is none.
  std::optional<Step> look(const std::string& name) const;

  /// Once: makes the directory where there is none, and takes the lock; then repairs.
  void claim(bool sync);
  /// Gives the lock back, once nobody else holds on to it either.
  void unclaim() noexcept { lock_ = nullptr; }
  std::shared_ptr<RootLock> lock() const noexcept { return lock_; }

  std::string name_of(std::int64_t step) const;
  Path path_of(const std::string& name) const { return root_ / name; }

  /// Renames a step away, and deletes it in the background. Errors as of commit::remove_checkpoint.
  void remove(const std::string& name, bool sync);
  /// A damaged one has no token to be found by: its directory is renamed and deleted all the same.
  void remove_damaged(const std::string& name, bool sync);
  /// Gives a damaged one a name that is no step's, and returns it; empty: it is gone.
  std::string set_aside(const std::string& name);
  void pin(const std::string& name, bool pinned);
  bool is_pinned(const std::string& name) const;

 private:
  std::vector<std::string> candidates() const;

  Path root_;
  StepName style_;
  FileOptions files_;
  std::shared_ptr<RootLock> lock_;
  std::shared_ptr<std::atomic<bool>> ending_ = std::make_shared<std::atomic<bool>>(false);
  async::Worker deleting_;
};

}  // namespace cairn::checkpointer
