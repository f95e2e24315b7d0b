// Makes what the tests of `cairn` look at, as a single rank:
//   make_checkpoints plain PATH VALUE   a checkpoint of many dtypes and of a thing that is no tree; T[1, 2]
//   is VALUE make_checkpoints steps ROOT         steps 100, 200 and 300 of a Checkpointer make_checkpoints
//   hold ROOT          has a root's lock, says "ready", and waits to be killed make_checkpoints begin PATH
//   has a save under way, says "ready", and waits to be killed

#include "cairn/cairn.hpp"
#include "commit/transaction.hpp"
#include "tree/array_rep.hpp"

#include <complex>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include <unistd.h>

namespace {

void make_plain(const cairn::Path& path, double value) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> t(24);
  for (std::size_t i = 0; i < t.size(); ++i) t[i] = 0.5 * static_cast<double>(i);
  t[4] = kNan;
  t[8] = value;
  std::vector<float> x{0.1F, -2.5F, 1e30F};
  std::vector<std::int64_t> ids{-1, 9007199254740993, 3};
  std::vector<std::complex<double>> c{{1, 2}, {3, -4}};
  cairn::Tree state;
  state["fluid"]["T"] = cairn::sharded(t, {.shape = {4, 6}, .start = {0, 0}, .count = {4, 6}});
  cairn::detail::Access::rep(state.at("fluid/T"))->fortran_order = true;
  state["x"] = cairn::replicated(x);
  state["ids"] = cairn::replicated(ids);
  state["c"] = cairn::replicated(c);
  state["step"] = 7;
  state["note"] = std::string("two words");
  state["flag"] = true;
  cairn::Checkpointables things;
  things.add("state", state);
  things.add("config", nlohmann::json{{"lr", 0.5}});
  cairn::save_checkpointables(MPI_COMM_WORLD, path, things,
                              {.custom_metadata = {{"nx", 37}}, .metrics = {{"loss", 0.25}, {"bad", kNan}}});
}

cairn::Checkpointer open_root(const cairn::Path& root, const std::vector<std::int64_t>& steps) {
  cairn::Checkpointer checkpoints(MPI_COMM_WORLD, root);
  for (const auto step : steps) {
    cairn::Tree state;
    state["step"] = step;
    checkpoints.save(step, state, {.metrics = {{"loss", 1.0 / static_cast<double>(step)}}});
  }
  return checkpoints;
}

[[noreturn]] void wait_to_be_killed() {
  std::puts("ready");
  std::fflush(stdout);
  for (;;) pause();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const std::string what = argv[1];
  const cairn::Path path = argv[2];
  MPI_Init(&argc, &argv);
  if (what == "plain") {
    make_plain(path, argc > 3 ? std::strtod(argv[3], nullptr) : 0);
  } else if (what == "steps") {
    open_root(path, {100, 200, 300}).close();
  } else if (what == "hold") {
    const auto checkpoints = open_root(path, {400});
    wait_to_be_killed();
  } else if (what == "begin") {
    const auto save = cairn::commit::Transaction::begin(path, cairn::base::random_id(), true, {});
    wait_to_be_killed();
  } else {
    return 2;
  }
  MPI_Finalize();
}
