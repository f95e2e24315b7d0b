#include "folder.hpp"
#include "generation.hpp"

#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

using namespace mpi_test;
using cairn::ErrorCode;
using nlohmann::json;

namespace {

struct Mesh {
  std::vector<int> cells;
};

/// One file a rank, written in the background; ranks that have nothing name none.
class MeshHandler final : public cairn::Handler {
 public:
  explicit MeshHandler(std::string type = "mesh") : type_(std::move(type)) {}

  std::string type() const override { return type_; }
  bool handles(const cairn::Checkpointable& thing) const override {
    return thing.get_if<const Mesh>() != nullptr;
  }

  std::function<void()> save(cairn::HandlerScope& scope, const cairn::Checkpointable& thing) override {
    ++saves;
    const auto cells = thing.get_if<const Mesh>()->cells;
    int rank = 0;
    MPI_Comm_rank(scope.context().comm(), &rank);
    if (throw_in_save == rank) throw std::runtime_error("the mesh is broken");
    for (int i = 0; i < agreements + (more_on == rank ? 1 : 0); ++i)
      scope.agree([&] {
        if (throw_in_agree == rank) throw cairn::Error(ErrorCode::unsupported, "the mesh is too odd");
      });
    if (swallow) {
      try {
        scope.agree([&] { throw std::runtime_error("swallowed"); });
      } catch (const cairn::Error&) {
      }
    }
    if (cells.empty()) return {};
    const auto file = scope.file("." + std::to_string(rank) + ".txt");
    return [this, file, cells, rank] {
      if (throw_in_work == rank) throw cairn::Error(ErrorCode::device, "the mesh caught fire");
      std::ofstream out(file);
      for (int cell : cells) out << cell << '\n';
    };
  }

  void load(cairn::HandlerScope& scope, const cairn::Checkpointable& thing) override {
    ++loads;
    if (during_load) during_load();
    int rank = 0;
    MPI_Comm_rank(scope.context().comm(), &rank);
    auto& mesh = *thing.get_if<Mesh>();
    mesh.cells.clear();
    scope.agree([&] {
      std::ifstream in(scope.file("." + std::to_string(rank) + ".txt"));
      for (int cell = 0; in >> cell;) mesh.cells.push_back(cell);
      if (throw_in_load == rank) throw std::runtime_error("the mesh is gone");
    });
  }

  cairn::Json metadata(const cairn::Path& file) const override {
    return {{"first_file", file.filename().string()}};
  }

  int saves = 0, loads = 0, agreements = 1;
  int throw_in_save = -1, throw_in_agree = -1, throw_in_work = -1, throw_in_load = -1, more_on = -1;
  bool swallow = false;
  std::function<void()> during_load = nullptr;

 private:
  std::string type_;
};

/// Takes every JSON value and trees, to a file of its own.
class GreedyHandler final : public cairn::Handler {
 public:
  std::string type() const override { return "greedy"; }
  bool handles(const cairn::Checkpointable& thing) const override {
    return thing.get_if<const json>() || thing.get_if<const cairn::Tree>();
  }
  std::function<void()> save(cairn::HandlerScope& scope, const cairn::Checkpointable&) override {
    const auto file = scope.file(".greedy");
    int rank = 0;
    MPI_Comm_rank(scope.context().comm(), &rank);
    if (rank != 0) return {};
    return [file] { std::ofstream(file) << "greedy"; };
  }
  void load(cairn::HandlerScope& scope, const cairn::Checkpointable& thing) override {
    std::string text;
    std::ifstream(scope.file(".greedy")) >> text;
    if (auto* value = thing.get_if<json>()) *value = text;
  }
};

struct Setting {
  SharedFolder folder{MPI_COMM_WORLD};
  cairn::Context context{MPI_COMM_WORLD};
  cairn::Path path = folder.path() / "checkpoint";
  std::shared_ptr<MeshHandler> handler = std::make_shared<MeshHandler>();
  Mesh mesh{{cairn::testing::rank(), 7}};
  Setting() {
    context.io.fsync = false;
    context.handlers.add(handler);
  }

  std::shared_ptr<cairn::Error> save(const cairn::Checkpointables& things) {
    return common_outcome(MPI_COMM_WORLD,
                          [&] { cairn::save_checkpointables(context, path, things, {.overwrite = true}); });
  }
  std::shared_ptr<cairn::Error> load(const cairn::Checkpointables& things) {
    return common_outcome(MPI_COMM_WORLD, [&] { cairn::load_checkpointables(context, path, things); });
  }
};

void check_error(const std::shared_ptr<cairn::Error>& error, ErrorCode code, const std::string& part,
                 int rank = -2) {
  REQUIRE(error);
  INFO(error->what());
  CHECK(error->code() == code);
  CHECK(std::string(error->what()).find(part) != std::string::npos);
  if (rank != -2) CHECK(error->rank() == rank);
}

}  // namespace

