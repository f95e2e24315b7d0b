#include "base/json.hpp"

#include <cmath>

#include <catch2/catch.hpp>

using cairn::Json;
using cairn::base::json_problem;

TEST_CASE("JSON is null unless it is given something") {
  CHECK(Json().text() == "null");
  CHECK(json_problem(Json()).empty());
}

TEST_CASE("braces of pairs are an object, other braces an array") {
  const Json object = {{"lr", 1e-3}, {"name", "adam"}};
  CHECK(object.text() == R"({"lr":0.001,"name":"adam"})");
  const Json one_pair = {{"lr", 1e-3}};
  CHECK(one_pair.text() == R"({"lr":0.001})");
  const Json array = {1, 2};
  CHECK(array.text() == "[1,2]");
}

TEST_CASE("braces around a value mean the value") {
  const nlohmann::json existing = {{"a", 1}};
  CHECK(Json{existing}.text() == R"({"a":1})");
  const nlohmann::json array = {1, 2, 3};
  CHECK(Json{array}.text() == "[1,2,3]");
  const nlohmann::json pair = nlohmann::json::array({"a", 1});
  CHECK(Json{pair}.text() == R"(["a",1])");
  CHECK(Json{5}.text() == "5");
  CHECK(Json{nlohmann::json::array({5})}.text() == "[5]");
  CHECK(Json(array).text() == "[1,2,3]");
}

TEST_CASE("values come back") {
  const Json json = {{"lr", 0.5}, {"layers", {1, 2}}};
  const auto value = json.value();
  CHECK(value["lr"] == 0.5);
  CHECK(value["layers"].size() == 2);
  CHECK(json.value<nlohmann::ordered_json>()["lr"] == 0.5);
}

TEST_CASE("a number that is not finite becomes null") {
  CHECK(Json{{"loss", std::nan("")}}.text() == R"({"loss":null})");
}

TEST_CASE("text that is not UTF-8 does not throw where it stands, and is told to the next collective call") {
  const nlohmann::json bad = {{"note", "\xff\xfe"}};
  STATIC_REQUIRE(std::is_nothrow_constructible_v<Json, const nlohmann::json&>);
  const Json json(bad);
  CHECK(json_problem(json).find("UTF-8") != std::string::npos);
  CHECK_THROWS(json.value());
  CHECK(json_problem(Json{{"note", "\xff"}}).find("UTF-8") != std::string::npos);
  CHECK(json_problem(Json{{"note", "gr\xc3\xbc\xc3\x9f"}}).empty());
}
