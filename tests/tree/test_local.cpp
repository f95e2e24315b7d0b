#include "tree/array_rep.hpp"
#include "tree/local.hpp"
#include "tree/lookalikes.hpp"

#include <cstring>
#include <limits>
#include <numeric>
#include <span>

#include <catch2/catch.hpp>

using cairn::Dims;
using cairn::Dtype;
using cairn::Kind;
using cairn::Leaf;
using cairn::Memory;
using cairn::Slab;
using cairn::Tree;
using cairn::tree::Box;
using cairn::tree::LocalLeaf;
using cairn::tree::Problem;
using Catch::Contains;

namespace {

/// All that is wrong with a tree, one line each.
std::string problems_of(const Tree& tree) {
  std::vector<Problem> problems;
  cairn::tree::resolve(tree, problems);
  std::string text;
  for (const auto& problem : problems) text += problem.path + ": " + problem.message + "\n";
  return text;
}

std::string problems_of(Leaf leaf) {
  Tree tree;
  tree["x"] = std::move(leaf);
  return problems_of(tree);
}

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

template <class Value>
const Value& first_of(const LocalLeaf& leaf) {
  return *reinterpret_cast<const Value*>(leaf.shards.at(0).data);
}

std::vector<double> counting(std::size_t size) {
  std::vector<double> values(size);
  std::iota(values.begin(), values.end(), 0.0);
  return values;
}

}  // namespace

TEST_CASE("a leaf without start and count is all this rank's") {
  std::vector<double> w(12);
  const auto leaf = resolved(cairn::sharded(w, {{3, 4}}));
  CHECK(leaf.kind == Kind::sharded);
  CHECK(leaf.shards[0].box == Box{{0, 0}, {3, 4}});
  CHECK(leaf.shards[0].strides == Dims{4, 1});
  CHECK(leaf.element_bytes == 8);
}

TEST_CASE("a slab in memory with a halo begins behind the halo") {
  auto T = counting(6 * 7);
  const auto leaf = resolved(cairn::sharded(T, {{100, 100}, {50, 60}, {4, 5}}, Memory{{6, 7}, {1, 1}}));
  CHECK(first_of<double>(leaf) == 8.0);
  CHECK(leaf.shards[0].strides == Dims{7, 1});
  CHECK(leaf.shards[0].box == Box{{50, 60}, {4, 5}});
}

TEST_CASE("a halo around a container with extents needs no shape, only a start") {
  std::vector<double> memory = counting(42);
  const lookalikes::Mdspan<double> span(memory.data(), {6, 7}, {1, 6});
  const auto leaf = resolved(cairn::sharded(span, {{100, 100}, {50, 60}, {4, 5}}, Memory{{}, {1, 1}}));
  CHECK(first_of<double>(leaf) == 7.0);
  CHECK(leaf.shards[0].strides == Dims{1, 6});
}

TEST_CASE("strides of the caller's, negative ones too") {
  auto memory = counting(24);
  const auto leaf = resolved(cairn::sharded(memory, {{3, 4}}, Memory{{}, {}, {1, 6}}));
  CHECK(leaf.shards[0].strides == Dims{1, 6});
  const auto back = resolved(cairn::sharded(memory.data() + 11, {{12}}, Memory{{}, {}, {-1}}));
  CHECK(first_of<double>(back) == 11.0);
  CHECK(back.shards[0].strides == Dims{-1});
}

TEST_CASE("elements that share memory can be saved and not loaded") {
  double one = 1;
  CHECK(resolved(cairn::sharded(&one, {{3}}, Memory{{}, {}, {0}})).read_only);
  CHECK_FALSE(resolved(cairn::sharded(&one, {{1}}, Memory{{}, {}, {0}})).read_only);
}

TEST_CASE("dimensions of one element may be left out or added") {
  std::vector<double> memory(12);
  const lookalikes::Mdspan<double> column(memory.data(), {4, 1}, {3, 1});
  const auto leaf = resolved(cairn::sharded(column, {{4}}));
  CHECK(leaf.shards[0].strides == Dims{3});
  const auto added = resolved(cairn::sharded(column, {{1, 4, 1}}));
  CHECK(added.shards[0].strides[1] == 3);
}

