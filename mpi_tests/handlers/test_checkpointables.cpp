#include "folder.hpp"
#include "generation.hpp"

#include <fstream>
#include <numeric>
#include <sstream>

#include <catch2/catch.hpp>

using namespace mpi_test;
using nlohmann::json;

namespace {

std::string text_of(const cairn::Path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

/// Which samples each rank has still to read: divided anew over another number of ranks.
struct Loader {
  std::vector<int> left;
  int calls_with_all = 0;

  json save_state() const { return {{"left", left}}; }
  void load_state(const json& state) { left = state.at("left").get<std::vector<int>>(); }
  void load_state(const std::vector<json>& states, int rank, int ranks) {
    ++calls_with_all;
    std::vector<int> all;
    for (const auto& state : states)
      for (int sample : state.at("left").get<std::vector<int>>()) all.push_back(sample);
    left.clear();
    for (std::size_t i = static_cast<std::size_t>(rank); i < all.size(); i += static_cast<std::size_t>(ranks))
      left.push_back(all[i]);
  }
};

/// Cannot be divided; its state is a plain number.
struct Counter {
  long value = 0;
  long save_state() const { return value; }
  void load_state(long state) { value = state; }
};

struct Text {
  std::string value;
  cairn::Json save_state() const { return cairn::Json(json(value)); }
  void load_state(const cairn::Json& state) { value = state.value().get<std::string>(); }
};

struct Throwing {
  int on = 0;
  bool when_saved = true;
  json save_state() const {
    if (when_saved && cairn::testing::rank() == on) throw std::runtime_error("the loader is broken");
    return 1;
  }
  void load_state(const json&) {
    if (!when_saved && cairn::testing::rank() == on) throw std::runtime_error("the loader is broken");
  }
};

struct Setting {
  SharedFolder folder{MPI_COMM_WORLD};
  Generation state{MPI_COMM_WORLD}, other{MPI_COMM_WORLD};
  cairn::Context context{MPI_COMM_WORLD};
  cairn::Path path = folder.path() / "checkpoint";
  Setting() {
    context.io.fsync = false;
    state.fill(9);
    other.fill(4);
  }

  std::shared_ptr<cairn::Error> save(const cairn::Checkpointables& things,
                                     const cairn::SaveOptions& options = {}) {
    return common_outcome(MPI_COMM_WORLD,
                          [&] { cairn::save_checkpointables(context, path, things, options); });
  }
  std::shared_ptr<cairn::Error> load(const cairn::Checkpointables& things,
                                     const cairn::LoadOptions& options = {}) {
    return common_outcome(MPI_COMM_WORLD,
                          [&] { cairn::load_checkpointables(context, path, things, options); });
  }
};

void check_error(const std::shared_ptr<cairn::Error>& error, cairn::ErrorCode code, const std::string& part) {
  REQUIRE(error);
  INFO(error->what());
  CHECK(error->code() == code);
  CHECK(std::string(error->what()).find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("trees, JSON, stateful objects and files go round together, and each alone") {
  for (const bool background : {false, true}) {
    Setting s;
    const int rank = cairn::testing::rank();
    Loader loader{{rank, 10 + rank}};
    Counter counter{42};
    Text note{"caf\xc3\xa9"};
    json config = {{"lr", 1e-3}, {"layers", {1, 2, 3}}};
    const auto source = s.folder.path() / "input.txt";
    if (rank == 0) std::ofstream(source) << std::string(3 << 20, 'x') << "end";
    MPI_Barrier(MPI_COMM_WORLD);
    const cairn::Checkpointables things = {
        {"model", s.state.tree},
        {"optimizer", s.other.tree},
        {"loader", cairn::stateful(loader)},
        {"counter", cairn::stateful(counter, cairn::StateScope::replicated)},
        {"note", cairn::stateful(note)},
        {"config", config},
        {"input.txt", cairn::file(source)}};
    if (background) {
      auto response = cairn::save_checkpointables_async(s.context, s.path, things);
      // States are those of the moment of the call.
      s.state.fill(0);
      loader.left = {77};
      counter.value = 1;
      config = 3;
      response.result();
    } else {
      cairn::save_checkpointables(s.context, s.path, things);
    }
    if (rank == 0) {
      CHECK(json::parse(text_of(s.path / "config.json")) == json{{"lr", 1e-3}, {"layers", {1, 2, 3}}});
      CHECK(std::filesystem::file_size(s.path / "input.txt") == (3 << 20) + 3);
      CHECK(s.folder.hidden().empty());
    }
    s.state.fill(0);
    s.other.fill(0);
    loader.left.clear();
    counter.value = 0;
    note.value.clear();
    config = nullptr;
    cairn::load_checkpointables(s.context, s.path, {{"optimizer", s.other.tree}});
    CHECK(s.other.number == 4);
    CHECK(s.other.whole());
    CHECK(s.state.number == 0);
    CHECK(loader.left.empty());

    const auto out = s.folder.path() / "copy.txt";
    if (rank == 0) std::ofstream(out) << "old";
    MPI_Barrier(MPI_COMM_WORLD);
    cairn::load_checkpointables(s.context, s.path,
                                {{"input.txt", cairn::file(out)},
                                 {"config", config},
                                 {"note", cairn::stateful(note)},
                                 {"counter", cairn::stateful(counter, cairn::StateScope::replicated)},
                                 {"loader", cairn::stateful(loader)},
                                 {"model", s.state.tree}});
    CHECK(s.state.number == 9);
    CHECK(s.state.whole());
    CHECK(loader.left == std::vector<int>{rank, 10 + rank});
    CHECK(loader.calls_with_all == 0);
    CHECK(counter.value == 42);
    CHECK(note.value == "caf\xc3\xa9");
    CHECK(config == json{{"lr", 1e-3}, {"layers", {1, 2, 3}}});
    if (rank == 0) CHECK(text_of(out) == std::string(3 << 20, 'x') + "end");
    CHECK(cairn::verify(s.context, s.path).empty());
    // A tree is loaded alone too.
    s.state.fill(0);
    cairn::load(s.context, s.path, s.state.tree, {.checkpointable_name = "model"});
    CHECK(s.state.number == 9);
    MPI_Barrier(MPI_COMM_WORLD);
  }
}

TEST_CASE("states of each rank are divided anew over fewer ranks, or refused where they cannot be") {
  Setting s;
  const int size = cairn::testing::size(), rank = cairn::testing::rank();
  Loader loader{{2 * rank, 2 * rank + 1}};
  Counter counter{rank}, shared{5};
  REQUIRE_FALSE(s.save({{"loader", cairn::stateful(loader)},
                        {"counter", cairn::stateful(counter)},
                        {"shared", cairn::stateful(shared, cairn::StateScope::replicated)}}));
  const cairn::testing::FirstRanks fewer(1);
  if (fewer.contains_me()) {
    cairn::Context context(fewer.comm());
    loader.left.clear();
    cairn::load_checkpointables(context, s.path, {{"loader", cairn::stateful(loader)}});
    std::vector<int> all(static_cast<std::size_t>(2 * size));
    std::iota(all.begin(), all.end(), 0);
    CHECK(loader.left == all);
    CHECK(loader.calls_with_all == (size > 1 ? 1 : 0));
    shared.value = 0;
    cairn::load_checkpointables(context, s.path, {{"shared", cairn::stateful(shared)}});
    CHECK(shared.value == 5);
    const auto error = outcome([&] {
      cairn::load_checkpointables(context, s.path, {{"counter", cairn::stateful(counter)}});
    });
    if (size == 1)
      CHECK_FALSE(error);
    else
      check_error(error, cairn::ErrorCode::mismatch, "load_state(states, rank, ranks)");
  }
}

TEST_CASE("what cannot be saved is one error on all ranks, and nothing is left") {
  using cairn::ErrorCode;
  Setting s;
  cairn::Tree empty;
  json null, config = 1;
  Loader loader;
  struct Foreign {
  } foreign;
  check_error(s.save({}), ErrorCode::invalid_argument, "no checkpointable was given");
  for (const char* name : {"", ".hidden", "_x", "a/b", "metrics", "line\nbreak"})
    check_error(s.save({{name, s.state.tree}}), ErrorCode::invalid_argument, "name");
  check_error(s.save({{"a", s.state.tree}, {"b", config}, {"a", config}}), ErrorCode::invalid_argument,
              "`a`: is given twice");
  check_error(s.save({{"model", empty}}), ErrorCode::invalid_argument, "empty");
  check_error(s.save({{"config", null}}), ErrorCode::invalid_argument, "null");
  check_error(s.save({{"thing", cairn::object(foreign)}}), ErrorCode::invalid_argument,
              "no handler takes an object of type");
  check_error(s.save({{"thing", cairn::object(foreign)}}), ErrorCode::invalid_argument,
              "tree, json, stateful, file");
  check_error(s.save({{"input", cairn::file(s.folder.path() / "nothing")}}), ErrorCode::not_found, "nothing");
  check_error(s.save({{"input", cairn::file({})}}), ErrorCode::invalid_argument, "without a path");
  check_error(s.save({{"input", cairn::file(s.folder.path())}}), ErrorCode::invalid_argument,
              "no regular file");
  check_error(s.save({{"checkpoint", config}}), ErrorCode::invalid_argument, "library's own");
  check_error(s.save({{"votes", cairn::file(__FILE__)}}), ErrorCode::invalid_argument, "library's own");
  check_error(s.save({{"a", s.state.tree}, {"a.h5", cairn::file("/proc/version")}}),
              ErrorCode::invalid_argument, "both have a file a.h5");
  json broken = "\xff";
  check_error(s.save({{"config", broken}}), ErrorCode::invalid_argument, "UTF-8");
  if (cairn::testing::size() > 1) {
    const bool last = cairn::testing::rank() == cairn::testing::size() - 1;
    json differs = last ? 2 : 1;
    check_error(s.save({{"config", differs}}), ErrorCode::mismatch, "differs between ranks");
    Counter counter{last ? 2 : 1};
    check_error(s.save({{"counter", cairn::stateful(counter, cairn::StateScope::replicated)}}),
                ErrorCode::mismatch, "differs between ranks");
    check_error(s.save({{last ? "b" : "a", config}}), ErrorCode::mismatch, "`a`");
    cairn::Checkpointables kinds;
    kinds.add("x", last ? cairn::stateful(loader) : cairn::Checkpointable(config));
    check_error(s.save(kinds), ErrorCode::mismatch, "`x` is json on rank 0, stateful");
    cairn::Checkpointables more = {{"a", config}};
    if (last) more.add("b", config);
    check_error(s.save(more), ErrorCode::mismatch, "`b`");
    // One rank's tree fails the plan of the second tree.
    cairn::Tree odd;
    odd["x"] = cairn::replicated(s.state.table, {last ? 7 : 8});
    check_error(s.save({{"a", s.state.tree}, {"odd", odd}}), ErrorCode::invalid_argument, "`x`");
  }
  for (int victim = 0; victim < cairn::testing::size(); ++victim) {
    Throwing broken_loader{victim};
    const auto error = s.save({{"a", s.state.tree}, {"loader", cairn::stateful(broken_loader)}});
    check_error(error, ErrorCode::internal, "the loader is broken");
    CHECK(error->rank() == victim);
  }
  if (cairn::testing::rank() == 0) {
    CHECK(s.folder.hidden().empty());
    CHECK_FALSE(std::filesystem::exists(s.path));
  }
}

TEST_CASE("what cannot be loaded is one error on all ranks") {
  using cairn::ErrorCode;
  Setting s;
  json config = 1;
  Loader loader;
  REQUIRE_FALSE(s.save({{"model", s.state.tree}, {"config", config}, {"loader", cairn::stateful(loader)}}));
  check_error(s.load({{"weights", s.state.tree}}), ErrorCode::not_found, "config, loader, model");
  check_error(s.load({}), ErrorCode::invalid_argument, "no checkpointable");
  check_error(s.load({{"model", config}}), ErrorCode::mismatch, "saved by the handler tree");
  check_error(s.load({{"config", s.state.tree}}), ErrorCode::mismatch, "saved by the handler json");
  check_error(s.load({{"config", json()}}), ErrorCode::invalid_argument, "temporary");
  const json constant = 1;
  check_error(s.load({{"config", constant}}), ErrorCode::invalid_argument, "const");
  // Nothing is touched where a later tree does not fit.
  Generation fresh(MPI_COMM_WORLD);
  cairn::Tree wrong;
  std::vector<double> small(3);
  wrong["unknown"] = cairn::replicated(small);
  s.path = s.folder.path() / "two";
  REQUIRE_FALSE(s.save({{"a", s.state.tree}, {"b", s.other.tree}}));
  check_error(s.load({{"a", fresh.tree}, {"b", wrong}}), ErrorCode::mismatch, "unknown");
  CHECK(fresh.number == 0);
  for (int victim = 0; victim < cairn::testing::size(); ++victim) {
    Throwing broken{victim, false};
    s.path = s.folder.path() / ("throwing-" + std::to_string(victim));
    REQUIRE_FALSE(s.save({{"loader", cairn::stateful(broken)}}));
    const auto error = s.load({{"loader", cairn::stateful(broken)}});
    check_error(error, ErrorCode::internal, "`loader`: the loader is broken");
    CHECK(error->rank() == victim);
  }
}

TEST_CASE("a damaged file of a thing that is no tree is found before it is loaded, and by verify") {
  Setting s;
  json config = {{"lr", 0.5}};
  REQUIRE_FALSE(s.save({{"config", config}}));
  const auto file = s.path / "config.json";
  const auto good = text_of(file);
  const auto replace = [&](const std::string& text) {
    MPI_Barrier(MPI_COMM_WORLD);
    if (cairn::testing::rank() == 0) std::ofstream(file) << text;
    MPI_Barrier(MPI_COMM_WORLD);
  };
  auto bad = good;
  bad[2] ^= 1;
  for (const auto& text : {bad, good + " ", std::string()}) {
    replace(text);
    check_error(s.load({{"config", config}}), cairn::ErrorCode::corrupt, "config.json");
    const auto errors = cairn::verify(s.context, s.path);
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].code() == cairn::ErrorCode::corrupt);
  }
  MPI_Barrier(MPI_COMM_WORLD);
  if (cairn::testing::rank() == 0) std::filesystem::remove(file);
  MPI_Barrier(MPI_COMM_WORLD);
  check_error(s.load({{"config", config}}), cairn::ErrorCode::corrupt, "is missing");
  replace(good);
  CHECK_FALSE(s.load({{"config", config}}));
}

TEST_CASE("a file that is not JSON is found without its digest, too") {
  Setting s;
  s.context.integrity.verify = cairn::Verify::off;
  Counter counter{5};
  json config = {{"lr", 0.5}};
  REQUIRE_FALSE(s.save({{"config", config}, {"counter", cairn::stateful(counter)}}));
  for (const char* name : {"config", "counter"}) {
    const auto file = s.path / (std::string(name) + ".json");
    const auto good = text_of(file);
    MPI_Barrier(MPI_COMM_WORLD);
    if (cairn::testing::rank() == 0) std::ofstream(file) << std::string(good.size(), '[');
    MPI_Barrier(MPI_COMM_WORLD);
    if (std::string(name) == "config")
      check_error(s.load({{"config", config}}), cairn::ErrorCode::corrupt, name);
    else
      check_error(s.load({{"counter", cairn::stateful(counter)}}), cairn::ErrorCode::corrupt, "is not JSON");
  }
  CHECK(config == json{{"lr", 0.5}});
  CHECK(counter.value == 5);
}

TEST_CASE("metadata and metrics are kept with several things") {
  Setting s;
  json config = {{"lr", 0.5}};
  cairn::SaveOptions options;
  options.metrics = {{"loss", 0.25}, {"worst", std::numeric_limits<double>::infinity()}};
  options.custom_metadata = {{"run", 7}};
  REQUIRE_FALSE(s.save({{"model", s.state.tree}, {"config", config}}, options));
  const auto found = cairn::metadata(s.context, s.path);
  CHECK(found.metrics == options.metrics);
  CHECK(found.custom_metadata.value().at("run") == 7);
  REQUIRE(found.checkpointables.size() == 2);
  CHECK(found.checkpointables.at("model").handler == "tree");
  CHECK(found.checkpointables.at("model").leaves.size() == s.state.tree.size());
  CHECK(found.checkpointables.at("config").handler == "json");
  CHECK(found.checkpointables.at("config").file == "config.json");
  CHECK(found.checkpointables.at("config").bytes == 11);
  options.metrics = {{"\xff", 1}};
  options.overwrite = true;
  check_error(s.save({{"config", config}}, options), cairn::ErrorCode::invalid_argument, "metrics");
}

TEST_CASE("an object of the save's arguments does what the functions do") {
  Setting s;
  json config = {{"lr", 0.5}};
  auto [checkpointer, args] =
      cairn::make_checkpointer_and_args(s.context, s.path, {{"model", s.state.tree}, {"config", config}});
  auto first = checkpointer.save(args);
  args.path = s.folder.path() / "second";
  config = {{"lr", 0.25}};
  static_cast<void>(checkpointer.save(args));  // dropped
  CHECK(first.poll());                         // it waited for the first
  first.result();
  checkpointer.wait();
  CHECK(cairn::is_checkpoint(s.context, args.path));
  json loaded;
  cairn::load_checkpointables(s.context, args.path, {{"config", loaded}});
  CHECK(loaded == config);
  // A dropped save that failed is told by the next call.
  static_cast<void>(checkpointer.save({s.folder.path() / "third", {{"model", s.state.tree}}, {}}));
  checkpointer.wait();
  const auto error = common_outcome(MPI_COMM_WORLD, [&] { static_cast<void>(checkpointer.save(args)); });
  check_error(error, cairn::ErrorCode::already_exists, "second");
}

TEST_CASE("the old names of save still work") {
  Setting s;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  cairn::save_pytree(s.context, s.path, s.state.tree);
  cairn::save_pytree_async(s.context, s.path, s.state.tree, {.overwrite = true}).result();
#pragma GCC diagnostic pop
  CHECK(stored_generation(MPI_COMM_WORLD, s.path) == 9);
}

TEST_CASE("options of a scope hold for contexts made of a communicator alone, and end with it") {
  cairn::Options outer, inner;
  outer.ranks.timeout_s = 11;
  inner.ranks.timeout_s = 22;
  const double before = cairn::Context(MPI_COMM_WORLD).ranks.timeout_s;
  {
    const cairn::ContextScope first(outer);
    CHECK(cairn::Context(MPI_COMM_WORLD).ranks.timeout_s == 11);
    {
      const cairn::ContextScope second(inner);
      CHECK(cairn::Context(MPI_COMM_WORLD).ranks.timeout_s == 22);
    }
    CHECK(cairn::Context(MPI_COMM_WORLD).ranks.timeout_s == 11);
    CHECK(cairn::Context(MPI_COMM_WORLD, cairn::Options()).ranks.timeout_s == before);
  }
  CHECK(cairn::Context(MPI_COMM_WORLD).ranks.timeout_s == before);
}

TEST_CASE("the ranks of a sub-communicator save and load without the others, with a primary of their own") {
  const int size = cairn::testing::size();
  SharedFolder folder(MPI_COMM_WORLD);
  const cairn::testing::FirstRanks some(std::max(1, size - 1));
  if (some.contains_me()) {
    cairn::Context context(some.comm());
    context.ranks.primary = cairn::testing::size(some.comm()) - 1;
    context.files.prefix = folder.path().string();
    Generation state(some.comm());
    state.fill(3);
    json config = 5;
    cairn::save_checkpointables(context, "part", {{"state", state.tree}, {"config", config}});
    state.fill(0);
    config = 0;
    cairn::load_checkpointables(context, "part", {{"state", state.tree}, {"config", config}});
    CHECK(state.whole());
    CHECK(state.number == 3);
    CHECK(config == 5);
  } else {
    const auto error = outcome([&] { cairn::is_checkpoint(some.comm(), folder.path()); });
    check_error(error, cairn::ErrorCode::invalid_argument, "MPI_COMM_NULL");
  }
}