TEST_CASE("a program's own handler saves and loads, now and in the background, and is recorded by its type") {
  Setting s;
  const auto cells = s.mesh.cells;
  REQUIRE_FALSE(s.save({{"mesh", cairn::object(s.mesh)}}));
  s.mesh.cells.clear();
  REQUIRE_FALSE(s.load({{"mesh", cairn::object(s.mesh)}}));
  CHECK(s.mesh.cells == cells);
  const auto info = cairn::metadata(s.context, s.path).checkpointables.at("mesh");
  CHECK(info.handler == "mesh");
  CHECK(info.metadata.value() == json{{"first_file", "mesh.0.txt"}});
  CHECK(cairn::metadata(s.path).checkpointables.at("mesh").metadata.text() == "null");

  auto response = cairn::save_checkpointables_async(s.context, s.path, {{"mesh", cairn::object(s.mesh)}},
                                                    {.overwrite = true});
  s.mesh.cells = {99};
  response.result();
  REQUIRE_FALSE(s.load({{"mesh", cairn::object(s.mesh)}}));
  CHECK(s.mesh.cells == cells);
  CHECK(cairn::verify(s.context, s.path).empty());
  CHECK(s.handler->saves == 2);
}

TEST_CASE("a handler that fails on one rank, anywhere, fails the save on all, and the old one stands") {
  Setting s;
  REQUIRE_FALSE(s.save({{"mesh", cairn::object(s.mesh)}}));
  const auto cells = s.mesh.cells;
  s.mesh.cells = {1, 2, 3};
  for (int victim = 0; victim < cairn::testing::size(); ++victim) {
    const auto try_with = [&](int MeshHandler::*where, ErrorCode code, const std::string& text) {
      (*s.handler).*where = victim;
      for (const int agreements : {0, 1, 2}) {
        s.handler->agreements = agreements;
        if (where == &MeshHandler::throw_in_agree && agreements == 0) continue;
        check_error(s.save({{"mesh", cairn::object(s.mesh)}}), code, text, victim);
        check_error(common_outcome(MPI_COMM_WORLD,
                                   [&] {
                                     cairn::save_checkpointables_async(s.context, s.path,
                                                                       {{"mesh", cairn::object(s.mesh)}},
                                                                       {.overwrite = true})
                                         .result();
                                   }),
                    code, text, victim);
      }
      (*s.handler).*where = -1;
    };
    try_with(&MeshHandler::throw_in_save, ErrorCode::internal, "the mesh is broken");
    try_with(&MeshHandler::throw_in_agree, ErrorCode::unsupported, "the mesh is too odd");
    try_with(&MeshHandler::throw_in_work, ErrorCode::device, "the mesh caught fire");
  }
  s.handler->swallow = true;
  check_error(s.save({{"mesh", cairn::object(s.mesh)}}), ErrorCode::internal, "swallowed", 0);
  s.handler->swallow = false;
  if (cairn::testing::size() > 1) {
    s.handler->more_on = cairn::testing::size() - 1;
    check_error(s.save({{"mesh", cairn::object(s.mesh)}}), ErrorCode::mismatch, "more often on some ranks");
  }
  s.handler->more_on = -1;
  if (cairn::testing::rank() == 0) CHECK(s.folder.hidden().empty());
  REQUIRE_FALSE(s.load({{"mesh", cairn::object(s.mesh)}}));
  CHECK(s.mesh.cells == cells);
  for (int victim = 0; victim < cairn::testing::size(); ++victim) {
    s.handler->throw_in_load = victim;
    check_error(s.load({{"mesh", cairn::object(s.mesh)}}), ErrorCode::internal, "`mesh`: the mesh is gone",
                victim);
  }
}

