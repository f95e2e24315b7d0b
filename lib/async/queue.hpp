#pragma once

#include "async/pending.hpp"
#include "async/task.hpp"
#include "async/worker.hpp"
#include "comm/communicator.hpp"
#include "comm/duplicate.hpp"
#include "io/staging_pool.hpp"

#include <map>
#include <memory>
#include <vector>

namespace cairn::async {

/// The tasks of one communicator, in the order in which they were started, which is the same on every rank.
class Queue final : public comm::Attachment {
 public:
  /// That of this communicator, made where there is none. Local.
  static std::shared_ptr<Queue> of(comm::Communicator& comm);

  /// What every collective function does first, once it has the communicator: throws what went wrong in tasks
  /// whose responses were dropped, calls their callbacks, and forgets them. Collective: one agreement where
  /// any response has not been asked, and one or two for each that is dropped and done.
  static void settle(comm::Communicator& comm);
  /// The same, after waiting until nothing goes on that was started on this communicator before: operations
  /// that are not in the background see its effects, and come after it.
  static void finish_all(comm::Communicator& comm);
  /// Waits for that alone. Local.
  void wait_idle() { worker_.wait_idle(); }

  /// A task, and all the memory that starting it takes.
  struct Prepared {
    std::shared_ptr<Task> task;
    Worker::Jobs job;
    std::unique_ptr<detail::Pending> pending;
  };
  Prepared prepare(std::shared_ptr<Task> task, const Context& context);
  /// The response to hand out. Throws nothing, so that the ranks' lists of tasks stay the same.
  std::unique_ptr<detail::Pending> start(Prepared prepared) noexcept;
  void forget(const Task& task) noexcept;
  const std::vector<std::shared_ptr<Task>>& tasks() const noexcept { return tasks_; }
  io::StagingPool& staging() noexcept { return staging_; }
  /// Saves that are made in several calls, by place; what is left of them ends with the communicator.
  std::map<Path, std::shared_ptr<comm::Attachment>>& unfinished() noexcept { return unfinished_; }

  /// Waits for all tasks, and tells of failures on stderr: there is nobody left to throw to.
  void end() noexcept override;

 private:
  void settle_all(comm::Communicator& comm);

  std::vector<std::shared_ptr<Task>> tasks_;
  io::StagingPool staging_;
  std::map<Path, std::shared_ptr<comm::Attachment>> unfinished_;
  Worker worker_;  // last: it ends first
};

}  // namespace cairn::async
