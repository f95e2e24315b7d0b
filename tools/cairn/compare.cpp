#include "compare.hpp"

#include "values.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace cairn::command {
namespace {

constexpr std::uint64_t kPieceBytes = 8u << 20;

// long double holds every i64, u64 and double, and the differences of integers.
long double magnitude(std::int64_t value) {
  return std::fabs(static_cast<long double>(value));
}
long double magnitude(std::uint64_t value) {
  return static_cast<long double>(value);
}
long double magnitude(double value) {
  return std::fabs(static_cast<long double>(value));
}
long double magnitude(std::complex<double> value) {
  return std::abs(value);
}

/// |a - b|: 0 of equal ones and of two NaN, infinite where one is NaN.
template <class Value>
long double gap(Value a, Value b) {
  if (a == b || (a != a && b != b)) return 0;
  const auto between = std::fabs(static_cast<long double>(a) - static_cast<long double>(b));
  return std::isnan(between) ? std::numeric_limits<long double>::infinity() : between;
}
long double gap(std::complex<double> a, std::complex<double> b) {
  return std::hypot(gap(a.real(), b.real()), gap(a.imag(), b.imag()));
}

bool is_within(long double gap, long double of_b, const Tolerance& tolerance) {
  // An infinite b makes no room for everything.
  return gap == 0 || (std::isfinite(gap) && gap <= tolerance.atol + tolerance.rtol * of_b);
}

/// Adds up differences; elements come in row-major order of the array, piece by piece.
class Comparison {
 public:
  Comparison(const tree::StoredLeaf& leaf, const Tolerance& tolerance) : leaf_(leaf), tolerance_(tolerance) {}

  void add(const tree::Box& box, const std::byte* a, const std::byte* b, std::size_t count) {
    const auto dtype = leaf_.dtype;
    if (dtype == Dtype::string) return add_texts(box, a, b, count);
    switch (wide_type(dtype)) {
      case Wide::signed_integer:
        return add_values(box, to_signed(dtype, a, count), to_signed(dtype, b, count));
      case Wide::unsigned_integer:
        return add_values(box, to_unsigned(dtype, a, count), to_unsigned(dtype, b, count));
      case Wide::real:
        return add_values(box, to_real(dtype, a, count), to_real(dtype, b, count));
      case Wide::complex:
        return add_values(box, to_complex(dtype, a, count), to_complex(dtype, b, count));
    }
  }

  std::optional<ValueDifference> result() const {
    return found_.elements == 0 ? std::nullopt : std::optional(found_);
  }

 private:
  template <class Values>
  void add_values(const tree::Box& box, const Values& a, const Values& b) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      const auto between = gap(a[i], b[i]);
      const auto of_b = magnitude(b[i]);
      if (is_within(between, of_b, tolerance_)) continue;
      note(box, i, between, std::isinf(between) ? between : between / of_b);
    }
  }

  void add_texts(const tree::Box& box, const std::byte* a, const std::byte* b, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      if (std::memcmp(a + i * leaf_.element_bytes, b + i * leaf_.element_bytes, leaf_.element_bytes) != 0)
        note(box, i, 1, 1);
  }

  void note(const tree::Box& box, std::size_t i, long double between, long double relative) {
    if (found_.elements++ == 0) found_.first = index_of(box, i);
    found_.max_abs = std::max(found_.max_abs, static_cast<double>(between));
    found_.max_rel = std::max(found_.max_rel, static_cast<double>(relative));
  }

  static Dims index_of(const tree::Box& box, std::size_t i) {
    Dims index = box.start;
    for (std::size_t d = box.ndims(); d-- > 0;) {
      const auto extent = static_cast<std::size_t>(box.count[d]);
      index[d] += static_cast<std::int64_t>(i % extent);
      i /= extent;
    }
    return index;
  }

  const tree::StoredLeaf& leaf_;
  Tolerance tolerance_;
  ValueDifference found_;
};

}  // namespace

bool is_same(double a, double b, const Tolerance& tolerance) noexcept {
  return is_within(gap(a, b), magnitude(b), tolerance);
}

std::optional<ValueDifference> compare_values(const load_stages::StoredTree& a,
                                              const tree::StoredLeaf& leaf_a,
                                              const load_stages::StoredTree& b,
                                              const tree::StoredLeaf& leaf_b, const Tolerance& tolerance) {
  Comparison comparison(leaf_a, tolerance);
  if (leaf_a.bytes() == 0) return std::nullopt;
  std::vector<std::byte> left, right;
  for (const auto& box :
       tree::cut(tree::whole(leaf_a.shape), std::max<std::uint64_t>(kPieceBytes / leaf_a.element_bytes, 1))) {
    const auto count = tree::product(box.count);
    left.resize(count * leaf_a.element_bytes);
    right.resize(left.size());
    a.read(leaf_a, box, left);
    b.read(leaf_b, box, right);
    // Equal bytes are equal values, NaN too.
    if (std::memcmp(left.data(), right.data(), left.size()) != 0)
      comparison.add(box, left.data(), right.data(), count);
  }
  return comparison.result();
}

}  // namespace cairn::command