TEST_CASE("replicas of a box are kept") {
  std::vector<double> w(2);
  const auto leaf = resolved(cairn::sharded(w, Slab{{4}, {2}, {2}, 1, 3}));
  CHECK(leaf.shards[0].replica == 1);
  CHECK(leaf.shards[0].replicas == 3);
}

TEST_CASE("zero-size arrays and ranks that hold nothing are ordinary") {
  std::vector<double> none;
  double* null = nullptr;
  CHECK(resolved(cairn::sharded(none, {{10, 4}, {10, 0}, {0, 4}})).shards[0].data == nullptr);
  CHECK(resolved(cairn::sharded(null, {{10}, {3}, {0}})).shards[0].box.count == Dims{0});
  CHECK(resolved(cairn::sharded(none, {{0, 4}})).shape == Dims{0, 4});
  CHECK(resolved(cairn::replicated(none)).shape == Dims{0});
  CHECK(resolved(cairn::appended(none, {3})).rows == 0);
  const lookalikes::Mdspan<double> empty(nullptr, {0, 0}, {0, 1});
  CHECK(resolved(cairn::sharded(empty, {{10, 4}, {0, 0}, {0, 4}})).shards[0].box.count == Dims{0, 4});
}

TEST_CASE("appended rows are counted, with and without a shape of their own") {
  std::vector<float> x(12);
  auto leaf = resolved(cairn::appended(x, {2, 3}));
  CHECK(leaf.rows == 2);
  CHECK(leaf.shape == Dims{2, 3});
  CHECK(leaf.shards[0].box.count == Dims{2, 2, 3});
  CHECK(resolved(cairn::appended(x)).rows == 12);
  const lookalikes::Mdspan<float> span(x.data(), {4, 3}, {3, 1});
  leaf = resolved(cairn::appended(span));
  CHECK(leaf.rows == 4);
  CHECK(leaf.shape == Dims{3});
  CHECK_THAT(problems_of(cairn::appended(x, {5})), Contains("12 elements") && Contains("whole rows of {5}"));
  CHECK_THAT(problems_of(cairn::appended(span, {2})), Contains("shape {4, 3}"));
}

TEST_CASE("an order counts where what is stored has two dimensions or more") {
  std::vector<float> x(12);
  const auto in_fortran_order = [](const Leaf& leaf) {
    cairn::detail::Access::rep(leaf)->fortran_order = true;
    return resolved(leaf).fortran_order;
  };
  CHECK(in_fortran_order(cairn::replicated(x.data(), {3, 4})));
  CHECK(in_fortran_order(cairn::sharded(x, {.shape = {3, 4}})));
  CHECK(in_fortran_order(cairn::appended(x, {3})));
  CHECK(in_fortran_order(cairn::per_rank(x)));
  CHECK_FALSE(in_fortran_order(cairn::replicated(x)));
  CHECK_FALSE(in_fortran_order(cairn::sharded(x, {.shape = {12}})));
  CHECK_FALSE(in_fortran_order(cairn::appended(x)));
  CHECK_FALSE(in_fortran_order(cairn::ref(x[0])));
  CHECK_FALSE(resolved(cairn::replicated(x.data(), {3, 4})).fortran_order);
}

TEST_CASE("an appended vector is resized, a fixed buffer only agreed with") {
  std::vector<float> x(12);
  auto leaf = resolved(cairn::appended(x, {3}));
  REQUIRE(cairn::tree::resize(leaf, 1000));
  CHECK(x.size() == 3000);
  CHECK(leaf.rows == 1000);
  CHECK(leaf.shards[0].data == reinterpret_cast<std::byte*>(x.data()));
  CHECK(leaf.shards[0].box.count == Dims{1000, 3});
  REQUIRE(cairn::tree::resize(leaf, 0));
  CHECK(x.empty());
  CHECK_FALSE(cairn::tree::resize(leaf, -1));

  std::array<float, 6> fixed{};
  auto kept = resolved(cairn::appended(fixed, {3}));
  CHECK(cairn::tree::resize(kept, 2));
  CHECK_FALSE(cairn::tree::resize(kept, 3));
  auto span = resolved(cairn::appended(std::span(fixed)));
  CHECK_FALSE(cairn::tree::resize(span, 7));
  const std::vector<float> constant(6);
  auto read_only = resolved(cairn::appended(constant));
  CHECK(cairn::tree::resize(read_only, 6));
  CHECK_FALSE(cairn::tree::resize(read_only, 7));
  auto replicated = resolved(cairn::replicated(x));
  CHECK_FALSE(cairn::tree::resize(replicated, 5));
}

