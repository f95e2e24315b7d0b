#include "plan/description.hpp"
#include "plan/diagnosis.hpp"
#include "plan/request_check.hpp"

#include <cmath>
#include <limits>

#include <catch2/catch.hpp>

using namespace cairn;
using Catch::Matchers::Contains;
using plan::HeldBox;

namespace {

HeldBox held(int rank, const tree::Box& box, int replica = 0, int replicas = 1, std::uint64_t content = 0) {
  return {rank, replica, replicas, box, {content, 0}};
}

std::string texts(const std::vector<plan::Finding>& findings) {
  std::string all;
  for (const auto& finding : findings) all += finding.text + "\n";
  return all;
}

tree::LocalLeaf leaf(const std::string& path, Kind kind, Dtype dtype, const Dims& shape) {
  tree::LocalLeaf result;
  result.path = path;
  result.kind = kind;
  result.dtype = dtype;
  result.element_bytes = dtype == Dtype::string ? 5 : size_of(dtype);
  result.shape = shape;
  return result;
}

/// What is thrown for one option or name that is wrong.
std::string complaint(const std::function<void(Options&, plan::SaveRequest&)>& change) {
  Options options;
  plan::SaveRequest request;
  request.path = "run/ckpt";
  change(options, request);
  std::vector<tree::Problem> problems;
  plan::check_request(request, options, 4, problems);
  try {
    plan::throw_if_any(problems);
  } catch (const Error& error) {
    REQUIRE(error.code() == ErrorCode::invalid_argument);
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("An overlap is named with its array, ranks and box") {
  const auto findings =
      plan::diagnose_coverage("params/w", {8, 8}, {held(1, {{0, 0}, {4, 8}}), held(3, {{3, 0}, {5, 8}})});
  REQUIRE(findings.size() == 1);
  REQUIRE(findings[0].text == "of `params/w`, ranks 1, 3 both hold [3:4, 0:8]");
  REQUIRE(findings[0].rank == 1);
  REQUIRE_THAT(texts(plan::diagnose_coverage("w", {2}, {held(5, {{0}, {2}}), held(5, {{1}, {1}})})),
               Contains("rank 5 holds twice [1:2]"));
}

TEST_CASE("A gap is named with its array and its whole box") {
  const auto findings = plan::diagnose_coverage(
      "w", {8, 8}, {held(0, {{0, 0}, {2, 8}}), held(1, {{2, 0}, {3, 5}}), held(2, {{5, 0}, {3, 8}})});
  REQUIRE(findings.size() == 1);
  REQUIRE(findings[0].text == "of `w`, whose shape is {8, 8}, no rank holds [2:5, 5:8]");
  REQUIRE_THAT(texts(plan::diagnose_coverage("w", {3, 4}, {})), Contains("no rank holds [0:3, 0:4]"));
  REQUIRE_THAT(texts(plan::diagnose_coverage("s", {}, {})), Contains("no rank holds []"));
}

TEST_CASE("A gap is told whole where its neighbours end at different places") {
  REQUIRE(plan::find_gap({8, 4}, {{{4, 0}, {4, 2}}, {{4, 2}, {2, 2}}, {{6, 2}, {2, 2}}}) ==
          tree::Box{{0, 0}, {4, 4}});
}

TEST_CASE("A box in the wrong place is both") {
  const auto text = texts(
      plan::diagnose_coverage("w", {12}, {held(0, {{0}, {4}}), held(1, {{3}, {4}}), held(2, {{8}, {4}})}));
  REQUIRE_THAT(text, Contains("ranks 0, 1 both hold [3:4]"));
  REQUIRE_THAT(text, Contains("no rank holds [7:8]"));
}

TEST_CASE("The gap among 30 000 boxes is found") {
  std::vector<tree::Box> boxes;
  for (int row = 0; row < 173; ++row)
    for (int column = 0; column < 174; ++column)
      if (row != 100 || column != 50) boxes.push_back({{3 * row, 5 * column}, {3, 5}});
  REQUIRE_FALSE(plan::find_overlap(boxes));
  REQUIRE(plan::find_gap({3 * 173, 5 * 174}, boxes) == tree::Box{{300, 250}, {3, 5}});
}

TEST_CASE("Copies that are missing, double or different are named with their ranks") {
  const tree::Box box{{0}, {4}};
  REQUIRE(plan::diagnose_copies("w", {held(0, box, 0, 2), held(1, box, 1, 2)}).empty());
  REQUIRE_THAT(texts(plan::diagnose_copies("w", {held(3, box, 0, 2)})),
               Contains("of `w`, the box [0:4] is replica 0 of 2 on rank 3, but replica 1 is on no rank"));
  REQUIRE_THAT(
      texts(plan::diagnose_copies("w", {held(0, box, 0, 2), held(1, box, 0, 2), held(2, box, 1, 2)})),
      Contains("is replica 0 of 2 on rank 0, and on rank 1 too"));
  REQUIRE_THAT(texts(plan::diagnose_copies("w", {held(0, box, 0, 2, 5), held(1, box, 1, 2, 6)})),
               Contains("differs between rank 0 and rank 1"));
  REQUIRE_THAT(texts(plan::diagnose_copies("w", {held(0, box, 0, 2), held(1, box, 1, 3)})),
               Contains("is replica 0 of 2 on rank 0, but replica 1 of 3 on rank 1"));
}

TEST_CASE("Ranks whose replicated value differs are named") {
  std::vector<HeldBox> all;
  for (int rank = 0; rank < 8; ++rank) all.push_back(held(rank, {}, 0, 1, rank == 2 || rank >= 5 ? 1 : 0));
  const auto findings = plan::diagnose_replicated("b", all);
  REQUIRE(texts(findings) == "the replicated value `b` on ranks 2, 5-7 is not that of rank 0\n");
  REQUIRE(findings[0].rank == 2);
}

TEST_CASE("Lists of ranks are short") {
  REQUIRE(plan::ranks_text({3}) == "rank 3");
  REQUIRE(plan::ranks_text({3, 4}) == "ranks 3, 4");
  REQUIRE(plan::ranks_text({0, 1, 2, 5}) == "ranks 0-2, 5");
  std::vector<int> even;
  for (int rank = 0; rank < 100; rank += 2) even.push_back(rank);
  REQUIRE(plan::ranks_text(even) == "ranks 0, 2, 4, 6, 8, 10, 12, 14, ... (50 in all)");
}

TEST_CASE("The hash and the first difference know every field") {
  plan::SaveRequest request;
  request.path = "run/ckpt";
  const std::vector<tree::LocalLeaf> leaves = {leaf("a", Kind::replicated, Dtype::f32, {4}),
                                               leaf("b", Kind::sharded, Dtype::f64, {4, 5}),
                                               leaf("c", Kind::value, Dtype::string, {})};
  struct Change {
    const char* part;
    const char* other;
    std::function<void(plan::SaveRequest&, int&, std::vector<tree::LocalLeaf>&)> apply;
  };
  const std::vector<Change> changes = {
      {"the operation is save on rank 0, ", "load on rank 1",
       [](auto& r, auto&, auto&) { r.operation = "load"; }},
      {"the path is run/ckpt on rank 0, ", "x on rank 1", [](auto& r, auto&, auto&) { r.path = "x"; }},
      {"the name of the checkpointable is state on", "m on",
       [](auto& r, auto&, auto&) { r.checkpointable_name = "m"; }},
      {"ranks.primary", "1 on rank 1", [](auto&, int& primary, auto&) { primary = 1; }},
      {"`a` is replicated f32 {4} on rank 0, ", "missing on rank 1",
       [](auto&, auto&, auto& l) { l.erase(l.begin()); }},
      {"`c` is ", "missing on rank 1", [](auto&, auto&, auto& l) { l.pop_back(); }},
      {"`bb` is missing on rank 0, ", "sharded f64",
       [](auto&, auto&, auto& l) { l.insert(l.begin() + 2, leaf("bb", Kind::sharded, Dtype::f64, {1})); }},
      {"`b` is sharded f64 {4, 5} on", "sharded f32 {4, 5} on",
       [](auto&, auto&, auto& l) {
         l[1] = leaf("b", Kind::sharded, Dtype::f32, {4, 5});
       }},
      {"`b` is", "{5, 4} on",
       [](auto&, auto&, auto& l) {
         l[1].shape = {5, 4};
       }},
      {"`b` is", "per_rank f64 {4, 5} on", [](auto&, auto&, auto& l) { l[1].kind = Kind::per_rank; }},
      {"`b` is", "appended f64 {4, 5} a row on", [](auto&, auto&, auto& l) { l[1].kind = Kind::appended; }},
      {"`c` is replicated string of 5 bytes on", "string of 6 bytes on",
       [](auto&, auto&, auto& l) { l[2].element_bytes = 6; }},
  };
  const auto digest = plan::agreed_digest(request, 0, leaves);
  const auto first = plan::describe(request, 0, leaves);
  REQUIRE(plan::first_difference(first, first).empty());
  for (const auto& change : changes) {
    auto other_request = request;
    int primary = 0;
    auto other_leaves = leaves;
    change.apply(other_request, primary, other_leaves);
    INFO(change.part);
    REQUIRE(plan::agreed_digest(other_request, primary, other_leaves) != digest);
    const auto difference =
        plan::first_difference(plan::describe(other_request, primary, other_leaves), first);
    int rank = -1;
    const auto text = plan::explain({"", difference, ""}, rank);
    REQUIRE_THAT(text, Contains(change.part) && Contains(change.other));
    REQUIRE(rank == 1);
  }
}

TEST_CASE("A value and a replicated array of no dimensions are the same thing") {
  const plan::SaveRequest request;
  const std::vector<tree::LocalLeaf> a = {leaf("a", Kind::value, Dtype::f32, {})},
                                     b = {leaf("a", Kind::replicated, Dtype::f32, {})};
  REQUIRE(plan::agreed_digest(request, 0, a) == plan::agreed_digest(request, 0, b));
}

TEST_CASE("The first difference of all ranks is told, and which ranks have it") {
  plan::SaveRequest request;
  const auto tree = [&](Dtype a, Dtype b) {
    return plan::describe(
        request, 0, std::vector{leaf("a", Kind::replicated, a, {}), leaf("b", Kind::replicated, b, {})});
  };
  const auto first = tree(Dtype::f32, Dtype::f32);
  std::vector<std::string> differences;
  for (const auto& mine : {first, tree(Dtype::f32, Dtype::f64), tree(Dtype::f64, Dtype::f32),
                           tree(Dtype::i32, Dtype::i32), tree(Dtype::f64, Dtype::f64)})
    differences.push_back(plan::first_difference(mine, first));
  int rank = -1;
  REQUIRE(
      plan::explain(differences, rank) ==
      "the ranks do not save the same: `a` is replicated f32 {} on rank 0, replicated f64 {} on ranks 2, 4, "
      "replicated i32 {} on rank 3");
  REQUIRE(rank == 2);
}

TEST_CASE("Options that make no sense are refused by name") {
  REQUIRE(complaint([](auto&, auto&) {}).empty());
  const auto expect = [](const char* name, const std::function<void(Options&)>& change) {
    REQUIRE_THAT(complaint([&](auto& options, auto&) { change(options); }), Contains(name));
  };
  expect("io.block_bytes", [](auto& o) { o.io.block_bytes = 0; });
  expect("io.block_bytes", [](auto& o) { o.io.block_bytes = (1 << 30) + 1; });
  expect("io.alignment_bytes", [](auto& o) { o.io.alignment_bytes = 0; });
  expect("io.alignment_bytes", [](auto& o) { o.io.alignment_bytes = 1000; });
  expect("io.alignment_bytes", [](auto& o) { o.io.alignment_bytes = std::uint64_t{1} << 31; });
  expect("io.threads", [](auto& o) { o.io.threads = -1; });
  expect("files.permissions", [](auto& o) { o.files.permissions = 010000; });
  expect("ranks.primary", [](auto& o) { o.ranks.primary = 4; });
  expect("ranks.primary", [](auto& o) { o.ranks.primary = -1; });
  expect("ranks.timeout_s", [](auto& o) { o.ranks.timeout_s = 0; });
  expect("ranks.timeout_s", [](auto& o) { o.ranks.timeout_s = std::nan(""); });
  expect("ranks.slowest_bytes_per_s", [](auto& o) { o.ranks.slowest_bytes_per_s = -1; });
}

TEST_CASE("Names that cannot be a file of a checkpoint are refused") {
  const auto name = [](const std::string& text) {
    return complaint([&](auto&, auto& request) { request.checkpointable_name = text; });
  };
  for (const auto* good : {"state", "model.2", "a b", "\xC3\xA9"}) REQUIRE(name(good).empty());
  for (const auto* bad : {"", ".state", "_state", "metrics", "a/b", "a\nb", "a\x7F", "\xFF"})
    REQUIRE_THAT(name(bad), Contains("checkpointable_name"));
  REQUIRE(name(std::string(200, 'a')).empty());
  REQUIRE_THAT(name(std::string(201, 'a')), Contains("200 bytes"));
}

TEST_CASE("All that is wrong is listed") {
  const auto text = complaint([](auto& options, auto& request) {
    options.io.threads = -1;
    options.io.block_bytes = 0;
    request.path = "";
    request.custom_metadata = nlohmann::json("\xFF");
  });
  REQUIRE_THAT(text, Contains("io.threads") && Contains("io.block_bytes") && Contains("path is empty") &&
                         Contains("custom_metadata"));
}

TEST_CASE("What does not fit into the stored array is refused") {
  const auto problems = [](tree::LocalLeaf each) {
    std::vector<tree::Problem> found;
    plan::check_leaves(std::vector{std::move(each)}, 4, found);
    return found.size();
  };
  REQUIRE(problems(leaf("w", Kind::per_rank, Dtype::f32, {1, 1, 1, 1, 1, 1, 1})) == 0);
  REQUIRE(problems(leaf("w", Kind::per_rank, Dtype::f32, {1, 1, 1, 1, 1, 1, 1, 1})) == 1);
  REQUIRE(problems(leaf("w", Kind::appended, Dtype::f32, {1, 1, 1, 1, 1, 1, 1, 1})) == 1);
  REQUIRE(problems(leaf("w", Kind::sharded, Dtype::f32, {1, 1, 1, 1, 1, 1, 1, 1})) == 0);
  REQUIRE(problems(leaf("w", Kind::per_rank, Dtype::f32, {std::int64_t{1} << 58})) == 0);
  REQUIRE(problems(leaf("w", Kind::per_rank, Dtype::f32, {std::int64_t{1} << 59})) == 1);
  auto rows = leaf("w", Kind::appended, Dtype::f32, {0});
  rows.rows = (std::int64_t{1} << 40) + 1;
  REQUIRE(problems(rows) == 1);
  auto replica = leaf("w", Kind::sharded, Dtype::f32, {4});
  replica.shards.emplace_back();
  replica.shards[0].replica = 2;
  replica.shards[0].replicas = 2;
  REQUIRE(problems(replica) == 1);
}
