#include "folder.hpp"
#include "generation.hpp"
#include "load/tree_file.hpp"

#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>
#include <sys/stat.h>

using namespace mpi_test;

namespace {

mode_t mode_of(const cairn::Path& path) {
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  return status.st_mode & 0777;
}

struct Setting {
  SharedFolder folder{MPI_COMM_WORLD};
  Generation state{MPI_COMM_WORLD};
  cairn::Context context{MPI_COMM_WORLD};
  cairn::Path path = folder.path() / "checkpoint";
  Setting() { state.fill(9); }
};

}  // namespace

TEST_CASE("files and folders get the umask's modes, or those that were asked for") {
  Setting s;
  const mode_t before = umask(027);
  cairn::save(s.context, s.path, s.state.tree);
  CHECK(mode_of(s.path) == 0750);
  CHECK(mode_of(s.path / "state.h5") == 0640);
  CHECK(mode_of(s.path / "checkpoint.json") == 0640);
  s.context.files.permissions = 0664;
  cairn::save(s.context, s.path, s.state.tree, {.overwrite = true});
  umask(before);
  CHECK(mode_of(s.path) == 0775);
  CHECK(mode_of(s.path / "state.h5") == 0664);
  CHECK(mode_of(s.path / "checkpoint.json") == 0664);
}

TEST_CASE("arrays begin at multiples of the alignment") {
  Setting s;
  s.context.io.alignment_bytes = 65536;
  cairn::save(s.context, s.path, s.state.tree);
  const auto opened = cairn::load_stages::open_manifest(s.path);
  const auto file = cairn::load_stages::open_tree_file(opened, opened.manifest.checkpointables.at("state"));
  int aligned = 0;
  for (const auto& leaf : file.leaves) {
    if (leaf.bytes() < 65536) continue;
    if (leaf.tiling.kind == cairn::tree::TileKind::one) CHECK(leaf.tiling.offset % 65536 == 0);
    for (const auto offset : leaf.tiling.offsets) CHECK(offset % 65536 == 0);
    ++aligned;
  }
  CHECK(aligned >= 3);
  CHECK(stored_generation(MPI_COMM_WORLD, s.path) == 9);
}

TEST_CASE("without checksums there is no block table, and a load says that nothing was verified") {
  Setting s;
  s.context.integrity.checksums = false;
  s.context.io.fsync = false;
  cairn::save(s.context, s.path, s.state.tree);
  const auto report = cairn::load(s.context, s.path, s.state.tree);
  CHECK(report.bytes > 0);
  CHECK(report.verified_bytes == 0);
  CHECK(s.state.whole());
  CHECK(cairn::verify(s.context, s.path).empty());
}

TEST_CASE("a relative path is below the prefix") {
  Setting s;
  s.context.files.prefix = s.folder.path().string();
  cairn::save(s.context, "deep/er/checkpoint", s.state.tree);
  CHECK(cairn::is_checkpoint(s.folder.path() / "deep/er/checkpoint"));
  cairn::load(s.context, "deep/er/checkpoint", s.state.tree);
  CHECK(cairn::is_checkpoint(s.context, "deep/er/checkpoint"));
}

TEST_CASE("the primary's settings hold where ranks must agree") {
  Setting s;
  const int rank = cairn::testing::rank(), size = cairn::testing::size();
  s.context.ranks.primary = size - 1;
  s.context.io.block_bytes = rank == size - 1 ? 8192 : 12345;
  s.context.integrity.checksums = rank == size - 1;
  cairn::save(s.context, s.path, s.state.tree);
  const auto report = cairn::load(s.context, s.path, s.state.tree);
  CHECK(report.verified_bytes > 0);
  CHECK(s.state.whole());
  cairn::Context wrong(MPI_COMM_WORLD);
  wrong.ranks.primary = size;
  const auto error =
      common_outcome(MPI_COMM_WORLD, [&] { cairn::save(wrong, s.path, s.state.tree, {.overwrite = true}); });
  REQUIRE(error);
  CHECK(error->code() == cairn::ErrorCode::invalid_argument);
}

TEST_CASE("options given in a scope hold for contexts made from a communicator alone") {
  Setting s;
  cairn::Options options;
  options.files.prefix = s.folder.path().string();
  {
    const cairn::ContextScope scope(options);
    cairn::save(MPI_COMM_WORLD, "scoped", s.state.tree);
  }
  CHECK(cairn::is_checkpoint(s.folder.path() / "scoped"));
}

TEST_CASE(
    "one report for each operation reaches the callback on every rank, and the log file from the primary") {
  Setting s;
  int calls = 0;
  cairn::Report seen;
  s.context.log.on_report = [&](const cairn::Report& report) {
    ++calls;
    seen = report;
    throw std::runtime_error("dropped");
  };
  s.context.log.file = (s.folder.path() / "log").string();
  s.context.log.json = true;
  const auto report = cairn::save(s.context, s.path, s.state.tree);
  cairn::load(s.context, s.path, s.state.tree);
  CHECK(calls == 2);
  CHECK(report.leaves == s.state.tree.size());
  CHECK(report.bytes > 0);
  CHECK(report.slowest_rank >= 0);
  CHECK(!report.slowest_host.empty());
  CHECK(report.blocked_s >= report.plan_s + report.layout_s + report.write_s);
  MPI_Barrier(MPI_COMM_WORLD);
  std::ifstream log(s.folder.path() / "log");
  std::string line;
  std::vector<std::string> operations;
  while (std::getline(log, line)) operations.push_back(nlohmann::json::parse(line)["operation"]);
  CHECK(operations == std::vector<std::string>{"save", "load"});
}
