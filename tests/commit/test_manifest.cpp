#include "cairn/error.hpp"
#include "commit/manifest.hpp"
#include "commit/timestamp.hpp"

#include <cmath>
#include <limits>

#include <catch2/catch.hpp>

using namespace cairn;
using nlohmann::json;

namespace {

commit::CheckpointableEntry some_entry() {
  commit::CheckpointableEntry entry;
  entry.handler = "tree";
  entry.file = "state.h5";
  entry.bytes = 1 << 20;
  entry.data_bytes = 4096;
  entry.leaves = 3;
  entry.structure = {{0, 2048}, {2048, 100}, {8192, 4096}};
  entry.structure_digest = {0x1111, ~std::uint64_t{0}};
  entry.index_offset = 2000;
  entry.index_bytes = 148;
  entry.table_offset = 16384;
  entry.table_rows = 128;
  entry.row_ndims = 3;
  entry.row_bytes = 64;
  entry.table_digest = {7, 8};
  return entry;
}

commit::Manifest some_manifest() {
  commit::Manifest manifest;
  manifest.world_size = 6;
  manifest.library_version = "0.1.0";
  manifest.save_id = {0xabc, 0x123};
  manifest.created = *commit::parse_timestamp("2024-02-29T23:59:58.123456789Z");
  manifest.custom_metadata =
      Json(json{{"lr", 1e-3}, {"text", "\xc3\xa4 \"digest\": \"\n}"}, {"list", {1, nullptr}}});
  manifest.metrics = {{"loss", 0.1}, {"negative", -1e300}};
  manifest.checkpointables["state"] = some_entry();
  commit::CheckpointableEntry loader;
  loader.handler = "json";
  commit::set_files(loader, {{"loader.json", 17, {3, 4}}, {"loader.bin", 0, {5, 6}}});
  manifest.checkpointables["loader"] = loader;
  return manifest;
}

ErrorCode code_of_decoding(const std::string& text) {
  try {
    commit::decode(text);
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode{};
}

/// The text after `change` to its JSON, with a digest that fits again.
template <class Change>
std::string changed(Change change) {
  auto value = json::parse(commit::encode(some_manifest()));
  change(value);
  value.erase("digest");
  std::string text = value.dump(2);
  text.resize(text.size() - 2);
  text += ",\n  \"digest\": \"";
  const auto at = text.size();
  text += std::string(32, '0') + "\"\n}\n";
  return text.replace(at, 32, base::to_hex(base::digest(text)));
}

json& state_of(json& value) {
  return value["checkpointables"]["state"];
}

}  // namespace

TEST_CASE("a manifest goes round") {
  const auto manifest = some_manifest();
  const std::string text = commit::encode(manifest);
  const auto back = commit::decode(text);
  REQUIRE(back.format_version == 1);
  REQUIRE(back.world_size == 6);
  REQUIRE(back.library_version == "0.1.0");
  REQUIRE(back.save_id == manifest.save_id);
  REQUIRE(back.created == manifest.created);
  REQUIRE(back.custom_metadata.text() == manifest.custom_metadata.text());
  REQUIRE(back.metrics == manifest.metrics);
  REQUIRE(back.checkpointables.size() == 2);
  const auto& state = back.checkpointables.at("state");
  const auto expected = some_entry();
  REQUIRE(state.handler == expected.handler);
  REQUIRE(state.file == expected.file);
  REQUIRE(state.bytes == expected.bytes);
  REQUIRE(state.data_bytes == expected.data_bytes);
  REQUIRE(state.leaves == expected.leaves);
  REQUIRE(state.structure == expected.structure);
  REQUIRE(state.structure_digest == expected.structure_digest);
  REQUIRE(state.index_offset == expected.index_offset);
  REQUIRE(state.index_bytes == expected.index_bytes);
  REQUIRE(state.checksums);
  REQUIRE(state.table_offset == expected.table_offset);
  REQUIRE(state.table_rows == expected.table_rows);
  REQUIRE(state.row_ndims == expected.row_ndims);
  REQUIRE(state.row_bytes == expected.row_bytes);
  REQUIRE(state.table_digest == expected.table_digest);
  REQUIRE(back.checkpointables.at("loader").bytes == 17);
  REQUIRE(commit::encode(back) == text);
  REQUIRE(json::parse(text)["save_id"] == "00000000000001230000000000000abc");
}

TEST_CASE("a manifest without checksums, and one without checkpointables, go round") {
  auto manifest = some_manifest();
  manifest.checkpointables["state"].checksums = false;
  REQUIRE_FALSE(commit::decode(commit::encode(manifest)).checkpointables.at("state").checksums);
  manifest.checkpointables.clear();
  REQUIRE(commit::decode(commit::encode(manifest)).checkpointables.empty());
}

TEST_CASE("metrics that JSON has no number for go round") {
  auto manifest = some_manifest();
  constexpr double infinity = std::numeric_limits<double>::infinity();
  manifest.metrics = {
      {"nan", std::nan("")}, {"up", infinity}, {"down", -infinity}, {"tiny", 5e-324}, {"zero", -0.0}};
  const auto metrics = commit::decode(commit::encode(manifest)).metrics;
  REQUIRE(metrics.size() == 5);
  REQUIRE(std::isnan(metrics.at("nan")));
  REQUIRE(metrics.at("up") == infinity);
  REQUIRE(metrics.at("down") == -infinity);
  REQUIRE(metrics.at("tiny") == 5e-324);
  REQUIRE(std::signbit(metrics.at("zero")));
}

TEST_CASE("any JSON is custom metadata") {
  auto manifest = some_manifest();
  json deep = 1;
  for (int i = 0; i < 100; ++i) deep = json::array({deep, {{"digest", std::string(32, '0')}}});
  for (const json& value : {json(), json(true), json(-7), json(18446744073709551615u), json(0.1),
                            json("text"), json::array(), json::object(), deep}) {
    manifest.custom_metadata = Json(value);
    REQUIRE(commit::decode(commit::encode(manifest)).custom_metadata.value() == value);
  }
}

TEST_CASE("metadata that is not UTF-8 is refused when it is written") {
  auto manifest = some_manifest();
  manifest.metrics = {{"\xff", 1.0}};
  try {
    commit::encode(manifest);
    FAIL();
  } catch (const Error& error) {
    REQUIRE(error.code() == ErrorCode::invalid_argument);
  }
  manifest.metrics = {};
  manifest.custom_metadata = Json(json("\xff"));
  try {
    commit::encode(manifest);
    FAIL();
  } catch (const Error& error) {
    REQUIRE(error.code() == ErrorCode::invalid_argument);
  }
}

TEST_CASE("every changed byte of a manifest is found") {
  const std::string text = commit::encode(some_manifest());
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char flip : {'\x01', '\x20', '\x80'}) {
      std::string changed = text;
      changed[at] = static_cast<char>(changed[at] ^ flip);
      INFO("byte " << at);
      const auto code = code_of_decoding(changed);
      REQUIRE((code == ErrorCode::corrupt || code == ErrorCode::not_a_checkpoint));
    }
  }
}

