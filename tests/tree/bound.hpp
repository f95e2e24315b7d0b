#pragma once

#include "tree/local.hpp"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

/// A leaf that is resolved, and the tree that it is of.
struct Bound {
  cairn::Tree tree;
  cairn::tree::LocalLeaf leaf;

  /// The values of its first box, row-major.
  template <class Value>
  std::vector<Value> values() const {
    const auto& shard = leaf.shards.at(0);
    std::vector<Value> packed(cairn::tree::product(shard.box.count));
    cairn::tree::copy_strided(shard.data, shard.strides, reinterpret_cast<std::byte*>(packed.data()),
                              cairn::tree::row_major_strides(shard.box.count), shard.box.count,
                              sizeof(Value));
    return packed;
  }
};

/// A tree of one leaf, with which nothing must be wrong.
inline Bound bind_only(cairn::Leaf leaf) {
  Bound bound;
  bound.tree["x"] = std::move(leaf);
  std::vector<cairn::tree::Problem> problems;
  auto leaves = cairn::tree::resolve(bound.tree, problems);
  for (const auto& problem : problems) UNSCOPED_INFO(problem.message);
  REQUIRE(problems.empty());
  bound.leaf = std::move(leaves.at(0));
  return bound;
}

/// All that is wrong with a leaf.
inline std::string problems_of(cairn::Leaf leaf) {
  cairn::Tree tree;
  tree["x"] = std::move(leaf);
  std::vector<cairn::tree::Problem> problems;
  cairn::tree::resolve(tree, problems);
  std::string text;
  for (const auto& problem : problems) text += problem.message + "\n";
  return text;
}
