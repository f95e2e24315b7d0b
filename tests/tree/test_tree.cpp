#include "cairn/tree.hpp"
#include "tree/local.hpp"

#include <catch2/catch.hpp>

using cairn::Dtype;
using cairn::Error;
using cairn::ErrorCode;
using cairn::Kind;
using cairn::Leaf;
using cairn::Tree;
using Catch::Contains;

namespace {

enum class Phase : std::int8_t { start = 3 };

template <class Function>
std::string message_of(Function&& function, ErrorCode code) {
  try {
    function();
  } catch (const Error& error) {
    CHECK(error.code() == code);
    return error.what();
  }
  FAIL("nothing was thrown");
  return {};
}

std::vector<std::string> paths(const Tree& tree) {
  std::vector<std::string> result;
  for (const auto& [path, leaf] : tree) result.push_back(path);
  return result;
}

}  // namespace

TEST_CASE("a path and nested names are one place") {
  Tree tree;
  tree["a/b"] = 1;
  CHECK(tree["a"]["b"].get<int>() == 1);
  tree["a"]["b"] = 2;
  CHECK(tree["a/b"].get<int>() == 2);
  CHECK(tree.size() == 1);
  tree["layers"][0]["w"] = 1.5;
  CHECK(tree.at("layers/0/w").get<double>() == 1.5);
  tree[7u] = 7;
  CHECK(tree.contains("7"));
}

TEST_CASE("looking makes nothing") {
  Tree tree;
  tree["a"]["b"];
  CHECK(tree.empty());
  CHECK_THROWS_AS(tree["a"].leaf(), Error);
  CHECK(tree.empty());
}

TEST_CASE("leaves are ordered by path, however they came") {
  Tree tree;
  tree["b"] = 1;
  tree["a/x"] = 1;
  tree["a-1"] = 1;
  CHECK(paths(tree) == std::vector<std::string>{"a-1", "a/x", "b"});
}

TEST_CASE("own values keep exactly their type") {
  CHECK(Leaf(5).dtype() == Dtype::i32);
  CHECK(Leaf(5.0).dtype() == Dtype::f64);
  CHECK(Leaf(5.0f).dtype() == Dtype::f32);
  CHECK(Leaf(5ull).dtype() == Dtype::u64);
  CHECK(Leaf(true).dtype() == Dtype::boolean);
  CHECK(Leaf(Phase::start).dtype() == Dtype::i8);
  CHECK(Leaf(std::complex<float>(1, 2)).dtype() == Dtype::c64);
  CHECK(Leaf("text").dtype() == Dtype::string);
  CHECK(Leaf(std::string("text")).dtype() == Dtype::string);
  CHECK(Leaf(std::string_view("text")).dtype() == Dtype::string);
  CHECK(Leaf("text").kind() == Kind::value);
}

TEST_CASE("values are got where they fit") {
  CHECK(Leaf(5).get<int>() == 5);
  CHECK(Leaf(5).get<std::uint8_t>() == 5);
  CHECK(Leaf(5).get<double>() == 5.0);
  CHECK(Leaf(5.0).get<int>() == 5);
  CHECK(Leaf(true).get<bool>());
  CHECK(Leaf(Phase::start).get<Phase>() == Phase::start);
  CHECK(Leaf(std::complex<double>(1, 2)).get<std::complex<double>>() == std::complex<double>(1, 2));
  CHECK(Leaf("text").get<std::string>() == "text");
  CHECK(Leaf("").get<std::string>().empty());
  CHECK(Leaf(std::string("a\0b", 3)).get<std::string>().size() == 3);
}

TEST_CASE("values that do not fit are a mismatch that names both types") {
  CHECK_THAT(message_of([] { Leaf(300).get<std::uint8_t>(); }, ErrorCode::mismatch),
             Contains("i32") && Contains("u8"));
  CHECK_THAT(message_of([] { Leaf(1.5).get<int>(); }, ErrorCode::mismatch), Contains("does not fit"));
  message_of([] { Leaf("text").get<int>(); }, ErrorCode::mismatch);
  message_of([] { Leaf(5).get<std::string>(); }, ErrorCode::mismatch);
  message_of([] { Leaf().get<int>(); }, ErrorCode::mismatch);
}

TEST_CASE("a leaf of an array has no single value") {
  std::vector<double> values = {1, 2};
  CHECK_THAT(message_of([&] { Leaf(cairn::replicated(values)).get<double>(); }, ErrorCode::mismatch),
             Contains("array"));
  values.resize(1);
  CHECK(Leaf(cairn::replicated(values)).get<double>() == 1.0);
}

TEST_CASE("a ref reads the variable as it is") {
  int step = 1;
  std::string note = "first";
  const double dt = 0.5;
  Tree tree;
  tree["step"] = cairn::ref(step);
  tree["note"] = cairn::ref(note);
  tree["dt"] = cairn::ref(dt);
  step = 9;
  note = "second, and longer than before";
  CHECK(tree["step"].get<int>() == 9);
  CHECK(tree["note"].get<std::string>() == note);
  CHECK(tree["dt"].get<double>() == 0.5);
  CHECK_FALSE(tree.at("step").read_only());
  CHECK(tree.at("dt").read_only());
  CHECK(tree.at("step").kind() == Kind::value);
}

