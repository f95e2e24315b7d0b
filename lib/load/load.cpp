#include "cairn/load.hpp"

#include "load/load_operation.hpp"

namespace cairn {
inline namespace CAIRN_ABI {

Report load(const Context& context, const Path& path, Tree& tree, const LoadOptions& options) {
  return load_stages::LoadOperation(context, path, options).run(tree);
}

Tree load(const Context& context, const Path& path, const LoadOptions& options) {
  return load_stages::LoadOperation(context, path, options).run_owning();
}

}  // namespace CAIRN_ABI
}  // namespace cairn
