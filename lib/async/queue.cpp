#include "async/queue.hpp"

#include "base/message.hpp"
#include "base/thread.hpp"

#include <algorithm>
#include <cstdio>
#include <system_error>
#include <thread>

namespace cairn::async {
namespace {

/// Does it in a thread of its own, since a priority once lowered stays low.
void work_at_low_priority(Task& task) {
  try {
    std::jthread([&] {
      base::lower_thread_priority();
      task.work();
    });
  } catch (const std::system_error&) {
    task.work();
  }
}

/// It comes out of another call, which has its own errors.
Error of_dropped(Task& task, const Error& error) {
  const auto& report = task.report();
  return base::with_message(
      error, report.operation + " " + report.path.string() +
                 ", whose result nobody has asked for: " + std::string(base::message_of(error)));
}

}  // namespace

std::shared_ptr<Queue> Queue::of(comm::Communicator& comm) {
  auto& attachment = comm.attachment();
  if (attachment == nullptr) attachment = std::make_shared<Queue>();
  return std::static_pointer_cast<Queue>(attachment);
}

void Queue::settle(comm::Communicator& comm) {
  if (comm.attachment() != nullptr) of(comm)->settle_all(comm);
}

void Queue::finish_all(comm::Communicator& comm) {
  if (comm.attachment() == nullptr) return;
  of(comm)->wait_idle();
  settle(comm);
}

void Queue::settle_all(comm::Communicator& comm) {
  if (tasks_.empty()) return;
  const int primary = comm.primary();
  // Other ranks may still wait for their part of any of them.
  double allowance_s = 0;
  for (const auto& task : tasks_) allowance_s += task->allowance_s();
  comm.allow(allowance_s);
  const auto ready = comm.agree_min("settle", tasks_.size(), [&] {
    comm::Lanes lanes;
    for (const auto& task : tasks_) lanes.push_back(task->dropped() && task->done() ? 1 : 0);
    return lanes;
  });
  comm.allow(0);
  const auto tasks = tasks_;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if ((*ready)[i] == 0) continue;
    forget(*tasks[i]);
    try {
      tasks[i]->conclude(comm);
    } catch (const Error& error) {
      throw of_dropped(*tasks[i], error);
    }
  }
  comm.set_primary(primary);  // the tasks have their own
}

Queue::Prepared Queue::prepare(std::shared_ptr<Task> task, const Context& context) {
  tasks_.reserve(tasks_.size() + 1);
  auto pending = std::make_unique<detail::Pending>(context);
  const bool low_priority = context.async.low_priority;
  auto job = Worker::make_job([task, low_priority] {
    if (low_priority)
      work_at_low_priority(*task);
    else
      task->work();
  });
  return {std::move(task), std::move(job), std::move(pending)};
}

std::unique_ptr<detail::Pending> Queue::start(Prepared prepared) noexcept {
  tasks_.push_back(prepared.task);
  prepared.pending->task = std::move(prepared.task);
  worker_.submit(std::move(prepared.job));
  return std::move(prepared.pending);
}

void Queue::forget(const Task& task) noexcept {
  std::erase_if(tasks_, [&](const auto& each) { return each.get() == &task; });
}

void Queue::end() noexcept {
  try {
    worker_.wait_idle();
    for (const auto& task : tasks_)
      if (task->failure())
        std::fprintf(stderr, "cairn: %s %s failed, and nobody asked: %s\n", task->report().operation.c_str(),
                     task->report().path.c_str(), task->failure()->what());
    tasks_.clear();
    for (const auto& [place, unfinished] : unfinished_) unfinished->end();
    unfinished_.clear();
  } catch (const std::exception&) {
  }
}

}  // namespace cairn::async