TEST_CASE("a truncated or extended manifest is found") {
  const std::string text = commit::encode(some_manifest());
  for (std::size_t size = 0; size < text.size(); ++size) {
    REQUIRE(code_of_decoding(text.substr(0, size)) == ErrorCode::corrupt);
  }
  REQUIRE(code_of_decoding(text + "\n") == ErrorCode::corrupt);
  REQUIRE(code_of_decoding(text + text) == ErrorCode::corrupt);
  REQUIRE(code_of_decoding(std::string(text.size(), '\0')) == ErrorCode::corrupt);
}

TEST_CASE("what is no manifest is told from a damaged one") {
  REQUIRE(code_of_decoding("{\"a\": 1}") == ErrorCode::not_a_checkpoint);
  REQUIRE(code_of_decoding("[]") == ErrorCode::not_a_checkpoint);
  REQUIRE(code_of_decoding("\x89HDF garbage") == ErrorCode::corrupt);
  REQUIRE(code_of_decoding("") == ErrorCode::corrupt);
  REQUIRE(code_of_decoding(changed([](json& value) { value["format"] = "other"; })) ==
          ErrorCode::not_a_checkpoint);
  REQUIRE(code_of_decoding(changed([](json& value) { value["format_version"] = 2; })) ==
          ErrorCode::unsupported);
  REQUIRE(code_of_decoding(changed([](json&) {})) == ErrorCode{});
}

