#include "cairn/tree.hpp"

#include "tree/path.hpp"

namespace cairn {
inline namespace CAIRN_ABI {
namespace {

using Leaves = std::map<std::string, Leaf, std::less<>>;

/// The leaves whose paths begin with `prefix`, which ends in '/' or is empty.
template <class Map>
auto leaves_below(Map& leaves, std::string_view prefix) {
  const auto begin = leaves.lower_bound(prefix);
  auto end = begin;
  while (end != leaves.end() && std::string_view(end->first).substr(0, prefix.size()) == prefix) ++end;
  return std::pair(begin, end);
}

std::string prefix_of(std::string_view path) {
  return path.empty() ? std::string() : std::string(path) + "/";
}

[[noreturn]] void throw_not_found(const Leaves& leaves, std::string_view path) {
  std::vector<std::string_view> names;
  for (const auto& [name, leaf] : leaves) names.push_back(name);
  std::string message = "the tree has no leaf `" + std::string(path) + "`";
  const auto group = leaves_below(leaves, prefix_of(path));
  if (!path.empty() && group.first != group.second) {
    message += ", but a group of that name: name a leaf in it, such as `" + group.first->first + "`";
  } else if (names.empty()) {
    message += ": it is empty";
  } else if (const auto nearest = tree::nearest_names(path, names); !nearest.empty()) {
    for (std::size_t i = 0; i < nearest.size(); ++i)
      message += (i == 0 ? "; nearest: `" : ", `") + nearest[i] + "`";
  }
  throw Error(ErrorCode::not_found, message);
}

}  // namespace

Tree::Slot::Slot(Tree* tree, std::string path) : tree_(tree), path_(std::move(path)) {}

Tree::Slot& Tree::Slot::operator=(const Slot& other) {
  const Tree& from = *other.tree_;
  const auto found = from.leaves_.find(other.path_);
  if (found != from.leaves_.end()) return *this = Leaf(found->second);
  if (!from.contains(other.path_)) throw_not_found(from.leaves_, other.path_);
  return *this = from.subtree(other.path_);
}

Tree::Slot& Tree::Slot::operator=(Leaf leaf) {
  tree_->leaves_.insert_or_assign(path_, std::move(leaf));
  return *this;
}

Tree::Slot& Tree::Slot::operator=(const Tree& tree) {
  const Tree copy = tree;  // it may be the tree that this is a place in
  tree_->erase(path_);
  const std::string prefix = prefix_of(path_);
  for (const auto& [path, leaf] : copy.leaves_) tree_->leaves_.insert_or_assign(prefix + path, leaf);
  return *this;
}

Tree::Slot Tree::Slot::operator[](std::string_view name) const {
  return {tree_, path_ + "/" + std::string(name)};
}

Leaf Tree::Slot::leaf() const {
  return tree_->at(path_);
}

Tree::Slot Tree::operator[](std::string_view path) & {
  return {this, std::string(path)};
}

Leaf Tree::at(std::string_view path) const {
  const auto found = leaves_.find(path);
  if (found == leaves_.end()) throw_not_found(leaves_, path);
  return found->second;
}

bool Tree::contains(std::string_view path) const noexcept {
  if (leaves_.find(path) != leaves_.end()) return true;
  const std::string prefix = prefix_of(path);
  const auto below = leaves_.lower_bound(prefix);
  return below != leaves_.end() && below->first.compare(0, prefix.size(), prefix) == 0;
}

Tree Tree::subtree(std::string_view path) const {
  const std::string prefix = prefix_of(path);
  const auto [begin, end] = leaves_below(leaves_, prefix);
  Tree below;
  for (auto leaf = begin; leaf != end; ++leaf)
    below.leaves_.emplace(leaf->first.substr(prefix.size()), leaf->second);
  return below;
}

bool Tree::erase(std::string_view path) {
  const std::size_t before = leaves_.size();
  const auto group = leaves_below(leaves_, prefix_of(path));
  leaves_.erase(group.first, group.second);
  const auto found = leaves_.find(path);
  if (found != leaves_.end()) leaves_.erase(found);
  return leaves_.size() != before;
}

}  // namespace CAIRN_ABI
}  // namespace cairn
