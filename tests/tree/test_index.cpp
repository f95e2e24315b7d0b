#include "cairn/error.hpp"
#include "tree/index.hpp"

#include <functional>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace cairn;
using namespace cairn::tree;
using nlohmann::json;

namespace {

constexpr std::uint64_t file_bytes = 1 << 20;

StoredLeaf make(std::string path, Kind kind, Dtype dtype, Dims shape) {
  StoredLeaf leaf;
  leaf.path = std::move(path);
  leaf.kind = kind;
  leaf.dtype = dtype;
  leaf.element_bytes = size_of(dtype);
  leaf.shape = shape;
  return leaf;
}

/// One leaf of each tiling and kind, by path.
std::vector<StoredLeaf> sample() {
  std::vector<StoredLeaf> leaves;
  leaves.push_back(make("a/boxes", Kind::sharded, Dtype::f64, {7, 10}));
  leaves.back().tiling.kind = TileKind::boxes;
  leaves.back().tiling.boxes = {{{0, 0}, {3, 4}}, {{0, 4}, {3, 6}}, {{3, 0}, {4, 10}}};
  leaves.back().tiling.offsets = {4096, 8192, 5000};
  leaves.back().fortran_order = true;
  leaves.push_back(make("a/grid", Kind::per_rank, Dtype::c64, {5, 5}));
  leaves.back().tiling.kind = TileKind::grid;
  leaves.back().tiling.cell = {3, 2};
  leaves.back().tiling.offsets = {20000, 20100, 20200, 30000, 40000, 29000};
  leaves.push_back(make("b", Kind::appended, Dtype::u16, {6, 2}));
  leaves.back().rows = {1, 0, 5};
  leaves.back().tiling.kind = TileKind::one;
  leaves.back().tiling.offset = 50000;
  leaves.push_back(make("empty", Kind::sharded, Dtype::bf16, {4, 0}));
  leaves.push_back(make("quo\"te\\ \n\x01 größe", Kind::replicated, Dtype::boolean, {}));
  leaves.back().tiling.kind = TileKind::one;
  leaves.back().tiling.offset = 60000;
  leaves.push_back(make("text", Kind::replicated, Dtype::string, {}));
  leaves.back().element_bytes = 5;
  leaves.back().tiling.kind = TileKind::one;
  leaves.back().tiling.offset = 60001;
  leaves.push_back(make("text empty", Kind::replicated, Dtype::string, {}));
  leaves.back().element_bytes = 0;
  return leaves;
}

void check_equal(const std::vector<StoredLeaf>& a, const std::vector<StoredLeaf>& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CAPTURE(a[i].path);
    CHECK(a[i].path == b[i].path);
    CHECK(a[i].kind == b[i].kind);
    CHECK(a[i].dtype == b[i].dtype);
    CHECK(a[i].element_bytes == b[i].element_bytes);
    CHECK(a[i].shape == b[i].shape);
    CHECK(a[i].rows == b[i].rows);
    CHECK(a[i].fortran_order == b[i].fortran_order);
    CHECK(a[i].tiling.kind == b[i].tiling.kind);
    CHECK(a[i].tiling.offset == b[i].tiling.offset);
    CHECK(a[i].tiling.cell == b[i].tiling.cell);
    CHECK(a[i].tiling.offsets == b[i].tiling.offsets);
    CHECK(a[i].tiling.boxes == b[i].tiling.boxes);
  }
}

/// What decoding says of the sample's index after `change`; empty where it is accepted.
std::string refusal(const std::function<void(json& leaves)>& change, ErrorCode code = ErrorCode::corrupt) {
  auto index = json::parse(encode_index(sample()));
  change(index["leaves"]);
  try {
    decode_index(index.dump(), file_bytes);
    return {};
  } catch (const Error& error) {
    CHECK(error.code() == code);
    return error.what();
  }
}

enum : std::size_t { boxes, grid, rows, empty, quote, text, text_empty };

}  // namespace

TEST_CASE("an index decodes to what was encoded") {
  check_equal(decode_index(encode_index(sample()), file_bytes), sample());
  CHECK(decode_index(encode_index({}), file_bytes).empty());
}

