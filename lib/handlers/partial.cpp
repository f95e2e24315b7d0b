#include "cairn/partial.hpp"

#include "async/queue.hpp"
#include "handlers/contents.hpp"
#include "load/agree_on_path.hpp"
#include "save/partial_save.hpp"
#include "save/save.hpp"

namespace cairn {
namespace handlers {
namespace {

using save_stages::PartialSave;

Report add(const Context& context, const Path& path, const save_stages::MakeRequest& make) {
  comm::Communicator comm(context);
  async::Queue::finish_all(comm);
  Options options = context;
  auto request = make(comm, options);
  std::shared_ptr<async::Queue> queue;
  std::shared_ptr<PartialSave> partial;
  Path place;
  const auto find = [&]() -> const PartialSave& {
    queue = async::Queue::of(comm);
    place = save_stages::place_of(path, context.files);
    auto& kept = queue->unfinished()[place];
    if (!kept) kept = std::make_shared<PartialSave>();
    partial = std::static_pointer_cast<PartialSave>(kept);
    return *partial;
  };
  try {
    PartialSave::agree_on_begun(comm, find);
    return partial->add(comm, options, std::move(request));
  } catch (const Error&) {
    if (partial && partial->over()) queue->unfinished().erase(place);
    throw;
  }
}

}  // namespace
}  // namespace handlers

inline namespace CAIRN_ABI {
namespace partial {

Report save(const Context& context, const Path& path, const Tree& tree, const SaveOptions& options) {
  return handlers::add(context, path, [&](comm::Communicator&, Options&) {
    return save_stages::as_request("partial::save", path, tree, options);
  });
}

Report save_checkpointables(const Context& context, const Path& path, const Checkpointables& things,
                            const SaveOptions& options) {
  return handlers::add(context, path, [&](comm::Communicator& comm, Options& agreed) {
    return handlers::agree_on_save(comm, agreed, "partial::save_checkpointables", context, path, things,
                                   options);
  });
}

Report finalize(const Context& context, const Path& path) {
  comm::Communicator comm(context);
  async::Queue::finish_all(comm);
  load_stages::agree_on_path(comm, context, "partial::finalize", path);
  auto& unfinished = async::Queue::of(comm)->unfinished();
  const auto found = *comm.agree("finalize", [&] {
    const auto begun = unfinished.find(save_stages::place_of(path, context.files));
    if (begun == unfinished.end())
      throw Error(ErrorCode::not_found, "nothing was begun by partial::save on this communicator", 0,
                  comm.rank(), path);
    return begun;
  });
  const auto kept = found->second;
  unfinished.erase(found);
  return static_cast<save_stages::PartialSave&>(*kept).finalize(comm);
}

}  // namespace partial
}  // namespace CAIRN_ABI
}  // namespace cairn
