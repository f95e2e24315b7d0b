#include "tree/array_rep.hpp"
#include "tree/convert.hpp"
#include "tree/local.hpp"

#include <cstring>

namespace cairn {
inline namespace CAIRN_ABI {
namespace {

/// What a leaf looks like now; without its boxes where something is wrong with it.
tree::LocalLeaf look(detail::ArrayRep* rep) {
  tree::LocalLeaf leaf;
  if (rep == nullptr) return leaf;
  leaf.kind = rep->kind;
  leaf.shape = rep->shape;
  std::vector<std::string> problems;
  if (auto resolved = tree::resolve_leaf({}, *rep, problems)) leaf = std::move(*resolved);
  return leaf;
}

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::mismatch, message);
}

/// The one shard of a leaf that must have a value.
tree::LocalLeaf single_value(const detail::ArrayRep* rep) {
  if (rep == nullptr) refuse("the leaf is empty, and has no value to get");
  std::vector<std::string> problems;
  auto leaf = tree::resolve_leaf({}, *const_cast<detail::ArrayRep*>(rep), problems);
  if (!leaf) refuse("the leaf has no value to get: it " + problems.front());
  if (leaf->shards.size() != 1 || tree::product(leaf->shards[0].box.count) != 1)
    refuse("the leaf is an array: get() is for single values, data() for the arrays that a tree owns");
  return std::move(*leaf);
}

}  // namespace

Kind Leaf::kind() const noexcept {
  return rep_ == nullptr ? Kind::value : rep_->kind;
}
Dtype Leaf::dtype() const noexcept {
  return rep_ == nullptr ? Dtype::none : rep_->dtype;
}
bool Leaf::empty() const noexcept {
  return rep_ == nullptr;
}
bool Leaf::read_only() const noexcept {
  if (rep_ == nullptr) return false;
  for (const auto& shard : rep_->shards)
    if (shard.source.read_only) return true;
  return false;
}

Dims Leaf::shape() const {
  const auto leaf = look(rep_.get());
  return leaf.kind == Kind::appended && !leaf.shards.empty() ? leaf.shards[0].box.count : leaf.shape;
}
Dims Leaf::start() const {
  const auto leaf = look(rep_.get());
  return leaf.shards.empty() ? Dims() : leaf.shards[0].box.start;
}
Dims Leaf::count() const {
  const auto leaf = look(rep_.get());
  return leaf.shards.empty() ? Dims() : leaf.shards[0].box.count;
}

namespace detail {

const void* values_of(const ArrayRep* array, Dtype dtype) {
  if (array == nullptr || !array->owns)
    refuse("the leaf owns no values: read the memory that it is bound to");
  if (array->dtype != dtype)
    refuse(std::string("the leaf holds ") + to_string(array->dtype) + ", and " + to_string(dtype) +
           " was asked for");
  return array->shards.front().source.object;
}

void copy_value(const ArrayRep* array, Dtype dtype, void* value) {
  const auto leaf = single_value(array);
  const std::byte* from = leaf.shards[0].data;
  auto* to = static_cast<std::byte*>(value);
  if (leaf.dtype == dtype) {
    std::memcpy(to, from, leaf.element_bytes);
    return;
  }
  const std::string types =
      std::string("the leaf holds ") + to_string(leaf.dtype) + ", and " + to_string(dtype) + " was asked for";
  const auto convert = tree::converter(leaf.dtype, dtype);
  if (convert == nullptr) refuse(types);
  if (!convert(from, to, 1, Cast::in_range)) refuse(types + ", which its value does not fit");
}

std::string copy_text(const ArrayRep* array) {
  const auto leaf = single_value(array);
  if (leaf.dtype != Dtype::string)
    refuse(std::string("the leaf holds ") + to_string(leaf.dtype) + ", and text was asked for");
  return {reinterpret_cast<const char*>(leaf.shards[0].data), leaf.element_bytes};
}

}  // namespace detail
}  // namespace CAIRN_ABI
}  // namespace cairn
