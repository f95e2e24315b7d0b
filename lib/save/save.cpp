#include "cairn/save.hpp"

#include "save/save_operation.hpp"

namespace cairn {
inline namespace CAIRN_ABI {

Report save(const Context& context, const Path& path, const Tree& tree, const SaveOptions& options) {
  save_stages::SaveOperation operation(
      context, {"save", path, options.checkpointable_name, options.overwrite, options.custom_metadata});
  return operation.run(tree);
}

}  // namespace CAIRN_ABI
}  // namespace cairn
