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
  std::vector<std::shared_ptr<Handler>> resolved;
  const auto sorted = by_name(things);
  const auto id = agree_on_contents(comm, options, asked, sorted, [&](const auto& entry) {
    if (auto problem = problem_of(entry.thing, false); !problem.empty())
      throw Error(ErrorCode::invalid_argument, problem);
    resolved.push_back(for_save(context.handlers, entry.name, entry.thing));
    return resolved.back()->type();
  });
  save_stages::SaveRequest request{operation, path, save.overwrite, save.custom_metadata, save.metrics, *id,
                                   {},        {}};
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const auto& [name, thing] = *sorted[i];
    if (resolved[i]->type() == tree_type) {
      auto& part = request.trees.emplace_back();
      part.name = name;
      part.tree = thing.template get_if<const Tree>();
    } else {
      request.others.push_back(std::make_unique<HandlerPart>(name, context, resolved[i], thing));
    }
  }
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
