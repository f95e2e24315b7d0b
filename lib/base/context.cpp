#include "cairn/context.hpp"

namespace cairn {
inline namespace CAIRN_ABI {
namespace {

std::vector<Options>& scopes() {
  thread_local std::vector<Options> stack;
  return stack;
}

}  // namespace

Options Context::scoped() {
  return scopes().empty() ? Options() : scopes().back();
}

ContextScope::ContextScope(Options options) {
  scopes().push_back(std::move(options));
}
ContextScope::~ContextScope() {
  scopes().pop_back();
}

}  // namespace CAIRN_ABI
}  // namespace cairn
