// A job that ends while its saves are under way.
//
//   finalize_program save PATH [SECONDS]   starts two saves, PATH and PATH-2, slow enough to last so long,
//   drops one
//                                          response and holds the other, and calls MPI_Finalize
//   finalize_program fail PATH             the same with one rank whose writes fail
//   finalize_program check PATH            exits with 0 where both are whole

#include "base/storage.hpp"

#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include <cairn/cairn.hpp>

namespace {

class FailingDisk : public cairn::base::StorageHook {
 public:
  int before(cairn::base::Op op, std::string_view, std::uint64_t, std::uint64_t) override {
    return op == cairn::base::Op::write ? ENOSPC : 0;
  }
};

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  int rank = 0, size = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (argc < 3) return 2;
  const std::string mode = argv[1], path = argv[2];

  constexpr std::int64_t kRows = 1 << 17;
  std::vector<double> field(kRows, rank + 0.25);
  cairn::Tree tree;
  tree["field"] = cairn::sharded(field, {.shape = {size * kRows}, .start = {rank * kRows}, .count = {kRows}});
  bool good = true;
  std::optional<cairn::AsyncResponse> held;  // outlives MPI_Finalize
  static FailingDisk disk;
  if (mode == "check") {
    for (const auto& each : {path, path + "-2"}) {
      field.assign(field.size(), 0);
      cairn::load(MPI_COMM_WORLD, each, tree);
      for (const double value : field) good = good && value == rank + 0.25;
    }
  } else {
    cairn::Context context(MPI_COMM_WORLD);
    context.io.block_bytes = 1 << 16;
    if (argc > 3) context.async.rate_bytes_per_s = static_cast<std::uint64_t>(kRows * 8 / std::stod(argv[3]));
    static_cast<void>(cairn::save_async(context, path, tree));
    held = cairn::save_async(context, path + "-2", tree);
    if (mode == "fail" && rank == size - 1) cairn::base::set_storage_hook(&disk);
    field.assign(field.size(), -1);
  }
  MPI_Finalize();
  return good ? 0 : 1;
}