TEST_CASE("a name that is not there is an error with the nearest names") {
  Tree tree;
  tree["params/weight"] = 1;
  tree["params/bias"] = 1;
  tree["optimizer/step"] = 1;
  CHECK_THAT(message_of([&] { tree.at("params/wieght"); }, ErrorCode::not_found),
             Contains("`params/wieght`") && Contains("nearest: `params/weight`"));
  CHECK_THAT(message_of([&] { tree.at("step"); }, ErrorCode::not_found),
             Contains("nearest: `optimizer/step`"));
  CHECK_THAT(message_of([&] { tree.at("params"); }, ErrorCode::not_found), Contains("group"));
  CHECK_THAT(message_of([&] { tree.at("zzzzzzzzzzzzzzzzzzzzzz"); }, ErrorCode::not_found),
             !Contains("nearest"));
  CHECK_THAT(message_of([] { Tree().at("a"); }, ErrorCode::not_found), Contains("empty"));
}

TEST_CASE("contains, subtree and erase take leaves and groups") {
  Tree tree;
  tree["a/x"] = 1;
  tree["a/y/z"] = 2;
  tree["ab"] = 3;
  CHECK(tree.contains("a"));
  CHECK(tree.contains("a/x"));
  CHECK(tree.contains("a/y"));
  CHECK_FALSE(tree.contains("a/"));
  CHECK_FALSE(tree.contains("b"));
  CHECK(paths(tree.subtree("a")) == std::vector<std::string>{"x", "y/z"});
  CHECK(tree.subtree("nothing").empty());
  CHECK(tree.subtree("").size() == 3);
  CHECK(tree.erase("a"));
  CHECK(paths(tree) == std::vector<std::string>{"ab"});
  CHECK_FALSE(tree.erase("a"));
}

TEST_CASE("a tree assigned to a place takes the place of what was there") {
  Tree part;
  part["w"] = 1;
  part["b"] = 2;
  Tree tree;
  tree["m/old"] = 0;
  tree["m"] = part;
  CHECK(paths(tree) == std::vector<std::string>{"m/b", "m/w"});
  tree["n"] = tree["m"];
  CHECK(tree["n/w"].get<int>() == 1);
  tree["w"] = tree["m/w"];
  CHECK(tree["w"].get<int>() == 1);
  tree["self"] = tree;
  CHECK(tree["self/n/b"].get<int>() == 2);
  message_of([&] { tree["x"] = tree["missing"]; }, ErrorCode::not_found);
}

TEST_CASE("copies of a tree own their values, once a load unshares them") {
  Tree tree;
  tree["step"] = 1;
  tree["note"] = "one";
  int bound = 1;
  tree["bound"] = cairn::ref(bound);
  Tree copy = tree;
  const Leaf held = tree.at("step");
  cairn::tree::unshare(tree);
  std::vector<cairn::tree::Problem> problems;
  for (auto& leaf : cairn::tree::resolve(tree, problems)) {
    const int two = 2;
    if (leaf.dtype == Dtype::i32) std::memcpy(leaf.shards[0].data, &two, sizeof two);
    if (leaf.dtype == Dtype::string) {
      REQUIRE(cairn::tree::resize(leaf, 5));
      std::memcpy(leaf.shards[0].data, "three", 5);
    }
  }
  CHECK(problems.empty());
  CHECK(tree["step"].get<int>() == 2);
  CHECK(tree["note"].get<std::string>() == "three");
  CHECK(copy["step"].get<int>() == 1);
  CHECK(copy["note"].get<std::string>() == "one");
  CHECK(held.get<int>() == 1);
  CHECK(bound == 2);
  CHECK(copy["bound"].get<int>() == 2);
}

TEST_CASE("a leaf tells its kind, type and extents") {
  std::vector<float> w(6), x(10);
  const Leaf sharded = cairn::sharded(w, {{4, 3}, {1, 0}, {2, 3}});
  CHECK(sharded.kind() == Kind::sharded);
  CHECK(sharded.dtype() == Dtype::f32);
  CHECK(sharded.shape() == cairn::Dims{4, 3});
  CHECK(sharded.start() == cairn::Dims{1, 0});
  CHECK(sharded.count() == cairn::Dims{2, 3});
  const Leaf rows = cairn::appended(x, {2});
  CHECK(rows.shape() == cairn::Dims{5, 2});
  x.resize(4);
  CHECK(rows.count() == cairn::Dims{2, 2});
  CHECK(Leaf(cairn::per_rank(w)).shape() == cairn::Dims{6});
  CHECK(Leaf().empty());
  CHECK(Leaf().dtype() == Dtype::none);
  CHECK(Leaf().shape() == cairn::Dims());
  CHECK_FALSE(Leaf(1).empty());
}

TEST_CASE("data() is for leaves that own their values, and for their own type") {
  const Leaf owned = cairn::tree::make_owning(Kind::sharded, Dtype::f64, 8, {4, 3}, {{2, 0}, {2, 3}});
  REQUIRE(owned.data<double>() != nullptr);
  for (int i = 0; i < 6; ++i) CHECK(owned.data<double>()[i] == 0.0);
  CHECK_THAT(message_of([&] { owned.data<float>(); }, ErrorCode::mismatch),
             Contains("f64") && Contains("f32"));
  CHECK(*Leaf(5).data<int>() == 5);
  std::vector<double> w(3);
  message_of([&] { Leaf(cairn::replicated(w)).data<double>(); }, ErrorCode::mismatch);
}