TEST_CASE("an index is the JSON of the format document") {
  const auto index = json::parse(encode_index(sample()));
  CHECK(index["version"] == 1);
  CHECK(index["leaves"][grid] ==
        json::parse(R"({"path": "a/grid", "kind": "per_rank", "dtype": "c64", "shape": [5, 5], "cell": [3, 2],
                        "offsets": [[20000, 100, 3], [30000, 10000, 2], [29000, 0, 1]]})"));
  CHECK(index["leaves"][rows] == json::parse(R"({"path": "b", "kind": "appended", "dtype": "u16",
                        "shape": [6, 2], "rows": [1, 0, 5], "offset": 50000})"));
  CHECK(index["leaves"][boxes]["boxes"] == json::parse("[[[0,0],[3,4]], [[0,4],[3,6]], [[3,0],[4,10]]]"));
  CHECK(index["leaves"][boxes]["order"] == "fortran");
  CHECK(index["leaves"][empty] ==
        json::parse(R"({"path": "empty", "kind": "sharded", "dtype": "bf16", "shape": [4, 0]})"));
  CHECK(index["leaves"][text]["bytes"] == 5);
  CHECK(index["leaves"][text_empty]["bytes"] == 0);
}

TEST_CASE("the example of the format document is an index") {
  const auto leaves = decode_index(R"({"version":1,"leaves":[
{"path":"field/T","kind":"sharded","dtype":"f64","shape":[100,40],"cell":[50,40],"offsets":[[8192,16384,2]]},
{"path":"note","kind":"replicated","dtype":"string","bytes":10,"shape":[],"offset":6144},
{"path":"x","kind":"appended","dtype":"f32","shape":[7],"rows":[4,0,3],"offset":6156}
]}
)",
                                   40576);
  REQUIRE(leaves.size() == 3);
  CHECK(leaves[0].tiling.offsets == std::vector<std::uint64_t>{8192, 24576});
  CHECK(leaves[2].rows == std::vector<std::int64_t>{4, 0, 3});
}

TEST_CASE("an unchanged index is accepted by the test of refusals") {
  CHECK(refusal([](json&) {}).empty());
}

TEST_CASE("an index with tiles that overlap or leave the file is refused") {
  CHECK_THAT(refusal([](json& leaves) { leaves[rows]["offset"] = 60001; }), Catch::Contains("overlap"));
  CHECK_THAT(refusal([](json& leaves) { leaves[rows]["offset"] = file_bytes - 23; }),
             Catch::Contains("past the end"));
  CHECK(refusal([](json& leaves) { leaves[rows]["offset"] = file_bytes - 24; }).empty());
  CHECK_THAT(refusal([](json& leaves) { leaves[grid]["offsets"] = json::parse("[[20000, 40, 6]]"); }),
             Catch::Contains("overlap"));
  CHECK_THAT(refusal([](json& leaves) { leaves[grid]["offsets"] = json::parse("[[20000, 900000, 6]]"); }),
             Catch::Contains("outside its file"));
}

TEST_CASE("an index with a malformed list of tiles is refused") {
  CHECK_THAT(refusal([](json& leaves) { leaves[grid]["offsets"] = json::parse("[[20000, 100, 5]]"); }),
             Catch::Contains("too few offsets"));
  CHECK_THAT(refusal([](json& leaves) { leaves[grid]["offsets"] = json::parse("[[20000, 100, 7]]"); }),
             Catch::Contains("outside its file"));
  CHECK_THAT(refusal([](json& leaves) { leaves[grid]["offsets"] = json::parse("[[20000, 100, 0]]"); }),
             Catch::Contains("outside its file"));
  CHECK_THAT(refusal([](json& leaves) { leaves[grid]["offsets"] = json::parse("[[20000, 100]]"); }),
             Catch::Contains("malformed offsets"));
  CHECK_THAT(refusal([](json& leaves) { leaves[grid]["cell"] = {6, 1}; }), Catch::Contains("grid without"));
  CHECK_THAT(refusal([](json& leaves) { leaves[grid]["cell"] = {0, 1}; }), Catch::Contains("grid without"));
  CHECK_THAT(refusal([](json& leaves) { leaves[grid]["cell"] = {5}; }), Catch::Contains("other dimensions"));
  CHECK_THAT(refusal([](json& leaves) { leaves[grid].erase("cell"); }), Catch::Contains("no offset"));
  CHECK_THAT(refusal([](json& leaves) { leaves[empty]["offset"] = 0; }, ErrorCode::unsupported),
             Catch::Contains("does not know"));
  CHECK_THAT(refusal([](json& leaves) { leaves[rows].erase("offset"); }), Catch::Contains("no offset"));
}

