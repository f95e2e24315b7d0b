#include "c/handles.hpp"
#include "tree/array_rep.hpp"

using namespace cairn;

namespace {

std::uint64_t bytes_of(const Leaf& leaf, const Dims& count) {
  if (leaf.dtype() == Dtype::string) return leaf.get<std::string>().size();
  std::uint64_t bytes = size_of(leaf.dtype());
  for (const auto extent : count) bytes *= static_cast<std::uint64_t>(extent);
  return bytes;
}

}  // namespace

std::size_t cairn_tree_size(const cairn_tree* tree) {
  return tree == nullptr ? 0 : tree->tree.size();
}

const char* cairn_tree_next(const cairn_tree* tree, const char* path) {
  if (tree == nullptr) return nullptr;
  const auto& leaves = detail::Access::leaves(tree->tree);
  const auto next =
      path == nullptr || *path == '\0' ? leaves.begin() : leaves.upper_bound(std::string_view(path));
  return next == leaves.end() ? nullptr : next->first.c_str();
}

int cairn_tree_contains(const cairn_tree* tree, const char* path) {
  return tree != nullptr && path != nullptr && tree->tree.contains(path) ? 1 : 0;
}

int cairn_tree_leaf(const cairn_tree* tree, const char* path, cairn_leaf* leaf) {
  return c::guard([&] {
    c::check_size(&c::need(leaf));
    const Tree& from = c::need(tree).tree;
    const Leaf found = from.at(c::text_or_empty(path));
    const auto& leaves = detail::Access::leaves(from);
    cairn_leaf told{};
    told.path = leaves.find(std::string_view(c::text_or_empty(path)))->first.c_str();
    told.kind = static_cast<cairn_kind>(found.kind());
    told.dtype = static_cast<cairn_dtype>(found.dtype());
    const Dims shape = found.shape(), count = found.count();
    told.ndims = static_cast<int>(std::min<std::size_t>(shape.ndims(), 8));
    c::put_dims(shape, told.shape);
    c::put_dims(found.start(), told.start);
    c::put_dims(count, told.count);
    told.bytes = bytes_of(found, count);
    told.read_only = found.read_only() ? 1 : 0;
    const auto& rep = detail::Access::rep(found);
    told.fortran_order = rep != nullptr && rep->fortran_order ? 1 : 0;
    c::give_struct(leaf, told);
  });
}

int cairn_tree_data(const cairn_tree* tree, const char* path, cairn_dtype dtype, const void** data) {
  return c::guard([&] {
    const Leaf leaf = c::need(tree).tree.at(c::text_or_empty(path));
    c::need(data) = detail::values_of(detail::Access::rep(leaf).get(), static_cast<Dtype>(dtype));
  });
}

int cairn_tree_get(const cairn_tree* tree, const char* path, cairn_dtype dtype, void* value) {
  return c::guard([&] {
    if (value == nullptr) c::refuse("there is no room for the value: the pointer is NULL");
    const auto type = static_cast<Dtype>(dtype);
    if (size_of(type) == 0 || type == Dtype::string) c::refuse("the type is no single number");
    const Leaf leaf = c::need(tree).tree.at(c::text_or_empty(path));
    detail::copy_value(detail::Access::rep(leaf).get(), type, value);
  });
}

int cairn_tree_get_text(const cairn_tree* tree, const char* path, char** text) {
  return c::guard([&] {
    auto& result = c::need_result(text);
    result = c::copy_text(c::need(tree).tree.at(c::text_or_empty(path)).get<std::string>());
  });
}

int cairn_tree_subtree(const cairn_tree* tree, const char* path, cairn_tree** subtree) {
  return c::guard(
      [&] { c::need_result(subtree) = new cairn_tree{c::need(tree).tree.subtree(c::text_or_empty(path))}; });
}

int cairn_tree_insert(cairn_tree* tree, const char* path, const cairn_tree* other) {
  return c::guard([&] { c::need(tree).tree[c::text_or_empty(path)] = c::need(other).tree; });
}

int cairn_tree_erase(cairn_tree* tree, const char* path, int* erased) {
  return c::guard([&] { c::give(erased, c::need(tree).tree.erase(c::text_or_empty(path))); });
}
