#include "save/save.hpp"

#include "async/pending.hpp"
#include "async/queue.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "cairn/save.hpp"
#include "commit/path.hpp"
#include "save/background_save.hpp"

namespace cairn {
namespace save_stages {
namespace {

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

/// Another save to the same path must be over first: its directory is there. So must loads, which take their
/// time on each rank.
void wait_for_saves_to(const async::Queue& queue, const Path& place) {
  for (const auto& task : queue.tasks())
    if (task->is_load() || task->place() == place) task->wait();
}

}  // namespace

SaveRequest as_request(const char* operation, const Path& path, const Tree& tree,
                       const SaveOptions& options) {
  SaveRequest request{operation, path, options.overwrite, options.custom_metadata, options.metrics, {},
                      {},        {}};
  auto& part = request.trees.emplace_back();
  part.name = options.checkpointable_name;
  part.tree = &tree;
  return request;
}

Path place_of(const Path& path, const FileOptions& files) {
  try {
    return std::filesystem::absolute(commit::resolve_path(path, files)).lexically_normal();
  } catch (const std::exception&) {
    return path;  // the plan says what is wrong with it
  }
}

Report save_now(const Context& context, const MakeRequest& make) {
  comm::Communicator comm(context);
  async::Queue::finish_all(comm);
  Options options = context;
  auto request = make(comm, options);
  return SaveOperation(comm, options, std::move(request)).run();
}

AsyncResponse save_in_background(const Context& context, const Path& path, const MakeRequest& make) {
  base::Clock clock;
  comm::Communicator comm(context);
  const auto queue = async::Queue::of(comm);
  const Path place = place_of(path, context.files);
  wait_for_saves_to(*queue, place);
  // The primary's writer holds: where that is parallel HDF5, all is done here, after what was started before.
  if (context.io.writer == Writer::mpio) queue->wait_idle();
  async::Queue::settle(comm);  // after the waiting, whose length differs between ranks
  Options options = context;
  auto request = make(comm, options);
  SaveOperation operation(comm, options, std::move(request));
  async::Queue::Prepared prepared;
  const auto started = operation.start([&](const std::shared_ptr<StartedSave>& save) {
    prepared = queue->prepare(std::make_shared<BackgroundSave>(save, comm, queue), context);
  });
  if (!started)
    prepared =
        queue->prepare(std::make_shared<DoneTask>(operation.report(), comm.primary(), context.log), context);
  auto& task = *prepared.task;
  task.set_place(place);
  task.report().snapshot_s = operation.report().snapshot_s;
  task.report().blocked_s = clock.seconds();
  return AsyncResponse(queue->start(std::move(prepared)));
}

}  // namespace save_stages

inline namespace CAIRN_ABI {

Report save(const Context& context, const Path& path, const Tree& tree, const SaveOptions& options) {
  return save_stages::save_now(context, [&](comm::Communicator&, Options&) {
    return save_stages::as_request("save", path, tree, options);
  });
}

AsyncResponse save_async(const Context& context, const Path& path, const Tree& tree,
                         const SaveOptions& options) {
  return save_stages::save_in_background(context, path, [&](comm::Communicator&, Options&) {
    return save_stages::as_request("save_async", path, tree, options);
  });
}

Report save_pytree(const Context& context, const Path& path, const Tree& tree, const SaveOptions& options) {
  return save(context, path, tree, options);
}

AsyncResponse save_pytree_async(const Context& context, const Path& path, const Tree& tree,
                                const SaveOptions& options) {
  return save_async(context, path, tree, options);
}

}  // namespace CAIRN_ABI
}  // namespace cairn