TEST_CASE("an index that asks for more tiles than its file holds is refused before they are made") {
  CHECK_THAT(refusal([](json& leaves) {
               leaves[grid]["shape"] = {std::int64_t{1} << 40, 5};
               leaves[grid]["cell"] = {1, 1};
               leaves[grid]["offsets"] = {{0, 0, std::int64_t{5} << 40}};
             }),
             Catch::Contains("more tiles"));
}

TEST_CASE("an index with boxes that do not fill the array is refused") {
  CHECK_THAT(refusal([](json& leaves) { leaves[boxes]["boxes"][2][1] = {3, 10}; }), Catch::Contains("a gap"));
  CHECK_THAT(refusal([](json& leaves) {
               leaves[boxes]["boxes"][2][1] = {5, 10};
             }),
             Catch::Contains("outside its shape"));
  CHECK_THAT(refusal([](json& leaves) {
               leaves[boxes]["boxes"][1] = {{0, 3}, {3, 7}};
             }),
             Catch::Contains("boxes that overlap"));
  CHECK_THAT(refusal([](json& leaves) { std::swap(leaves[boxes]["boxes"][0], leaves[boxes]["boxes"][1]); }),
             Catch::Contains("out of order"));
  CHECK_THAT(refusal([](json& leaves) {
               leaves[boxes]["boxes"][0] = {{0}, {3}};
             }),
             Catch::Contains("outside its shape"));
  CHECK_THAT(refusal([](json& leaves) {
               leaves[boxes]["boxes"][0] = {{0, 0}, {-3, 4}};
             }),
             Catch::Contains("a number belongs"));
}

TEST_CASE("an index with a malformed leaf is refused, and the message names it") {
  CHECK_THAT(refusal([](json& leaves) { leaves[rows]["dtype"] = "f128"; }),
             Catch::Contains("'b'") && Catch::Contains("f128"));
  CHECK_THAT(refusal([](json& leaves) { leaves[rows]["dtype"] = "none"; }), Catch::Contains("unknown dtype"));
  CHECK_THAT(refusal([](json& leaves) { leaves[rows]["kind"] = "value"; }), Catch::Contains("unknown kind"));
  CHECK_THAT(refusal([](json& leaves) { leaves[rows]["shape"] = {6.0, 2}; }), Catch::Contains("number"));
  CHECK_THAT(refusal([](json& leaves) { leaves[rows]["shape"] = "6"; }), Catch::Contains("list"));
  CHECK_THAT(refusal([](json& leaves) { leaves[rows]["rows"] = {1, 6}; }), Catch::Contains("rows"));
  CHECK_THAT(refusal([](json& leaves) { leaves[grid]["rows"] = {5}; }), Catch::Contains("not appended"));
  CHECK_THAT(refusal([](json& leaves) { leaves[rows]["extra"] = 1; }, ErrorCode::unsupported),
             Catch::Contains("does not know"));
  CHECK_THAT(refusal([](json& leaves) { leaves[text].erase("bytes"); }), Catch::Contains("no bytes"));
  CHECK_THAT(refusal([](json& leaves) { leaves[rows].erase("path"); }), Catch::Contains("no path"));
  CHECK_THAT(refusal([](json& leaves) { leaves[rows] = 5; }), Catch::Contains("no object"));
  CHECK_THAT(refusal([](json& leaves) {
               leaves[rows]["shape"] = {std::int64_t{1} << 40, std::int64_t{1} << 40};
             }),
             Catch::Contains("too large"));
  CHECK_THAT(refusal([](json& leaves) { leaves[rows]["shape"] = json::array_t(9, 1); }),
             Catch::Contains("8 dimensions"));
}

TEST_CASE("an order is Fortran's, of two dimensions and more, or it is refused") {
  CHECK(refusal([](json& leaves) { leaves[grid]["order"] = "fortran"; }).empty());
  CHECK(refusal([](json& leaves) { leaves[boxes].erase("order"); }).empty());
  CHECK_THAT(refusal([](json& leaves) { leaves[grid]["order"] = "c"; }), Catch::Contains("unknown order"));
  CHECK_THAT(refusal([](json& leaves) { leaves[grid]["order"] = true; }), Catch::Contains("no text"));
  CHECK_THAT(refusal([](json& leaves) { leaves[quote]["order"] = "fortran"; }),
             Catch::Contains("two dimensions"));
}

