#include "cairn/tree.hpp"
#include "count_collectives.hpp"
#include "harness.hpp"
#include "plan/plan.hpp"

#include <cstring>
#include <functional>

using namespace cairn;
using namespace cairn::testing;
using comm::Communicator;
using plan::SavePlan;
using tree::TileKind;

namespace {

/// The plan of this process's tree, over all ranks.
SavePlan make_plan(const Tree& tree, Options& options, const plan::SaveRequest& request) {
  Communicator comm{Context(MPI_COMM_WORLD, options)};
  return std::move(*plan::make_save_plan(comm, options, request, tree));
}
SavePlan make_plan(const Tree& tree, Options options = {}) {
  options.ranks.timeout_s = 40;
  plan::SaveRequest request;
  request.path = "run/ckpt";
  return make_plan(tree, options, request);
}

/// Rows of an array divided over the ranks, with a seam that is moved on one rank.
struct Rows {
  std::vector<double> values = std::vector<double>(12, 1.5);
  Slab slab() const { return {.shape = {4 * size(), 3}, .start = {4 * rank(), 0}, .count = {4, 3}}; }
};

/// Requires that the tree is refused alike by all, whichever rank has the bad one.
void expect_refused(ErrorCode code, const std::function<std::string(int victim)>& words,
                    const std::function<void(Tree&, bool bad)>& spoil) {
  static int step = 3;
  for (int victim = 0; victim < size(); ++victim) {
    Tree tree;
    tree["step"] = ref(step);
    spoil(tree, rank() == victim);
    require_same_error_everywhere(
        MPI_COMM_WORLD, [&] { make_plan(tree); }, code, words(victim));
  }
}

/// The leaf of that path.
const tree::StoredLeaf& stored(const SavePlan& plan, const std::string& path) {
  for (const auto& leaf : plan.leaves)
    if (leaf.path == path) return leaf;
  throw std::out_of_range(path);
}

std::string describe(const SavePlan& plan) {
  std::string text = std::to_string(plan.fullest_bytes) + "/" + std::to_string(plan.total_bytes) + "/" +
                     std::to_string(plan.table_rows) + "/" + base::to_hex(plan.id);
  for (const auto& leaf : plan.leaves)
    text += "\n" + leaf.path + tree::to_string(leaf.shape) + to_string(leaf.dtype) +
            std::to_string(static_cast<int>(leaf.kind)) + std::to_string(static_cast<int>(leaf.tiling.kind)) +
            tree::to_string(leaf.tiling.cell);
  return text;
}

std::uint64_t sum_over_ranks(std::uint64_t mine) {
  std::uint64_t all = 0;
  MPI_Allreduce(&mine, &all, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
  return all;
}

}  // namespace

TEST_CASE("All ranks get the same plan, and write all bytes between them") {
  Rows rows;
  std::vector<int> weights(100000, 7), own(5, rank());
  std::vector<float> particles(static_cast<std::size_t>(rank()) * 3);
  int step = 12;
  Tree tree;
  tree["rows"] = sharded(rows.values, rows.slab());
  tree["weights"] = replicated(weights);
  tree["own"] = per_rank(own);
  tree["particles"] = appended(particles);
  tree["step"] = ref(step);
  tree["note"] = "text";
  tree["nothing"] = "";
  const auto plan = make_plan(tree);

  require_same_everywhere(MPI_COMM_WORLD, describe(plan));
  REQUIRE(plan.leaves.size() == 7);
  REQUIRE(stored(plan, "rows").shape == Dims{4 * size(), 3});
  REQUIRE(stored(plan, "own").shape == Dims{size(), 5});
  REQUIRE(stored(plan, "particles").shape == Dims{3 * size() * (size() - 1) / 2});
  REQUIRE(stored(plan, "particles").rows.size() == (rank() == 0 ? static_cast<std::size_t>(size()) : 0));
  for (std::size_t i = 0; i < stored(plan, "particles").rows.size(); ++i)
    REQUIRE(stored(plan, "particles").rows[i] == static_cast<std::int64_t>(3 * i));
  REQUIRE(stored(plan, "step").kind == Kind::replicated);
  REQUIRE(stored(plan, "note").element_bytes == 4);
  REQUIRE(stored(plan, "nothing").tiling.kind == TileKind::none);
  REQUIRE(stored(plan, "rows").tiling.kind == TileKind::one);
  REQUIRE(stored(plan, "particles").tiling.kind == (size() == 1 ? TileKind::none : TileKind::one));

  std::uint64_t bytes = 0;
  for (const auto& block : plan.blocks) {
    const auto& leaf = plan.leaves[block.leaf];
    REQUIRE(tree::contains(tree::whole(leaf.shape), block.box));
    bytes += tree::product(block.box.count) * leaf.element_bytes;
    if (leaf.path == "particles") REQUIRE(block.box.start[0] == 3 * rank() * (rank() - 1) / 2);
    if (leaf.path == "own") REQUIRE(block.box.start[0] == rank());
  }
  REQUIRE(bytes == plan.bytes);
  REQUIRE(bytes <= plan.fullest_bytes);
  REQUIRE(sum_over_ranks(bytes) == plan.total_bytes);

  const auto page = plan.row_format.rows_per_page();
  REQUIRE(plan.table_first_row % page == 0);
  const auto own_rows = (plan.blocks.size() + page - 1) / page * page;
  REQUIRE(plan.table_first_row + own_rows <= plan.table_rows);
  REQUIRE(sum_over_ranks(own_rows) == plan.table_rows);
  // The sections follow one another.
  std::uint64_t end = plan.table_first_row + own_rows, below = 0;
  MPI_Exscan(&own_rows, &below, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
  REQUIRE(plan.table_first_row == (rank() == 0 ? 0 : below));
  REQUIRE((rank() < size() - 1 || end == plan.table_rows));
}

TEST_CASE("The id is new for each save") {
  int step = 1;
  Tree tree;
  tree["step"] = ref(step);
  const auto first = make_plan(tree).id, second = make_plan(tree).id;
  REQUIRE(first != second);
  require_same_everywhere(MPI_COMM_WORLD, base::to_hex(second));
}

TEST_CASE("The primary's options hold on all ranks") {
  Options options;
  options.ranks.timeout_s = 40;
  options.ranks.primary = size() - 1;
  const bool primary = rank() == size() - 1;
  options.io.block_bytes = primary ? 1 << 16 : 1 << 20;
  options.io.alignment_bytes = primary ? 8192 : 4096;
  options.io.writer = primary ? Writer::direct : Writer::mpio;
  options.io.collective = options.io.fsync = options.integrity.checksums = options.files.reserve = !primary;
  options.files.permissions = primary ? -1 : 0600;
  options.async.rate_bytes_per_s = primary ? 5u << 20 : 0;
  plan::SaveRequest request;
  request.path = "run/ckpt";
  std::vector<double> values(1 << 15);
  Tree tree;
  tree["x"] = per_rank(values);
  const auto plan = make_plan(tree, options, request);
  REQUIRE(options.io.block_bytes == 1 << 16);
  REQUIRE(options.io.alignment_bytes == 8192);
  REQUIRE(options.io.writer == Writer::direct);
  REQUIRE_FALSE((options.io.collective || options.io.fsync));
  REQUIRE_FALSE((options.integrity.checksums || options.files.reserve));
  REQUIRE(options.files.permissions == -1);
  REQUIRE(options.async.rate_bytes_per_s == 5u << 20);
  REQUIRE(plan.blocks.size() == 4);
}

TEST_CASE("Small replicated values are written by the chosen primary") {
  Options options;
  options.ranks.timeout_s = 40;
  options.ranks.primary = size() - 1;
  plan::SaveRequest request;
  request.path = "run/ckpt";
  int step = 1;
  Tree tree;
  tree["step"] = ref(step);
  REQUIRE(make_plan(tree, options, request).blocks.size() == (rank() == size() - 1 ? 1 : 0));
}

TEST_CASE("Equal columns become a grid, unequal ones a tile a box") {
  const std::int64_t height = 3000, wide = 100, narrow = 60;
  const std::int64_t width = wide * size();
  std::vector<double> values(static_cast<std::size_t>(height * (wide + 40)));
  Tree tree;
  tree["grid"] = sharded(values.data(),
                         {.shape = {height, width}, .start = {0, wide * rank()}, .count = {height, wide}});
  // The seam between the first two ranks is moved.
  Slab slab{.shape = {height, width}, .start = {0, wide * rank()}, .count = {height, wide}};
  if (size() > 1 && rank() == 0) slab.count[1] = narrow;
  if (rank() == 1) {
    slab.start[1] = narrow;
    slab.count[1] = 2 * wide - narrow;
  }
  tree["boxes"] = sharded(values.data(), slab);
  const auto plan = make_plan(tree);
  require_same_everywhere(MPI_COMM_WORLD, describe(plan));
  if (size() == 1) {
    REQUIRE(stored(plan, "grid").tiling.kind == TileKind::one);
    return;
  }
  REQUIRE(stored(plan, "grid").tiling.kind == TileKind::grid);
  REQUIRE(stored(plan, "grid").tiling.cell == Dims{height, wide});
  REQUIRE(stored(plan, "boxes").tiling.kind == TileKind::boxes);
  if (rank() != 0) {
    REQUIRE(plan.boxes.empty());
    return;
  }
  REQUIRE(plan.boxes.size() == 2);
  REQUIRE(plan.boxes[1].empty());
  REQUIRE(plan.boxes[0].size() == static_cast<std::size_t>(size()));
  REQUIRE(plan.boxes[0][0] == tree::Box{{0, 0}, {height, narrow}});
  REQUIRE(plan.boxes[0][1] == tree::Box{{0, narrow}, {height, 2 * wide - narrow}});
}

TEST_CASE("A gap or an overlap is refused with array, ranks and box") {
  Rows rows;
  if (size() == 1) return;
  expect_refused(
      ErrorCode::mismatch,
      [](int victim) {
        const auto first = std::to_string(4 * victim);
        return "of `a/w`, whose shape is {" + std::to_string(4 * size()) + ", 3}, no rank holds [" + first +
               ":" + std::to_string(4 * victim + 1) + ", 0:3]";
      },
      [&](Tree& tree, bool bad) {
        auto slab = rows.slab();
        if (bad) {
          slab.start[0] += 1;
          slab.count[0] -= 1;
        }
        tree["a/w"] = sharded(rows.values.data(), slab);
      });
  expect_refused(
      ErrorCode::mismatch,
      [](int victim) {
        const int other = victim == size() - 1 ? 0 : size() - 1;
        return "of `a/w`, ranks " + std::to_string(std::min(victim, other)) + ", " +
               std::to_string(std::max(victim, other)) + " both hold [" + std::to_string(4 * other) + ":" +
               std::to_string(4 * other + 1) + ", 0:1]";
      },
      [&](Tree& tree, bool bad) {
        const auto slab = rows.slab();
        auto array = sharded(rows.values, slab);
        int who = bad ? rank() + 1 : 0, victim = 0;
        MPI_Allreduce(&who, &victim, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
        const int other = victim - 1 == size() - 1 ? 0 : size() - 1;
        if (bad)
          array.also(rows.values.data(), {.shape = slab.shape, .start = {4 * other, 0}, .count = {1, 1}});
        tree["a/w"] = array;
      });
}

TEST_CASE("Boxes are held by as many replicas as they say, with equal bytes") {
  if (size() % 2 != 0) return;
  const int pair = rank() / 2;
  std::vector<double> values(6, 2.5);
  const auto slab = [&] {
    return Slab{
        .shape = {3 * size()}, .start = {6 * pair}, .count = {6}, .replica = rank() % 2, .replicas = 2};
  };
  Tree tree;
  tree["w"] = sharded(values, slab());
  const auto plan = make_plan(tree);
  REQUIRE(plan.blocks.size() == (rank() % 2 == 0 ? 1 : 0));

  expect_refused(
      ErrorCode::mismatch,
      [](int victim) {
        const int first = victim / 2 * 2;
        return "of `w`, the box [" + std::to_string(3 * first) + ":" + std::to_string(3 * first + 6) +
               "] differs between rank " + std::to_string(first) + " and rank " + std::to_string(first + 1);
      },
      [&](Tree& bad_tree, bool bad) {
        values[4] = bad ? 9 : 2.5;
        bad_tree["w"] = sharded(values, slab());
      });
  values[4] = 2.5;
  expect_refused(
      ErrorCode::mismatch, [](int) { return "of `w`, "; },
      [&](Tree& bad_tree, bool bad) {
        auto wrong = slab();
        if (bad) wrong.replica = 1 - wrong.replica;
        bad_tree["w"] = sharded(values, wrong);
      });

  Options unchecked;
  unchecked.integrity.checksums = false;
  values[4] = rank();
  REQUIRE_NOTHROW(make_plan(tree, unchecked));
}

TEST_CASE("A replicated value that differs is refused with its ranks") {
  if (size() < 3) return;
  std::vector<float> values(1000, 1);
  expect_refused(
      ErrorCode::mismatch,
      [](int victim) {
        return victim == 0
                   ? "the replicated value `b` on rank" + std::string(size() > 2 ? "s" : "") + " 1"
                   : "the replicated value `b` on rank " + std::to_string(victim) + " is not that of rank 0";
      },
      [&](Tree& tree, bool bad) {
        values[500] = bad ? 2 : 1;
        tree["b"] = replicated(values);
      });
}

TEST_CASE("Trees that differ are refused with the first leaf and its ranks") {
  if (size() < 3) return;
  const auto words = [](int victim) {
    return victim == 0 ? std::string("`x` is ") : " on rank " + std::to_string(victim);
  };
  int integer = 1;
  float real = 1;
  std::vector<int> three(3), four(4);
  expect_refused(ErrorCode::mismatch, words,
                 [&](Tree& tree, bool bad) { tree["x"] = bad ? ref(real) : ref(integer); });
  expect_refused(ErrorCode::mismatch, words,
                 [&](Tree& tree, bool bad) { tree["x"] = replicated(bad ? three : four); });
  expect_refused(ErrorCode::mismatch, words,
                 [&](Tree& tree, bool bad) { tree["x"] = bad ? "text" : "texts"; });
  expect_refused(ErrorCode::mismatch, words, [&](Tree& tree, bool bad) {
    tree["y"] = ref(integer);
    if (!bad) tree["x"] = ref(integer);
  });
}

TEST_CASE("Requests that differ are refused") {
  if (size() < 2) return;
  int step = 1;
  Tree tree;
  tree["step"] = ref(step);
  for (int victim = 0; victim < size(); ++victim) {
    const bool bad = rank() == victim;
    for (const int field : {0, 1, 2, 3}) {
      Options options;
      options.ranks.timeout_s = 40;
      plan::SaveRequest request;
      request.path = field == 0 && bad ? "a" : "b";
      request.operation = field == 1 && bad ? "c" : "save";
      request.checkpointable_name = field == 2 && bad ? "d" : "state";
      options.ranks.primary = field == 3 && bad ? 1 : 0;
      require_same_error_everywhere(
          MPI_COMM_WORLD, [&] { make_plan(tree, options, request); }, ErrorCode::mismatch,
          "the ranks do not save the same");
    }
  }
}

TEST_CASE("What is wrong on one rank alone is listed on all, with that rank") {
  expect_refused(
      ErrorCode::invalid_argument, [](int victim) { return "rank " + std::to_string(victim); },
      [&](Tree& tree, bool bad) {
        static double value[4];
        tree["first"] = replicated(bad ? static_cast<double*>(nullptr) : value, {4});
      });
  int step = 1;
  Tree tree;
  tree["step"] = ref(step);
  for (int victim = 0; victim < size(); ++victim) {
    Options options;
    options.ranks.timeout_s = 40;
    plan::SaveRequest request;
    request.path = "run/ckpt";
    if (rank() == victim) {
      options.io.threads = -1;
      options.ranks.primary = size();
      request.checkpointable_name = "a/b";
    }
    const auto text = require_same_error_everywhere(
        MPI_COMM_WORLD, [&] { make_plan(tree, options, request); }, ErrorCode::invalid_argument,
        "io.threads");
    REQUIRE(text.find("ranks.primary") != std::string::npos);
    REQUIRE(text.find("`a/b`") != std::string::npos);
  }
}

TEST_CASE("An empty tree is refused") {
  require_same_error_everywhere(
      MPI_COMM_WORLD, [&] { make_plan(Tree()); }, ErrorCode::invalid_argument, "empty");
}

TEST_CASE("A refused tree leaves the communicator as it was") {
  int step = rank();
  Tree tree;
  tree["step"] = ref(step);
  if (size() > 1) REQUIRE_THROWS_AS(make_plan(tree), Error);
  step = 1;
  REQUIRE_NOTHROW(make_plan(tree));
}

TEST_CASE("The number of collectives is the same for 10 leaves and for 1000") {
  const auto count = [](int leaves, bool ragged) {
    Rows rows;
    std::vector<int> values(7, 1);
    Tree tree;
    for (int i = 0; i < leaves; i += 4) {
      const auto group = std::to_string(i);
      tree[group]["a"] = sharded(rows.values, rows.slab());
      tree[group]["b"] = replicated(values);
      if (ragged) tree[group]["c"] = appended(values);
      tree[group]["d"] = per_rank(values);
    }
    const int before = collectives_started();
    make_plan(tree);
    return collectives_started() - before;
  };
  REQUIRE(count(10, false) == 4);
  REQUIRE(count(1000, false) == 4);
  // The rows of each rank are gathered.
  REQUIRE(count(10, true) == 6);
  REQUIRE(count(1000, true) == 6);
}

TEST_CASE("The number of collectives stays the same where tiles are boxes") {
  if (size() == 1) return;
  const auto count = [](int leaves) {
    // Unequal columns of many rows.
    const std::int64_t height = 2000;
    const std::int64_t width = rank() + 1, before = rank() * (rank() + 1) / 2,
                       all = size() * (size() + 1) / 2;
    std::vector<char> values(static_cast<std::size_t>(height * width));
    Tree tree;
    for (int i = 0; i < leaves; ++i)
      tree[std::to_string(i)] =
          sharded(values.data(), {.shape = {height, all}, .start = {0, before}, .count = {height, width}});
    const int started = collectives_started();
    REQUIRE(make_plan(tree).leaves[0].tiling.kind == TileKind::boxes);
    return collectives_started() - started;
  };
  REQUIRE(count(10) == 9);
  REQUIRE(count(1000) == 9);
}
