#include "cairn/save.hpp"

#include "async/pending.hpp"
#include "async/queue.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "commit/path.hpp"
#include "save/background_save.hpp"
#include "save/save_operation.hpp"

namespace cairn {
namespace save_stages {
namespace {

plan::SaveRequest as_request(const char* operation, const Path& path, const SaveOptions& options) {
  return {operation, path, options.checkpointable_name, options.overwrite, options.custom_metadata};
}

/// A save that was over before it went to the background.
class DoneTask final : public async::Task {
 public:
  DoneTask(Report report, int primary, LogOptions log)
      : Task(std::move(report), primary), log_(std::move(log)) {
    set_snapshotted();
  }

 private:
  double allowance_s() const noexcept override { return 0; }
  void do_work() override {}
  void do_conclude(comm::Communicator& comm) override { base::log_report(log_, report(), comm.is_primary()); }

  LogOptions log_;
};

/// One name for each way to write a path.
Path place_of(const Path& path, const FileOptions& files) {
  try {
    return std::filesystem::absolute(commit::resolve_path(path, files)).lexically_normal();
  } catch (const std::exception&) {
    return path;  // the plan says what is wrong with it
  }
}

/// Another save to the same path must be over first: its directory is there. So must loads, which take their
/// time on each rank.
void wait_for_saves_to(const async::Queue& queue, const Path& path, const FileOptions& files) {
  const Path place = place_of(path, files);
  for (const auto& task : queue.tasks())
    if (task->is_load() || place_of(task->report().path, files) == place) task->wait();
}

}  // namespace
}  // namespace save_stages

inline namespace CAIRN_ABI {

Report save(const Context& context, const Path& path, const Tree& tree, const SaveOptions& options) {
  comm::Communicator comm(context);
  async::Queue::finish_all(comm);
  return save_stages::SaveOperation(comm, context, save_stages::as_request("save", path, options)).run(tree);
}

AsyncResponse save_async(const Context& context, const Path& path, const Tree& tree,
                         const SaveOptions& options) {
  using namespace save_stages;
  base::Clock clock;
  comm::Communicator comm(context);
  const auto queue = async::Queue::of(comm);
  wait_for_saves_to(*queue, path, context.files);
  // The primary's writer holds: where that is parallel HDF5, all is done here, after what was started before.
  if (context.io.writer == Writer::mpio) queue->wait_idle();
  async::Queue::settle(comm);  // after the waiting, whose length differs between ranks
  SaveOperation operation(comm, context, as_request("save_async", path, options));
  std::shared_ptr<async::Task> task;
  const auto started = operation.start(tree, [&](const std::shared_ptr<StartedSave>& save) {
    task = std::make_shared<BackgroundSave>(save, comm, queue);
  });
  if (!started) task = std::make_shared<DoneTask>(operation.report(), comm.primary(), context.log);
  task->report().snapshot_s = operation.report().snapshot_s;
  task->report().blocked_s = clock.seconds();
  queue->start(task, context.async.low_priority);
  return AsyncResponse(std::make_unique<detail::Pending>(context, std::move(task)));
}

}  // namespace CAIRN_ABI
}  // namespace cairn
