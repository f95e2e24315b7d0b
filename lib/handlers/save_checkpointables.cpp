#include "cairn/checkpointables.hpp"
#include "handlers/builtin.hpp"
#include "handlers/contents.hpp"
#include "handlers/part.hpp"
#include "handlers/resolve.hpp"
#include "save/save.hpp"

namespace cairn {
namespace handlers {

save_stages::SaveRequest agree_on_save(comm::Communicator& comm, Options& options, const char* operation,
                                       const Context& context, const Path& path,
                                       const Checkpointables& things, const SaveOptions& save) {
  plan::SaveRequest asked{operation, path, "state", save.overwrite, save.custom_metadata, save.metrics, {}};
  save_stages::SaveRequest request{operation, path, save.overwrite, save.custom_metadata, save.metrics, {},
                                   {},        {}};
  const auto id = agree_on_contents(comm, options, asked, by_name(things), [&](const auto& entry) {
    if (auto problem = problem_of(entry.thing, false); !problem.empty())
      throw Error(ErrorCode::invalid_argument, problem);
    auto handler = for_save(context.handlers, entry.name, entry.thing);
    const auto type = handler->type();
    if (type == tree_type) {
      auto& part = request.trees.emplace_back();
      part.name = entry.name;
      part.tree = entry.thing.template get_if<const Tree>();
    } else {
      request.others.push_back(
          std::make_unique<HandlerPart>(entry.name, context, std::move(handler), entry.thing));
    }
    return type;
  });
  request.id = *id;
  return request;
}

}  // namespace handlers

inline namespace CAIRN_ABI {

Report save_checkpointables(const Context& context, const Path& path, const Checkpointables& things,
                            const SaveOptions& options) {
  return save_stages::save_now(context, [&](comm::Communicator& comm, Options& agreed) {
    return handlers::agree_on_save(comm, agreed, "save_checkpointables", context, path, things, options);
  });
}

AsyncResponse save_checkpointables_async(const Context& context, const Path& path,
                                         const Checkpointables& things, const SaveOptions& options) {
  return save_stages::save_in_background(context, path, [&](comm::Communicator& comm, Options& agreed) {
    return handlers::agree_on_save(comm, agreed, "save_checkpointables_async", context, path, things,
                                   options);
  });
}

}  // namespace CAIRN_ABI
}  // namespace cairn