TEST_CASE("the index of a leaf without an order has no word of it") {
  auto leaves = sample();
  leaves[boxes].fortran_order = false;
  CHECK_THAT(encode_index(leaves), !Catch::Contains("order"));
}

TEST_CASE("an index with malformed paths is refused") {
  for (const char* path : {"", "/b", "b/", "a//b"}) {
    CAPTURE(path);
    CHECK_THAT(refusal([&](json& leaves) { leaves[rows]["path"] = path; }),
               Catch::Contains("malformed path"));
  }
  CHECK_THAT(refusal([](json& leaves) { leaves[rows]["path"] = "a/grid"; }), Catch::Contains("in order"));
  CHECK_THAT(refusal([](json& leaves) { leaves[rows]["path"] = "a/grid/b"; }),
             Catch::Contains("as an array and as a group"));
}

TEST_CASE("what is not an index is refused") {
  for (const char* text : {"", "{", "[]", "{}", "null", "{\"version\":1}", "{\"version\":1,\"leaves\":{}}",
                           "{\"version\":1,\"leaves\":[],\"more\":0}", "{\"version\":\"1\",\"leaves\":[]}"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(decode_index(text, file_bytes), Error);
  }
}

TEST_CASE("an index of a later version is refused as unsupported") {
  try {
    decode_index("{\"version\":2,\"leaves\":[]}", file_bytes);
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::unsupported);
  }
}

TEST_CASE("no cut and no changed byte of an index makes decoding crash") {
  const auto whole = encode_index(sample());
  const auto expected = pack_leaves(sample());
  for (std::size_t length = 0; length + 2 < whole.size(); ++length) {
    CHECK_THROWS_AS(decode_index(whole.substr(0, length), file_bytes), Error);
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const char replacement : {'0', '9', '"', '[', '\xff'}) {
      auto changed = whole;
      changed[at] = replacement;
      try {
        decode_index(changed, file_bytes);
      } catch (const Error&) {
      }
    }
  }
}

TEST_CASE("packed leaves and tilings unpack to the same") {
  check_equal(unpack_leaves(pack_leaves(sample())), sample());
  auto leaves = sample();
  for (auto& leaf : leaves) leaf.tiling = {};
  unpack_tilings(pack_tilings(sample()), leaves);
  check_equal(leaves, sample());
  CHECK_THROWS_AS(unpack_leaves(pack_leaves(sample()).substr(0, 100)), Error);
  leaves.pop_back();
  CHECK_THROWS_AS(unpack_tilings(pack_tilings(sample()), leaves), Error);
}

TEST_CASE("offsets become runs, and a step back or a repeat starts a new one") {
  using Offsets = std::vector<std::uint64_t>;
  const auto expand = [](const std::vector<OffsetRun>& runs) {
    Offsets offsets;
    for (const auto& run : runs) {
      for (std::uint64_t i = 0; i < run.count; ++i) offsets.push_back(run.first + run.stride * i);
    }
    return offsets;
  };
  for (const auto& offsets : {Offsets{}, Offsets{7}, Offsets{1, 2, 3, 4}, Offsets{9, 5, 1}, Offsets{5, 5, 5},
                              Offsets{0, 10, 20, 25, 30, 7, 8}}) {
    CHECK(expand(to_runs(offsets)) == offsets);
  }
  CHECK(to_runs({1, 2, 3, 4}).size() == 1);
  CHECK(to_runs({0, 10, 20, 25, 30, 7, 8}).size() == 3);
}

TEST_CASE("a long regular list of tiles is short in the index and in messages") {
  std::vector<StoredLeaf> leaves = {make("a", Kind::sharded, Dtype::u8, {100000})};
  leaves[0].tiling.kind = TileKind::grid;
  leaves[0].tiling.cell = {1};
  for (std::uint64_t i = 0; i < 100000; ++i) leaves[0].tiling.offsets.push_back(4096 * i);
  CHECK(encode_index(leaves).size() < 200);
  CHECK(pack_leaves(leaves).size() < 200);
  check_equal(decode_index(encode_index(leaves), std::uint64_t{1} << 40), leaves);
}
