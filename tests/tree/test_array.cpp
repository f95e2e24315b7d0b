#include "cairn/array.hpp"
#include "tree/local.hpp"
#include "tree/lookalikes.hpp"

#include <span>

#include <catch2/catch.hpp>

using cairn::Dims;
using cairn::Dtype;
using cairn::tree::LocalLeaf;
using namespace lookalikes;

template <>
struct cairn::ArrayTraits<Field> {
  static ArrayView<double> view(Field& field) { return {field.raw.data(), {field.rows, field.cols}}; }
  static ArrayView<const double> view(const Field& field) {
    return {field.raw.data(), {field.rows, field.cols}};
  }
};
template <>
struct cairn::ArrayTraits<Handle> {
  static constexpr bool is_view = true;
  static ArrayView<int> view(const Handle& handle) {
    return {handle.shared->data(), {handle.shared->size()}};
  }
};

namespace {

/// A leaf and the tree that it is of.
struct Resolved : LocalLeaf {
  cairn::Tree tree;
};

/// The one leaf of a tree of `leaf`, with which nothing must be wrong.
Resolved resolved(cairn::Leaf leaf) {
  cairn::Tree tree;
  tree["x"] = std::move(leaf);
  std::vector<cairn::tree::Problem> problems;
  auto leaves = cairn::tree::resolve(tree, problems);
  for (const auto& problem : problems) UNSCOPED_INFO(problem.message);
  REQUIRE(problems.empty());
  return {std::move(leaves.at(0)), std::move(tree)};
}

const void* data_of(const LocalLeaf& leaf) {
  return leaf.shards.at(0).data;
}

}  // namespace

TEST_CASE("a container is asked for its memory each time") {
  std::vector<double> w(4);
  const cairn::Array array = cairn::replicated(w);
  CHECK(resolved(array).shape == Dims{4});
  w.resize(100000);
  const auto leaf = resolved(array);
  CHECK(leaf.shape == Dims{100000});
  CHECK(data_of(leaf) == w.data());
}

TEST_CASE("const memory is read only, whatever it is in") {
  const std::vector<double> w(4);
  const double* pointer = w.data();
  CHECK(resolved(cairn::replicated(w)).read_only);
  CHECK(resolved(cairn::replicated(pointer, {4})).read_only);
  CHECK(resolved(cairn::replicated(std::span(w))).read_only);
  std::vector<double> v(4);
  CHECK_FALSE(resolved(cairn::replicated(v)).read_only);
  const std::span<double> span(v);
  CHECK_FALSE(resolved(cairn::replicated(span)).read_only);
}

TEST_CASE("spans and views are kept by value, temporary ones too") {
  std::vector<int> w = {1, 2, 3};
  CHECK(data_of(resolved(cairn::replicated(std::span(w)))) == w.data());
  CHECK(data_of(resolved(cairn::replicated(Span<int>{w.data(), 3}))) == w.data());
  CHECK(data_of(resolved(cairn::replicated(cairn::ArrayView<int>{w.data(), {3}}))) == w.data());
  std::string_view text = "bytes";
  const cairn::Array array = cairn::replicated(text);
  text = {};
  CHECK(resolved(array).shape == Dims{5});
  std::span<int> span(w);
  const cairn::Array kept = cairn::replicated(span);
  span = {};
  CHECK(resolved(kept).shape == Dims{3});
}

TEST_CASE("a pointer has as many elements as its shape says, one without") {
  double values[6] = {};
  double* pointer = values;
  CHECK(resolved(cairn::replicated(pointer, {2, 3})).shape == Dims{2, 3});
  CHECK(resolved(cairn::replicated(pointer)).shape == Dims{});
  CHECK(data_of(resolved(cairn::per_rank(pointer, {6}))) == values);
}

TEST_CASE("variables and C arrays are bound by reference") {
  double x = 1.5;
  CHECK(data_of(resolved(cairn::per_rank(x))) == &x);
  CHECK(resolved(cairn::per_rank(x)).shape == Dims{});
  CHECK(resolved(cairn::sharded(x, {{4}, {2}, {1}})).shards[0].box.start == Dims{2});
  int matrix[3][4] = {};
  const auto leaf = resolved(cairn::replicated(matrix));
  CHECK(leaf.shape == Dims{3, 4});
  CHECK(leaf.dtype == Dtype::i32);
  CHECK(data_of(leaf) == &matrix[0][0]);
  int flat[12] = {};
  CHECK(resolved(cairn::replicated(flat, {3, 4})).shape == Dims{3, 4});
  const int fixed[2] = {1, 2};
  CHECK(resolved(cairn::replicated(fixed)).read_only);
}

