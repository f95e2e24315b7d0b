#pragma once

#include "cairn/load.hpp"
#include "io/read.hpp"
#include "tree/layout.hpp"
#include "tree/local.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace cairn::load_stages {

/// What is known of the file before the tree is looked at; the same on every rank.
struct Stored {
  std::vector<tree::StoredLeaf> leaves;  // by path
  std::vector<tree::BlockRow> rows;      // ordered by leaf
  int world_size = 0;                    // of the save
  std::string unwanted;                  // names in the file that the tree does not have, for the message
};

/// Which part of the file goes where on this rank.
struct Matched {
  std::vector<io::Want> own;  // this rank's shards
  std::vector<io::Want>
      shared;  // whole arrays that every rank holds: the same leaves, in the same order, on every rank
  std::vector<tree::LocalLeaf> leaves;  // what the wants point into
};

/// Finds each leaf of the tree in the file and resizes what can be resized. Names, kinds, shapes, dtypes and
/// lengths that do not fit are all listed in one Error(mismatch). Not collective.
Matched match(std::vector<tree::LocalLeaf> leaves, const Stored& stored, const LoadOptions& options, int rank,
              int size);

/// A tree that owns memory for every leaf of the file: arrays as even blocks of rows over the ranks, or
/// whole. Not collective.
Tree make_owning_tree(const Stored& stored, const LoadOptions& options, int rank, int size);

/// The name in the file of a leaf of the tree.
const std::string& name_in_file(const std::string& path, const LoadOptions& options);

}  // namespace cairn::load_stages
