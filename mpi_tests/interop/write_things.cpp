// Writes the checkpoint that format_reader_test.py reads: `write_things PATH`. Arrays of every tiling, and
// what is no tree.

#include "../generation.hpp"

#include <cairn/cairn.hpp>

namespace {

struct Loader {
  int position = 0;
  nlohmann::json save_state() const { return {{"position", position}}; }
  void load_state(const nlohmann::json& state) { position = state.at("position").get<int>(); }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  MPI_Init(&argc, &argv);
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  {
    mpi_test::Generation state(MPI_COMM_WORLD);
    state.fill(7);
    state.tree["note"] = "seven";
    Loader loader{10 * rank};
    const nlohmann::json config = {{"lr", 0.5}};
    cairn::save_checkpointables(
        MPI_COMM_WORLD, argv[1],
        {{"state", state.tree}, {"loader", cairn::stateful(loader)}, {"config", config}});
  }
  MPI_Finalize();
  return 0;
}