TEST_CASE("strings are single values, and are resized") {
  std::string note = "first";
  auto leaf = resolved(cairn::ref(note));
  CHECK(leaf.kind == Kind::value);
  CHECK(leaf.dtype == Dtype::string);
  CHECK(leaf.element_bytes == 5);
  CHECK(leaf.shape == Dims{});
  CHECK(leaf.shards.at(0).box == Box{});
  REQUIRE(cairn::tree::resize(leaf, 200));
  CHECK(note.size() == 200);
  CHECK(leaf.element_bytes == 200);
  CHECK(leaf.shards[0].data == reinterpret_cast<std::byte*>(note.data()));
  const std::string constant = "x";
  auto fixed = resolved(cairn::ref(constant));
  CHECK(fixed.read_only);
  CHECK(cairn::tree::resize(fixed, 1));
  CHECK_FALSE(cairn::tree::resize(fixed, 2));
  CHECK(resolved("").element_bytes == 0);
}

TEST_CASE("a variable's data is the variable itself") {
  std::int64_t step = 5;
  bool done = false;
  std::complex<double> z;
  CHECK(resolved(cairn::ref(step)).shards[0].data == reinterpret_cast<std::byte*>(&step));
  CHECK(resolved(cairn::ref(done)).dtype == Dtype::boolean);
  CHECK(resolved(cairn::ref(z)).dtype == Dtype::c128);
  CHECK(resolved(cairn::ref(step)).shards[0].box.ndims() == 0);
}

TEST_CASE("an owning leaf is what a load fills") {
  const Leaf leaf = cairn::tree::make_owning(Kind::sharded, Dtype::i32, 4, {10, 3}, {{4, 0}, {2, 3}});
  auto local = resolved(leaf);
  CHECK(local.shape == Dims{10, 3});
  CHECK(local.shards[0].box == Box{{4, 0}, {2, 3}});
  const int value = 42;
  std::memcpy(local.shards[0].data + 5 * sizeof(int), &value, sizeof value);
  CHECK(leaf.data<int>()[5] == 42);
  CHECK(leaf.count() == Dims{2, 3});
}

TEST_CASE("owning leaves of every kind") {
  auto rows = resolved(cairn::tree::make_owning(Kind::appended, Dtype::f32, 4, {3}, {{0, 0}, {5, 3}}));
  CHECK(rows.rows == 5);
  CHECK(rows.shape == Dims{3});
  REQUIRE(cairn::tree::resize(rows, 8));
  CHECK(rows.shards[0].box.count == Dims{8, 3});
  CHECK(first_of<float>(rows) == 0.0f);
  const auto own = resolved(cairn::tree::make_owning(Kind::per_rank, Dtype::u64, 8, {4}, {{0}, {4}}));
  CHECK(own.kind == Kind::per_rank);
  CHECK(own.shape == Dims{4});
  const auto text = cairn::tree::make_owning(Kind::replicated, Dtype::string, 3, {}, {});
  auto local = resolved(text);
  CHECK(local.element_bytes == 3);
  std::memcpy(local.shards[0].data, "abc", 3);
  CHECK(text.get<std::string>() == "abc");
  const auto number = cairn::tree::make_owning(Kind::replicated, Dtype::i64, 8, {}, {});
  CHECK(number.get<int>() == 0);
  CHECK(resolved(cairn::tree::make_owning(Kind::sharded, Dtype::f64, 8, {0}, {{0}, {0}})).shards[0].data ==
        nullptr);
  CHECK_THROWS_AS(cairn::tree::make_owning(Kind::sharded, Dtype::f64, 8, {1ll << 60}, {{0}, {1ll << 60}}),
                  std::bad_alloc);
}

