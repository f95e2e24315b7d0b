#include "folder.hpp"
#include "generation.hpp"

#include <limits>

#include <catch2/catch.hpp>

using namespace mpi_test;
using cairn::ErrorCode;
using cairn::testing::require_same_error_everywhere;

namespace {

MPI_Comm world() {
  return MPI_COMM_WORLD;
}

struct Saved {
  SharedFolder folder{MPI_COMM_WORLD};
  cairn::Path path = folder.path() / "checkpoint";
  int rank = cairn::testing::rank(), size = cairn::testing::size();
  std::vector<double> rows = std::vector<double>(8, rank + 1.0);
  std::vector<std::int32_t> counts = std::vector<std::int32_t>(6, 300);
  std::int64_t step = 12;
  cairn::Tree tree;
  Saved() {
    tree["rows"] = cairn::sharded(rows, {.shape = {8 * size}, .start = {8 * rank}, .count = {8}});
    tree["counts"] = cairn::replicated(counts);
    tree["step"] = cairn::ref(step);
    cairn::save(world(), path, tree);
  }
};

}  // namespace

TEST_CASE("fewer names need `partial`, and unknown ones are an error with all of them named") {
  Saved saved;
  cairn::Tree some;
  std::int64_t step = 0;
  some["step"] = cairn::ref(step);
  require_same_error_everywhere(
      world(), [&] { cairn::load(world(), saved.path, some); }, ErrorCode::mismatch, "rows");
  const auto report = cairn::load(world(), saved.path, some, {.partial = true});
  CHECK(step == 12);
  CHECK(report.bytes == 8);  // the others were not read
  double a = 0, b = 0;
  some["unknown/a"] = cairn::ref(a);
  some["unknown/b"] = cairn::ref(b);
  const auto text = require_same_error_everywhere(
      world(), [&] { cairn::load(world(), saved.path, some, {.partial = true}); }, ErrorCode::mismatch,
      "unknown/a");
  CHECK(text.find("unknown/b") != std::string::npos);
}

TEST_CASE("a leaf is found under the name that `rename` gives") {
  Saved saved;
  std::int64_t iteration = 0;
  cairn::Tree tree;
  tree["iteration"] = cairn::ref(iteration);
  cairn::load(world(), saved.path, tree, {.partial = true, .rename = {{"iteration", "step"}}});
  CHECK(iteration == 12);
}

TEST_CASE("types are converted on request only, and not out of range unless told so") {
  Saved saved;
  std::vector<float> rows(8);
  std::vector<std::uint8_t> counts(6);
  cairn::Tree tree;
  tree["rows"] = cairn::sharded(rows, {.shape = {8 * saved.size}, .start = {8 * saved.rank}, .count = {8}});
  require_same_error_everywhere(
      world(), [&] { cairn::load(world(), saved.path, tree, {.partial = true}); }, ErrorCode::mismatch,
      "f64");
  cairn::load(world(), saved.path, tree, {.partial = true, .cast = cairn::Cast::in_range});
  CHECK(rows[3] == static_cast<float>(saved.rank + 1));
  cairn::Tree narrow;
  narrow["counts"] = cairn::replicated(counts);
  require_same_error_everywhere(
      world(),
      [&] { cairn::load(world(), saved.path, narrow, {.partial = true, .cast = cairn::Cast::in_range}); },
      ErrorCode::mismatch, "counts");
  cairn::load(world(), saved.path, narrow, {.partial = true, .cast = cairn::Cast::any});
}

TEST_CASE("a changed shape and const memory are errors") {
  Saved saved;
  std::vector<double> rows(9);
  cairn::Tree tree;
  tree["rows"] = cairn::sharded(rows, {.shape = {9 * saved.size}, .start = {9 * saved.rank}, .count = {9}});
  require_same_error_everywhere(
      world(), [&] { cairn::load(world(), saved.path, tree, {.partial = true}); }, ErrorCode::mismatch,
      "shape");
  const std::vector<double> fixed(8);
  cairn::Tree read_only;
  read_only["rows"] =
      cairn::sharded(fixed, {.shape = {8 * saved.size}, .start = {8 * saved.rank}, .count = {8}});
  require_same_error_everywhere(
      world(), [&] { cairn::load(world(), saved.path, read_only, {.partial = true}); }, ErrorCode::mismatch,
      "const");
}

TEST_CASE("trees that differ between ranks are refused") {
  Saved saved;
  for (int victim = 0; victim < saved.size && saved.size > 1; ++victim) {
    cairn::Tree tree = saved.tree;
    if (saved.rank == victim) tree.erase("step");
    require_same_error_everywhere(
        world(), [&] { cairn::load(world(), saved.path, tree, {.partial = true}); }, ErrorCode::mismatch);
    require_same_error_everywhere(
        world(),
        [&] {
          cairn::load(world(), saved.rank == victim ? saved.path : saved.folder.path() / "x", saved.tree);
        },
        ErrorCode::mismatch);
  }
  cairn::load(world(), saved.path, saved.tree);
}

