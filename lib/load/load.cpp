#include "cairn/load.hpp"

#include "async/pending.hpp"
#include "async/queue.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "load/load_operation.hpp"

namespace cairn {
namespace load_stages {
namespace {

/// A load whose bytes are read in the background.
class BackgroundLoad final : public async::Task {
 public:
  BackgroundLoad(std::unique_ptr<LoadOperation> operation, int primary)
      : Task(operation->report(), primary), operation_(std::move(operation)) {}

 private:
  bool is_load() const noexcept override { return true; }
  double allowance_s() const noexcept override { return operation_->allowance_s(); }

  void do_work() override {
    base::Clock clock;
    if (dropped()) return;
    if (cancelled()) throw Error(ErrorCode::cancelled, "the load was cancelled");
    try {
      operation_->read();
    } catch (const Error& error) {
      throw with_undefined_memory(error);
    }
    report().background_s = clock.seconds();
  }

  void do_conclude(comm::Communicator& comm) override {
    // What was dropped may have no memory any more; so it is on every rank.
    if (dropped()) {
      set_failed_elsewhere(Error(ErrorCode::cancelled,
                                 "the load was given up, since its AsyncResponse is gone", 0, -1,
                                 report().path));
      return;
    }
    const double blocked_s = report().blocked_s, background_s = report().background_s;
    try {
      report() = operation_->finish(comm);
    } catch (const Error& error) {
      throw with_undefined_memory(error);
    }
    report().blocked_s = blocked_s;
    report().background_s = background_s;
    base::log_report(operation_->options().log, report(), comm.is_primary());
  }

  std::unique_ptr<LoadOperation> operation_;
};

}  // namespace
}  // namespace load_stages

inline namespace CAIRN_ABI {

Report load(const Context& context, const Path& path, Tree& tree, const LoadOptions& options) {
  comm::Communicator comm(context);
  async::Queue::finish_all(comm);
  return load_stages::LoadOperation(context, path, options, "load").run(comm, tree);
}

Tree load(const Context& context, const Path& path, const LoadOptions& options) {
  comm::Communicator comm(context);
  async::Queue::finish_all(comm);
  return load_stages::LoadOperation(context, path, options, "load that makes a tree").run_owning(comm);
}

AsyncResponse load_async(const Context& context, const Path& path, Tree& tree, const LoadOptions& options) {
  base::Clock clock;
  comm::Communicator comm(context);
  async::Queue::finish_all(comm);
  const auto queue = async::Queue::of(comm);
  auto operation = std::make_unique<load_stages::LoadOperation>(context, path, options, "load_async");
  auto& running = *operation;
  std::shared_ptr<async::Task> task;
  async::Queue::Prepared prepared;
  running.start(comm, tree, [&] {
    task = std::make_shared<load_stages::BackgroundLoad>(std::move(operation), context.ranks.primary);
    prepared = queue->prepare(task, context);
  });
  task->report().plan_s = running.report().plan_s;
  task->report().blocked_s = clock.seconds();
  return AsyncResponse(queue->start(std::move(prepared)));
}

}  // namespace CAIRN_ABI
}  // namespace cairn