TEST_CASE("extents that are wrong in themselves") {
  std::vector<double> w(4);
  CHECK_THAT(problems_of(cairn::sharded(w, {{-4}})), Contains("slab.shape {-4} has a negative extent"));
  CHECK_THAT(problems_of(cairn::sharded(w, {{4}, {0}, {-1}})),
             Contains("slab.count {-1} has a negative extent"));
  CHECK_THAT(problems_of(cairn::sharded(w, {{4}, {-1}, {4}})),
             Contains("slab.start {-1} has a negative extent"));
  CHECK_THAT(problems_of(cairn::sharded(w, {{1, 1, 1, 1, 1, 1, 1, 1, 4}})), Contains("9 dimensions"));
  CHECK_THAT(problems_of(cairn::replicated(w, {std::numeric_limits<std::uint64_t>::max()})),
             Contains("negative"));
  CHECK_THAT(problems_of(cairn::sharded(w, {{1ll << 61}, {0}, {4}})), Contains("2^63 - 1 bytes"));
  CHECK_THAT(problems_of(cairn::sharded(w, {{1ll << 40, 1ll << 40}, {0, 0}, {2, 2}})),
             Contains("2^63 - 1 bytes"));
  CHECK_THAT(problems_of(cairn::sharded<double>({-1})), Contains("negative"));
}

TEST_CASE("boxes outside their array") {
  std::vector<double> w(4);
  CHECK_THAT(problems_of(cairn::sharded(w, {{10}, {7}, {4}})),
             Contains("{4} elements from {7}") && Contains("{10}"));
  CHECK_THAT(problems_of(cairn::sharded(w, {{3}, {0}, {4}})), Contains("not within the array"));
  const auto most = std::numeric_limits<std::int64_t>::max() / 8;
  CHECK_THAT(problems_of(cairn::sharded(w, {{10}, {most}, {4}})), Contains("not within the array"));
  CHECK_THAT(problems_of(cairn::sharded(w, {{10, 10}, {0}, {4}})), Contains("dimensions of slab.shape"));
  CHECK_THAT(problems_of(cairn::sharded(w, {{10}, {0}})), Contains("leave both out"));
  CHECK_THAT(problems_of(cairn::sharded(w, {{10}, {}, {4}})), Contains("leave both out"));
}

TEST_CASE("boxes outside their memory") {
  std::vector<double> w(42);
  CHECK_THAT(problems_of(cairn::sharded(w, {{9, 9}, {0, 0}, {5, 5}}, Memory{{6, 7}, {2, 1}})),
             Contains("not within memory.shape {6, 7}"));
  CHECK_THAT(problems_of(cairn::sharded(w, {{9, 9}, {0, 0}, {5, 5}}, Memory{{6, 7}, {-1, 1}})),
             Contains("not within memory.shape"));
  CHECK_THAT(problems_of(cairn::sharded(w, {{9, 9}, {0, 0}, {5, 5}}, Memory{{42}, {1}})),
             Contains("dimensions of the box"));
  CHECK_THAT(problems_of(cairn::sharded(w, {{9, 9}, {0, 0}, {5, 5}}, Memory{{6, 8}, {1, 1}})),
             Contains("needs 48"));
  CHECK_THAT(problems_of(cairn::sharded(w, {{6, 7}}, Memory{{}, {}, {7, 2}})),
             Contains("reach elements 0 to 47"));
  CHECK_THAT(problems_of(cairn::sharded(w, {{6, 7}}, Memory{{}, {}, {-7, 1}})),
             Contains("reach elements -35"));
  CHECK_THAT(problems_of(cairn::sharded(w, {{6, 7}}, Memory{{}, {}, {7}})), Contains("one stride for each"));
  CHECK_THAT(problems_of(cairn::sharded(w.data(), {{6, 7}}, Memory{{}, {}, {1ll << 62, 1ll << 62}})),
             Contains("2^63 bytes"));
}

TEST_CASE("containers of another size or shape") {
  std::vector<double> w(12);
  CHECK_THAT(problems_of(cairn::sharded(w, {{8, 5}, {0, 0}, {3, 5}})),
             Contains("the box [0:3, 0:5]") && Contains("12 elements") && Contains("needs 15"));
  CHECK_THAT(problems_of(cairn::replicated(w, {13})), Contains("needs 13"));
  CHECK_THAT(problems_of(cairn::sharded(w, {{11}})), Contains("12 elements"));
  const lookalikes::Mdspan<double> span(w.data(), {3, 4}, {4, 1});
  CHECK_THAT(problems_of(cairn::sharded(span, {{4, 3}})),
             Contains("shape {3, 4}") && Contains("{4, 3} was given"));
  CHECK_THAT(problems_of(cairn::sharded(span, {{3, 4}}, Memory{{}, {}, {4, 1}})), Contains("leave them out"));
}