TEST_CASE(
    "the handler of a thing: by name, then the last that takes it; at load by name, by recorded type, then "
    "the last") {
  Setting s;
  auto bound = std::make_shared<MeshHandler>("bound"), later = std::make_shared<MeshHandler>("later");
  s.context.handlers.add(bound, "special");
  REQUIRE_FALSE(s.save({{"mesh", cairn::object(s.mesh)}, {"special", cairn::object(s.mesh)}}));
  auto types = [&](const char* name) {
    return cairn::metadata(s.context, s.path).checkpointables.at(name).handler;
  };
  CHECK(types("mesh") == "mesh");
  CHECK(types("special") == "bound");
  // A later one wins on save, but not over the recorded type on load.
  s.context.handlers.add(later);
  REQUIRE_FALSE(s.load({{"mesh", cairn::object(s.mesh)}, {"special", cairn::object(s.mesh)}}));
  CHECK(s.handler->loads == 1);
  CHECK(bound->loads == 1);
  CHECK(later->loads == 0);
  REQUIRE_FALSE(s.save({{"mesh", cairn::object(s.mesh)}}));
  CHECK(types("mesh") == "later");
  // Bound to a name, it serves that name alone.
  cairn::Context only(MPI_COMM_WORLD);
  only.handlers.add(std::make_shared<MeshHandler>("elsewhere"), "other");
  check_error(
      common_outcome(
          MPI_COMM_WORLD,
          [&] {
            cairn::save_checkpointables(only, s.folder.path() / "x", {{"mesh", cairn::object(s.mesh)}});
          }),
      ErrorCode::invalid_argument, "no handler takes");
  check_error(common_outcome(MPI_COMM_WORLD,
                             [&] {
                               cairn::load_checkpointables(only, s.path, {{"mesh", cairn::object(s.mesh)}});
                             }),
              ErrorCode::mismatch, "saved by the handler later");
  // The recorded type is unknown: the last one that takes it.
  cairn::Context unknown(MPI_COMM_WORLD);
  auto reader = std::make_shared<MeshHandler>("reader");
  unknown.handlers.add(std::make_shared<MeshHandler>("first")).add(reader);
  cairn::load_checkpointables(unknown, s.path, {{"mesh", cairn::object(s.mesh)}});
  CHECK(reader->loads == 1);
  // A handler bound to the name that does not take the thing.
  json value = 1;
  check_error(s.save({{"special", value}}), ErrorCode::invalid_argument, "does not take a JSON value");
}

TEST_CASE("a program's handler wins over the library's own") {
  Setting s;
  s.context.handlers.add(std::make_shared<GreedyHandler>());
  json value = 1;
  Generation state(MPI_COMM_WORLD);
  REQUIRE_FALSE(s.save({{"value", value}, {"tree", state.tree}}));
  CHECK(cairn::metadata(s.context, s.path).checkpointables.at("tree").handler == "greedy");
  REQUIRE_FALSE(s.load({{"value", value}}));
  CHECK(value == "greedy");
  check_error(
      common_outcome(MPI_COMM_WORLD,
                     [&] { cairn::load(s.context, s.path, state.tree, {.checkpointable_name = "tree"}); }),
      ErrorCode::mismatch, "greedy");
}

TEST_CASE("handlers that are not the same on all ranks are an error on all") {
  Setting s;
  json value = 1;
  REQUIRE_FALSE(s.save({{"value", value}}));
  if (cairn::testing::size() == 1) return;
  if (cairn::testing::rank() == cairn::testing::size() - 1)
    s.context.handlers.add(std::make_shared<GreedyHandler>(), "value");
  check_error(s.load({{"value", value}}), ErrorCode::mismatch, "other handlers");
  check_error(s.save({{"value", value}}), ErrorCode::mismatch, "");
  CHECK(value == 1);
}

TEST_CASE("a file that was not saved is not found, and a checkpoint that another one replaces is told of") {
  Setting s;
  const int last = cairn::testing::size() - 1;
  const auto cells = s.mesh.cells;
  if (cairn::testing::rank() == last) s.mesh.cells.clear();  // and names no file
  REQUIRE_FALSE(s.save({{"mesh", cairn::object(s.mesh)}}));
  check_error(s.load({{"mesh", cairn::object(s.mesh)}}), ErrorCode::not_found, "without a file mesh.", last);

  s.mesh.cells = cells;
  REQUIRE_FALSE(s.save({{"mesh", cairn::object(s.mesh)}}));
  s.handler->during_load = [&] {
    if (cairn::testing::rank() != 0) return;
    const auto other = s.folder.path() / "other";
    std::filesystem::rename(s.path, other);
    std::filesystem::copy(other, s.path, std::filesystem::copy_options::recursive);
  };
  check_error(s.load({{"mesh", cairn::object(s.mesh)}}), ErrorCode::locked,
              "overwritten while it was loaded");
}

TEST_CASE("what cannot be a handler is refused where it is added") {
  cairn::HandlerRegistry registry;
  const auto code_of = [&](const std::function<void()>& call) {
    const auto error = outcome(call);
    return error ? error->code() : ErrorCode{};
  };
  CHECK(code_of([&] { registry.add(nullptr); }) == ErrorCode::invalid_argument);
  for (const char* type : {"", "tree", "json", "stateful", "file"})
    CHECK(code_of([&] { registry.add(std::make_shared<MeshHandler>(type)); }) == ErrorCode::invalid_argument);
  registry.add(std::make_shared<MeshHandler>()).add(std::make_shared<MeshHandler>(), "name");
  CHECK(code_of([&] { registry.add(std::make_shared<MeshHandler>()); }) == ErrorCode::invalid_argument);
  CHECK(code_of([&] { registry.add(std::make_shared<MeshHandler>(), "name"); }) ==
        ErrorCode::invalid_argument);
  CHECK(registry.handlers().size() == 2);
}
