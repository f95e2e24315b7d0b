#pragma once

#include "cairn/tree.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

/// What the benchmark saves: a description that serves Cairn, hand-written HDF5 and plain files alike.
namespace cairn::bench {

/// A box of an array and where it lies in this rank's memory.
struct Piece {
  Dims start = {}, count = {};
  Dims memory_shape = {}, memory_start = {};  // the allocation around it, such as its halo
  std::byte* data = nullptr;                  // of the allocation
};

struct Field {
  std::string name;
  Kind kind = Kind::sharded;  // or replicated, or appended
  Dtype dtype = Dtype::f64;   // or f32
  Dims shape = {};            // of the whole array
  std::vector<Piece> pieces;  // what this rank holds
};

struct Workload {
  std::string name;
  std::vector<Field> fields;
  std::vector<std::vector<std::byte>> memory;  // that the pieces point into

  /// Binds the fields' memory, which must outlive the tree.
  Tree tree() const;
  /// Of all arrays, each counted once.
  std::uint64_t total_bytes() const;
  /// The share of this rank where each array is written once: its pieces, and an even part of what is
  /// replicated.
  std::uint64_t bytes_of_rank(int size) const;
  /// Of this rank's values, halos left out, so that a load can be compared with what was saved.
  std::uint64_t checksum() const;
  /// Overwrites this rank's memory.
  void clear();
};

struct WorkloadSize {
  std::uint64_t bytes = 256ull << 20;  // of all arrays together, about (not of gpt2 and leaves)
  int layers = 12;                     // of gpt2; 12 is GPT-2 124M
  std::int64_t tokens = 50257;         // of gpt2
  int leaves = 10000;
  std::uint64_t leaf_bytes = 4096;
};

/// fields: four 3-D fields with a halo of one point, in a 3-D decomposition. gpt2, gpt2-sharded: the training
/// state of GPT-2 124M in f32, weights replicated or sharded, and Adam's two moments, sharded. amr: one array
/// of 10 000 blocks with two ghost layers, dealt out along the curve of block numbers. particles: ragged
/// rows. leaves: many small arrays, each sharded. Throws Error(invalid_argument) for another name.
Workload make_workload(const std::string& name, const WorkloadSize& size, int rank, int ranks);
const std::vector<std::string>& workload_names();

}  // namespace cairn::bench