TEST_CASE(
    "per-rank values of another number of ranks are dealt out only on request; appended rows are divided "
    "evenly") {
  SharedFolder folder(world());
  const int rank = cairn::testing::rank(), size = cairn::testing::size();
  std::vector<std::int64_t> own{rank, 10 * rank};
  std::vector<std::int64_t> ragged(static_cast<std::size_t>(2 * rank));
  std::int64_t before = rank * (rank - 1);
  for (auto& v : ragged) v = before++;
  cairn::Tree tree;
  tree["own"] = cairn::per_rank(own);
  tree["ragged"] = cairn::appended(ragged);
  cairn::save(world(), folder.path() / "c", tree);
  const std::int64_t total = size * (size - 1);
  for (int ranks = 1; ranks < size; ++ranks) {
    cairn::testing::FirstRanks first(ranks);
    if (!first.contains_me()) continue;
    require_same_error_everywhere(
        first.comm(), [&] { cairn::load(first.comm(), folder.path() / "c", tree); }, ErrorCode::mismatch,
        "deal_per_rank");
    own = {-1, -1};
    ragged.clear();
    cairn::load(first.comm(), folder.path() / "c", tree, {.deal_per_rank = true});
    CHECK(own == std::vector<std::int64_t>{rank, 10 * rank});
    std::int64_t expected = rank * (total / ranks) + std::min<std::int64_t>(rank, total % ranks);
    CHECK(static_cast<std::int64_t>(ragged.size()) == total / ranks + (rank < total % ranks ? 1 : 0));
    for (auto v : ragged) CHECK(v == expected++);
    std::vector<std::int64_t> buffer(static_cast<std::size_t>(total + 1));
    cairn::Tree fixed;
    fixed["ragged"] = cairn::appended(std::span<std::int64_t>(buffer));
    require_same_error_everywhere(
        first.comm(), [&] { cairn::load(first.comm(), folder.path() / "c", fixed, {.partial = true}); },
        ErrorCode::mismatch, "ragged");
  }
}

TEST_CASE("an owning load gives even blocks of rows, or whole arrays") {
  Saved saved;
  const cairn::Tree blocks = cairn::load(world(), saved.path);
  CHECK(blocks.at("rows").shape() == cairn::Dims{8 * saved.size});
  CHECK(blocks.at("rows").count() == cairn::Dims{8});
  CHECK(blocks.at("rows").data<double>()[7] == saved.rank + 1.0);
  const cairn::Tree whole = cairn::load(world(), saved.path, {.whole = true});
  for (int r = 0; r < saved.size; ++r) CHECK(whole.at("rows").data<double>()[8 * r] == r + 1.0);
}

TEST_CASE("blocks read whole are verified, `full` verifies every byte, `off` none") {
  SharedFolder folder(world());
  const int rank = cairn::testing::rank(), size = cairn::testing::size();
  std::vector<double> rows(4000, rank);
  cairn::Tree tree;
  tree["rows"] = cairn::sharded(rows, {.shape = {4000 * size}, .start = {4000 * rank}, .count = {4000}});
  cairn::save(world(), folder.path() / "c", tree);
  const auto bytes = static_cast<std::uint64_t>(32000 * size);
  auto report = cairn::load(world(), folder.path() / "c", tree);
  CHECK(report.bytes == bytes);
  CHECK(report.verified_bytes == bytes);
  cairn::Tree shifted;  // 3000 of each block's 4000 rows
  shifted["rows"] =
      cairn::sharded(rows.data(), {.shape = {4000 * size}, .start = {4000 * rank}, .count = {3000}});
  report = cairn::load(world(), folder.path() / "c", shifted);
  CHECK(report.bytes == bytes / 4 * 3);
  CHECK(report.verified_bytes == 0);
  cairn::Context full(world());
  full.integrity.verify = cairn::Verify::full;
  report = cairn::load(full, folder.path() / "c", shifted);
  CHECK(report.verified_bytes == bytes);
  cairn::Context off(world());
  off.integrity.verify = cairn::Verify::off;
  report = cairn::load(off, folder.path() / "c", tree);
  CHECK(report.verified_bytes == 0);
}

TEST_CASE("a name that the checkpoint does not have") {
  Saved saved;
  require_same_error_everywhere(
      world(), [&] { cairn::load(world(), saved.path, saved.tree, {.checkpointable_name = "model"}); },
      ErrorCode::not_found, "state");
}