TEST_CASE("members that are missing, absurd or of another type are refused, whatever the digest says") {
  const auto refused = [](auto change) {
    const std::string text = changed(change);
    INFO(text);
    REQUIRE(code_of_decoding(text) == ErrorCode::corrupt);
  };
  for (const char* name : {"library_version", "save_id", "created", "world_size", "checkpointables",
                           "custom_metadata", "metrics", "format_version"}) {
    refused([&](json& value) { value.erase(name); });
  }
  for (const char* name : {"file", "handler", "bytes", "data_bytes", "leaves", "structure",
                           "structure_digest", "index", "table"}) {
    refused([&](json& value) { state_of(value).erase(name); });
    refused([&](json& value) { state_of(value)[name] = -1; });
    refused([&](json& value) { state_of(value)[name] = 1e300; });
  }
  refused([](json& value) { value["world_size"] = 0; });
  refused([](json& value) { value["world_size"] = 1ull << 40; });
  refused([](json& value) { value["format_version"] = 0; });
  refused([](json& value) { value["save_id"] = std::string(32, '0'); });
  refused([](json& value) { value["created"] = "yesterday"; });
  refused([](json& value) { value["created"] = "2023-02-29T00:00:00.000000000Z"; });
  refused([](json& value) { value["metrics"] = json::array(); });
  refused([](json& value) { value["metrics"]["loss"] = "good"; });
  refused([](json& value) { value["checkpointables"] = json::array(); });
  const auto first_file = [](json& value) -> json& { return value["checkpointables"]["loader"]["files"][0]; };
  refused([&](json& value) { first_file(value)["name"] = "state.h5"; });
  refused([&](json& value) { first_file(value)["name"] = "loader.json"; });  // twice
  refused([&](json& value) { first_file(value)["name"] = "../x"; });
  refused([&](json& value) { first_file(value)["bytes"] = -1; });
  refused([&](json& value) { first_file(value)["digest"] = "0"; });
  refused([&](json& value) { first_file(value) = 1; });
  refused([](json& value) { value["checkpointables"]["loader"].erase("files"); });
  for (const char* name : {"bytes", "digest", "name"})
    refused([&](json& value) { first_file(value).erase(name); });
  for (const char* name : {"", ".x", "_x", "metrics", "a/b"}) {
    refused([&](json& value) { value["checkpointables"][name] = value["checkpointables"]["loader"]; });
  }
  for (const char* name : {"", ".", "..", ".x", "../x", "/etc/passwd", "a/b"}) {
    refused([&](json& value) { state_of(value)["file"] = name; });
  }
}

TEST_CASE("ranges that overlap or pass the end of the file are refused") {
  const auto refused = [](auto change) {
    REQUIRE(code_of_decoding(changed([&](json& value) { change(state_of(value)); })) == ErrorCode::corrupt);
  };
  static constexpr std::uint64_t huge = 9223372036854775807u;
  refused([](json& state) { state["structure"] = {{0, 2048}, {2047, 10}}; });
  refused([](json& state) { state["structure"] = {{2048, 100}, {0, 2048}}; });
  refused([](json& state) { state["structure"][0] = {0, 0}; });
  refused([](json& state) { state["structure"][2] = {8192, 1 << 20}; });
  refused([](json& state) { state["structure"][2] = {huge, huge}; });
  refused([](json& state) { state["structure"][2] = {8192}; });
  refused([](json& state) { state["structure"][2] = {8192, 1, 1}; });
  refused([](json& state) { state["index"]["bytes"] = 149; });
  refused([](json& state) { state["index"]["offset"] = huge; });
  refused([](json& state) { state["table"]["offset"] = 8192; });
  refused([](json& state) { state["table"]["offset"] = huge; });
  refused([](json& state) { state["table"]["rows"] = huge; });
  refused([](json& state) { state["table"]["rows"] = 16129; });
  refused([](json& state) { state["table"]["row_bytes"] = 32; });
  refused([](json& state) { state["table"]["row_ndims"] = 4; });
  refused([](json& state) { state["bytes"] = 10000; });
}

TEST_CASE("times go round to the nanosecond, before 1970 as well") {
  for (const char* text : {"1970-01-01T00:00:00.000000000Z", "2024-02-29T23:59:59.999999999Z",
                           "1969-12-31T23:59:59.000000001Z", "2261-12-31T23:59:59.999999999Z"}) {
    const auto time = commit::parse_timestamp(text);
    REQUIRE(time);
    REQUIRE(commit::to_timestamp(*time) == text);
  }
  for (const char* text : {"", "2024-02-30T00:00:00.000000000Z", "2024-01-01T24:00:00.000000000Z",
                           "2024-01-01T00:60:00.000000000Z", "2024-01-01T00:00:60.000000000Z",
                           "2024-01-01 00:00:00.000000000Z", "2024-01-01T00:00:00.000000000",
                           "2024-13-01T00:00:00.000000000Z", "9999-01-01T00:00:00.000000000Z"}) {
    REQUIRE_FALSE(commit::parse_timestamp(text));
  }
}