TEST_CASE("std::array, std::string and enums") {
  enum class Cell : std::uint8_t { wall };
  std::array<Cell, 5> cells{};
  CHECK(resolved(cairn::replicated(cells)).dtype == Dtype::u8);
  CHECK(resolved(cairn::replicated(cells)).shape == Dims{5});
  std::string bytes = "abc";
  CHECK(resolved(cairn::replicated(bytes)).dtype == Dtype::u8);
}

TEST_CASE("an mdspan brings its extents and strides") {
  std::vector<double> memory(40);
  const Mdspan<double> transposed(memory.data(), {3, 4}, {1, 10});
  const auto leaf = resolved(cairn::replicated(transposed));
  CHECK(leaf.shape == Dims{3, 4});
  CHECK(leaf.shards[0].strides == Dims{1, 10});
  CHECK(resolved(cairn::replicated(Mdspan<const double>(memory.data(), {3, 4}, {4, 1}))).read_only);
}

TEST_CASE("an mdarray is a container") {
  Mdarray<float> array(3, 4);
  const auto leaf = resolved(cairn::replicated(array));
  CHECK(leaf.shape == Dims{3, 4});
  CHECK(data_of(leaf) == array.data());
  const auto& constant = array;
  CHECK(resolved(cairn::replicated(constant)).read_only);
}

TEST_CASE("a Kokkos view is kept alive, and is column-major where it is") {
  cairn::Array array = [] {
    KokkosView<double> view(2, 3);
    view(1, 2) = 7;
    return cairn::replicated(view);
  }();
  const auto leaf = resolved(array);
  CHECK(leaf.shape == Dims{2, 3});
  CHECK(leaf.shards[0].strides == Dims{1, 2});
  CHECK(reinterpret_cast<const double*>(leaf.shards[0].data)[1 * 1 + 2 * 2] == 7);
  KokkosView<double> view(2, 3);
  const auto kept = cairn::replicated(view);
  CHECK(view.owners() == 2);
}

TEST_CASE("ArrayTraits binds a class of the caller's, const or not") {
  Field field;
  const auto leaf = resolved(cairn::sharded(field, {{5, 6}}));
  CHECK(data_of(leaf) == field.raw.data());
  CHECK(leaf.shards[0].box.count == Dims{5, 6});
  const auto& constant = field;
  CHECK(resolved(cairn::replicated(constant)).read_only);
}

TEST_CASE("ArrayTraits may call a class a view: then copies are kept") {
  auto shared = std::make_shared<std::vector<int>>(3);
  const auto array = cairn::replicated(Handle{shared});
  CHECK(shared.use_count() == 2);
  CHECK(data_of(resolved(array)) == shared->data());
}

TEST_CASE("several boxes of one array, with and without a first") {
  std::vector<double> a(4), b(2);
  auto array = cairn::sharded(a, {{8, 2}, {0, 0}, {2, 2}}).also(b, {{}, {5, 0}, {1, 2}});
  array.also(a, {{8, 2}, {6, 0}, {2, 2}});
  const auto leaf = resolved(array);
  REQUIRE(leaf.shards.size() == 3);
  CHECK(leaf.shards[1].box.start == Dims{5, 0});
  CHECK(leaf.shards[1].data == reinterpret_cast<std::byte*>(b.data()));
  CHECK(resolved(cairn::sharded<double>({8, 2})).shards.empty());
  CHECK(resolved(cairn::sharded<double>({8, 2}).also(b, {{}, {5, 0}, {1, 2}})).shards.size() == 1);
}

TEST_CASE("an array in a tree is the array of its handle") {
  std::vector<double> a(2);
  cairn::Array array = cairn::sharded<double>({4});
  cairn::Tree tree;
  tree["x"] = array;
  array.also(a, {{}, {1}, {2}});
  std::vector<cairn::tree::Problem> problems;
  CHECK(cairn::tree::resolve(tree, problems).at(0).shards.size() == 1);
}