TEST_CASE("null pointers where elements are expected") {
  double* null = nullptr;
  CHECK_THAT(problems_of(cairn::sharded(null, {{4}})), Contains("null"));
  CHECK_THAT(problems_of(cairn::replicated(null)), Contains("null"));
  CHECK_THAT(problems_of(cairn::per_rank(cairn::ArrayView<int>{nullptr, {2}})), Contains("null"));
  const char* text = nullptr;
  CHECK_THAT(problems_of(Leaf(text)), Contains("null"));
}

TEST_CASE("replicas that do not count") {
  std::vector<double> w(4);
  CHECK_THAT(problems_of(cairn::sharded(w, Slab{{4}, {0}, {4}, 2, 2})), Contains("replica 2 of 2"));
  CHECK_THAT(problems_of(cairn::sharded(w, Slab{{4}, {0}, {4}, -1, 2})), Contains("replica -1"));
  CHECK_THAT(problems_of(cairn::sharded(w, Slab{{4}, {0}, {4}, 0, 0})), Contains("of 0 replicas"));
}

TEST_CASE("also() that does not go with its array") {
  std::vector<double> w(4);
  std::vector<float> f(4);
  CHECK_THAT(problems_of(cairn::sharded(w, {{8}, {0}, {4}}).also(f, {{}, {4}, {4}})),
             Contains("f32") && Contains("f64"));
  CHECK_THAT(problems_of(cairn::sharded(w, {{8}, {0}, {4}}).also(w, {{9}, {4}, {4}})),
             Contains("{9}") && Contains("{8}"));
  CHECK_THAT(problems_of(cairn::replicated(w).also(w, {{}, {0}, {4}})), Contains("replicated"));
}

TEST_CASE("names that cannot be stored") {
  for (const char* path : {"", "/a", "a/", "a//b", ".", "a/../b", "_cairn", "_cairn/x", "caf\xe9"}) {
    Tree tree;
    tree[path] = 1;
    INFO(path);
    CHECK_FALSE(problems_of(tree).empty());
  }
  for (const char* path : {"a", "a/b/c", "_cairns", "a/_cairn", "caf\xc3\xa9", "a b", "..."}) {
    Tree tree;
    tree[path] = 1;
    INFO(path);
    CHECK(problems_of(tree).empty());
  }
  Tree zero;
  zero[std::string_view("a\0b", 3)] = 1;
  CHECK_THAT(problems_of(zero), Contains("zero byte"));
}

TEST_CASE("a leaf that is a group as well, an empty leaf, text that is not UTF-8") {
  Tree tree;
  tree["a"] = 1;
  tree["a-"] = 1;
  tree["a/b"] = 2;
  tree["empty"] = Leaf();
  tree["text"] = "\xff\xfe";
  const auto problems = problems_of(tree);
  CHECK_THAT(problems, Contains("a: is a leaf, and a group"));
  CHECK_THAT(problems, Contains("empty: is an empty leaf"));
  CHECK_THAT(problems, Contains("text: is text that is not UTF-8"));
  CHECK(std::count(problems.begin(), problems.end(), '\n') == 3);
}

TEST_CASE("every problem is told, and the leaves without one are there") {
  std::vector<double> w(4);
  double* null = nullptr;
  Tree tree;
  tree["good"] = cairn::replicated(w);
  tree["bad/size"] = cairn::sharded(w, {{5}});
  tree["bad/null"] = cairn::sharded(null, {{5}});
  tree["bad/two"] = cairn::sharded(w, {{9}, {0}, {5}}).also(null, {{}, {5}, {4}});
  std::vector<Problem> problems;
  const auto leaves = cairn::tree::resolve(tree, problems);
  REQUIRE(leaves.size() == 1);
  CHECK(leaves[0].path == "good");
  REQUIRE(problems.size() == 4);
  CHECK(problems[0].path == "bad/null");
  CHECK(problems[1].path == "bad/size");
  CHECK(problems[2].path == "bad/two");
  CHECK(problems[3].path == "bad/two");
}

TEST_CASE("a container whose data() throws is a problem, not an exception") {
  lookalikes::Failing failing;
  CHECK_THAT(problems_of(cairn::replicated(failing)), Contains("it is on fire"));
}
