#include "handlers/object.hpp"

#include "tree/array_rep.hpp"

#include <cstdlib>
#include <memory>

#include <cxxabi.h>

namespace cairn {
namespace handlers {

const detail::Object* try_object_of(const Checkpointable& thing) noexcept {
  return detail::Access::object(thing).get();
}

const detail::Object& object_of(const Checkpointable& thing) noexcept {
  return *detail::Access::object(thing);
}

std::string type_name(const detail::Object& object) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(
      abi::__cxa_demangle(object.type->name(), nullptr, nullptr, &status), std::free);
  return name ? name.get() : object.type->name();
}

std::string state_of(const detail::Object& object) {
  std::string text = object.state(object.pointer);
  if (!text.empty() && text.front() == detail::json_marker)
    throw Error(ErrorCode::invalid_argument, "its state cannot be written as JSON: " + text.substr(1));
  if (text == "null") throw Error(ErrorCode::invalid_argument, "it is null: there is nothing to save");
  return text;
}

}  // namespace handlers

inline namespace CAIRN_ABI {

const std::shared_ptr<detail::Object>& detail::Access::object(const Checkpointable& thing) noexcept {
  return thing.object_;
}

namespace {

std::shared_ptr<detail::Object> tree_object(const Tree& tree, bool read_only) {
  auto object = std::make_shared<detail::Object>();
  object->form = detail::ObjectForm::tree;
  object->pointer = const_cast<Tree*>(std::addressof(tree));
  object->type = &typeid(Tree);
  object->read_only = read_only;
  return object;
}

}  // namespace

Checkpointable::Checkpointable(Tree& tree) : object_(tree_object(tree, false)) {}
Checkpointable::Checkpointable(const Tree& tree) : object_(tree_object(tree, true)) {}
Checkpointable::Checkpointable(Tree&& tree) {
  const auto kept = std::make_shared<Tree>(std::move(tree));
  object_ = tree_object(*kept, false);
  object_->owned = kept;
}

Checkpointable file(Path path) {
  auto object = std::make_shared<detail::Object>();
  object->form = detail::ObjectForm::file;
  object->path = std::move(path);
  object->pointer = &object->path;
  object->type = &typeid(Path);
  return Checkpointable(std::move(object));
}

}  // namespace CAIRN_ABI
}  // namespace cairn
