#include "async/queue.hpp"
#include "cairn/checkpointables.hpp"

#include <utility>

namespace cairn {
inline namespace CAIRN_ABI {

AsyncCheckpointer::AsyncCheckpointer(Context context) : context_(std::move(context)) {}

AsyncResponse AsyncCheckpointer::save(const SaveArgs& args) {
  wait();
  return save_checkpointables_async(context_, args.path, args.checkpointables, args.options);
}

void AsyncCheckpointer::wait() {
  comm::Communicator comm(context_);
  async::Queue::finish_all(comm);
}

std::pair<AsyncCheckpointer, SaveArgs> make_checkpointer_and_args(const Context& context, const Path& path,
                                                                  Checkpointables things,
                                                                  SaveOptions options) {
  return {AsyncCheckpointer(context), SaveArgs{path, std::move(things), std::move(options)}};
}

}  // namespace CAIRN_ABI
}  // namespace cairn
