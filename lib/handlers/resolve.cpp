#include "handlers/resolve.hpp"

#include "handlers/builtin.hpp"
#include "handlers/object.hpp"

#include <algorithm>

namespace cairn {
namespace handlers {
namespace {

using Bound = std::vector<std::pair<std::string, std::shared_ptr<Handler>>>;

/// The last of `list` that `good` likes, or null.
template <class Good>
std::shared_ptr<Handler> last_of(const Bound& list, const Good& good) {
  const auto found = std::find_if(list.rbegin(), list.rend(), good);
  return found == list.rend() ? nullptr : found->second;
}

/// The library's own, then the program's, without those that are bound to another name.
Bound candidates(const HandlerRegistry& registry, const std::string& name) {
  Bound list;
  for (const auto& own : builtin()) list.emplace_back("", own);
  for (const auto& each : registry.handlers())
    if (each.first.empty() || each.first == name) list.push_back(each);
  return list;
}

std::string list_types(const Bound& list) {
  std::string text;
  for (const auto& [name, handler] : list) text += (text.empty() ? "" : ", ") + handler->type();
  return text;
}

}  // namespace

std::shared_ptr<Handler> for_save(const HandlerRegistry& registry, const std::string& name,
                                  const Checkpointable& thing) {
  const auto list = candidates(registry, name);
  if (auto bound = last_of(list, [&](const auto& each) { return each.first == name; })) {
    if (bound->handles(thing)) return bound;
    throw Error(ErrorCode::invalid_argument,
                "the handler bound to this name, " + bound->type() + ", does not take " + describe(thing));
  }
  if (auto found = last_of(list, [&](const auto& each) { return each.second->handles(thing); })) return found;
  throw Error(ErrorCode::invalid_argument, "no handler takes " + describe(thing) +
                                               "; there are: " + list_types(list) +
                                               ". Add one of your own to Options::handlers");
}

std::shared_ptr<Handler> for_load(const HandlerRegistry& registry, const std::string& name,
                                  const std::string& recorded_type, const Checkpointable& thing) {
  const auto list = candidates(registry, name);
  const auto takes = [&](const auto& each) { return each.second->handles(thing); };
  if (auto found = last_of(list, [&](const auto& each) { return each.first == name && takes(each); }))
    return found;
  if (auto found = last_of(
          list, [&](const auto& each) { return each.second->type() == recorded_type && takes(each); }))
    return found;
  // The library's own forms of files are not those of another handler.
  const auto is_own = [](const auto& each) { return is_builtin_type(each.second->type()); };
  if (auto found = last_of(list, [&](const auto& each) { return !is_own(each) && takes(each); }))
    return found;
  throw Error(ErrorCode::mismatch, "it was saved by the handler " + recorded_type +
                                       ", and no handler loads that into " + describe(thing) +
                                       "; there are: " + list_types(list));
}

std::string describe(const Checkpointable& thing) {
  const auto& object = object_of(thing);
  switch (object.form) {
    case detail::ObjectForm::tree:
      return "a tree";
    case detail::ObjectForm::json:
      return "a JSON value";
    case detail::ObjectForm::stateful:
      return "a stateful object";
    case detail::ObjectForm::file:
      return "a file";
    case detail::ObjectForm::object:
      break;
  }
  return std::string("an object of type ") + type_name(object);
}

std::string problem_of(const Checkpointable& thing, bool loading) {
  const auto* object = try_object_of(thing);
  if (!object) return "is nothing: it was moved from";
  if (loading && object->form == detail::ObjectForm::json && object->owned)
    return "is a temporary: nothing would be left of what is loaded; give a variable";
  if (loading && object->read_only && object->form != detail::ObjectForm::tree)
    return "is const: nothing can be loaded into it";
  if (object->form == detail::ObjectForm::file && object->path.empty()) return "is a file without a path";
  return {};
}

}  // namespace handlers

inline namespace CAIRN_ABI {

Handler::~Handler() = default;

Json Handler::metadata(const Path&) const {
  return {};
}

HandlerRegistry& HandlerRegistry::add(std::shared_ptr<Handler> handler, std::string bound_name) {
  if (!handler) throw Error(ErrorCode::invalid_argument, "HandlerRegistry::add was given no handler");
  const std::string type = handler->type();
  if (type.empty() || handlers::is_builtin_type(type))
    throw Error(ErrorCode::invalid_argument,
                "a handler's type is `" + type + "`: it must not be empty, nor one of the library's own");
  for (const auto& [name, other] : handlers_)
    if (name == bound_name && other->type() == type)
      throw Error(ErrorCode::invalid_argument,
                  "there is a handler of type `" + type + "` already" +
                      (bound_name.empty() ? std::string() : " for the name `" + bound_name + "`"));
  handlers_.emplace_back(std::move(bound_name), std::move(handler));
  return *this;
}

}  // namespace CAIRN_ABI
}  // namespace cairn
