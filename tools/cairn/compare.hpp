#pragma once

#include "load/stored_tree.hpp"

#include <cstdint>
#include <optional>

namespace cairn::command {

/// |a - b| <= atol + rtol * |b| counts as the same; NaN equals NaN, and an infinity itself.
struct Tolerance {
  double atol = 0, rtol = 0;
};
bool is_same(double a, double b, const Tolerance& tolerance) noexcept;

/// How the values of two arrays of one dtype and shape differ.
struct ValueDifference {
  std::uint64_t elements = 0;       // that differ
  double max_abs = 0, max_rel = 0;  // of them: |a - b| and |a - b| / |b|; infinite where a NaN differs
  Dims first = {};                  // the index of the first
};

/// Reads both, a bounded piece at a time. nullopt: they are the same. Strings and bools differ by 1.
std::optional<ValueDifference> compare_values(const load_stages::StoredTree& a,
                                              const tree::StoredLeaf& leaf_a,
                                              const load_stages::StoredTree& b,
                                              const tree::StoredLeaf& leaf_b, const Tolerance& tolerance);

}  // namespace cairn::command
