// The heat equation on a plate, in a 2-D decomposition with halos, that can be killed at any step and goes on
// from its last checkpoint on any number of ranks. The result does not depend on the decomposition, to the
// last bit.
//
//   mpirun -n 4 heat2d --steps 200 --every 20 --path run/heat2d
//   mpirun -n 4 heat2d --steps 200 --every 20 --path run/heat2d --die-at 130 --die-rank 2
//   mpirun -n 6 heat2d --steps 200 --every 20 --path run/heat2d     (goes on from step 120)

#include "arguments.hpp"

#include <algorithm>
#include <array>
#include <cinttypes>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <cairn/cairn.hpp>
#include <mpi.h>

namespace {

constexpr auto usage =
    "usage: heat2d [--nx 96] [--ny 64] [--steps 200] [--every 20] [--path run/heat2d]\n"
    "              [--die-at STEP] [--die-rank RANK]\n"
    "Computes `steps` steps, saves after every `every` of them and at the end, and goes on from the "
    "checkpoint at\n"
    "`path` where there is one. With --die-at, rank --die-rank kills itself when it has computed that "
    "step.\n";

struct Settings {
  long nx = 96, ny = 64, steps = 200, every = 20, die_at = -1, die_rank = 0;
  std::string path = "run/heat2d";
};

/// One dimension of a box: rank `at` of `of` holds [first, first + count) of n points.
struct Span {
  long first = 0, count = 0;
};
Span span_of(long n, int at, int of) {
  const long first = n * at / of;
  return {first, n * (at + 1) / of - first};
}

/// This rank's part of the plate, with one layer of its neighbours' points around it.
class Plate {
 public:
  Plate(MPI_Comm comm, long nx, long ny) : nx_(nx), ny_(ny) {
    int size = 0;
    MPI_Comm_size(comm, &size);
    MPI_Dims_create(size, 2, grid_.data());
    const std::array<int, 2> periods{0, 0};
    MPI_Cart_create(comm, 2, grid_.data(), periods.data(), 0, &comm_);
    MPI_Comm_rank(comm_, &rank_);
    std::tie(x_, y_) = box_of(rank_);
    T_.assign(static_cast<std::size_t>((x_.count + 2) * width()), 0.0);
    next_ = T_;
    MPI_Type_vector(static_cast<int>(x_.count), 1, static_cast<int>(width()), MPI_DOUBLE, &column_);
    MPI_Type_commit(&column_);
    for (long i = 0; i < x_.count; ++i)
      for (long j = 0; j < y_.count; ++j) at(i, j) = start_value(x_.first + i, y_.first + j);
  }
  ~Plate() {
    MPI_Type_free(&column_);
    MPI_Comm_free(&comm_);
  }
  Plate(const Plate&) = delete;
  Plate& operator=(const Plate&) = delete;

  MPI_Comm comm() const { return comm_; }
  int rank() const { return rank_; }

  /// What a checkpoint holds of the plate: the points that are this rank's own, where they lie within the
  /// halo.
  cairn::Array array() {
    return cairn::sharded(T_.data(),
                          {.shape = {nx_, ny_}, .start = {x_.first, y_.first}, .count = {x_.count, y_.count}},
                          {.shape = {x_.count + 2, width()}, .start = {1, 1}});
  }

  void step() {
    exchange_halos();
    constexpr double alpha = 0.2;
    for (long i = 0; i < x_.count; ++i)
      for (long j = 0; j < y_.count; ++j) {
        const double sum = (at(i - 1, j) + at(i + 1, j)) + (at(i, j - 1) + at(i, j + 1));
        next_[index(i, j)] = at(i, j) + alpha * (sum - 4.0 * at(i, j));
      }
    std::swap(T_, next_);
  }

  /// FNV-1a over the whole plate, row by row; on rank 0 (elsewhere 0).
  std::uint64_t checksum() const {
    std::uint64_t hash = 14695981039346656037u;
    const std::vector<double> all = gather();
    const auto* bytes = reinterpret_cast<const unsigned char*>(all.data());
    for (std::size_t k = 0; k < all.size() * sizeof(double); ++k) hash = (hash ^ bytes[k]) * 1099511628211u;
    return rank_ == 0 ? hash : 0;
  }

 private:
  static double start_value(long i, long j) {
    return static_cast<double>((i * 31 + j * 17) % 97) + (i % 7 == 3 ? 50.0 : 0.0);
  }
  long width() const { return y_.count + 2; }
  std::size_t index(long i, long j) const { return static_cast<std::size_t>((i + 1) * width() + (j + 1)); }
  double& at(long i, long j) { return T_[index(i, j)]; }
  double at(long i, long j) const { return T_[index(i, j)]; }

  std::pair<Span, Span> box_of(int rank) const {
    std::array<int, 2> place{};
    MPI_Cart_coords(comm_, rank, 2, place.data());
    return {span_of(nx_, place[0], grid_[0]), span_of(ny_, place[1], grid_[1])};
  }

  void exchange_halos() {
    const auto count = static_cast<int>(y_.count);
    int up = 0, down = 0, left = 0, right = 0;
    MPI_Cart_shift(comm_, 0, 1, &up, &down);
    MPI_Cart_shift(comm_, 1, 1, &left, &right);
    const auto send = [&](long i, long j, int to, long from_i, long from_j, int from, int n,
                          MPI_Datatype type) {
      MPI_Sendrecv(&at(i, j), n, type, to, 0, &at(from_i, from_j), n, type, from, 0, comm_,
                   MPI_STATUS_IGNORE);
    };
    send(0, 0, up, x_.count, 0, down, count, MPI_DOUBLE);
    send(x_.count - 1, 0, down, -1, 0, up, count, MPI_DOUBLE);
    send(0, 0, left, 0, y_.count, right, 1, column_);
    send(0, y_.count - 1, right, 0, -1, left, 1, column_);
  }

  std::vector<double> gather() const {
    int size = 0;
    MPI_Comm_size(comm_, &size);
    std::vector<double> mine, packed(static_cast<std::size_t>(rank_ == 0 ? nx_ * ny_ : 0)),
        all(packed.size());
    for (long i = 0; i < x_.count; ++i)
      for (long j = 0; j < y_.count; ++j) mine.push_back(at(i, j));
    std::vector<int> counts, offsets;
    int offset = 0;
    for (int r = 0; r < size; ++r) {
      const auto [x, y] = box_of(r);
      counts.push_back(static_cast<int>(x.count * y.count));
      offsets.push_back(offset);
      offset += counts.back();
    }
    MPI_Gatherv(mine.data(), static_cast<int>(mine.size()), MPI_DOUBLE, packed.data(), counts.data(),
                offsets.data(), MPI_DOUBLE, 0, comm_);
    if (rank_ != 0) return {};
    std::size_t from = 0;
    for (int r = 0; r < size; ++r) {
      const auto [x, y] = box_of(r);
      for (long i = x.first; i < x.first + x.count; ++i)
        for (long j = y.first; j < y.first + y.count; ++j)
          all[static_cast<std::size_t>(i * ny_ + j)] = packed[from++];
    }
    return all;
  }

  long nx_, ny_;
  MPI_Comm comm_ = MPI_COMM_NULL;
  std::array<int, 2> grid_{0, 0};
  int rank_ = 0;
  Span x_, y_;
  MPI_Datatype column_ = MPI_DATATYPE_NULL;
  std::vector<double> T_, next_;
};

void run(const Settings& settings) {
  Plate plate(MPI_COMM_WORLD, settings.nx, settings.ny);
  std::int64_t step = 0;

  // `array` points into memory that step() swaps, so a tree is made when it is needed: it costs nothing.
  const auto state = [&] {
    cairn::Tree tree;
    tree["T"] = plate.array();
    tree["step"] = cairn::ref(step);
    return tree;
  };

  if (cairn::is_checkpoint(plate.comm(), settings.path)) {
    cairn::Tree tree = state();
    cairn::load(plate.comm(), settings.path, tree);
    if (plate.rank() == 0) std::printf("heat2d: resumed from step %" PRId64 "\n", step);
  }
  while (step < settings.steps) {
    plate.step();
    ++step;
    if (step == settings.die_at && plate.rank() == settings.die_rank) std::raise(SIGKILL);
    if (step % settings.every == 0 || step == settings.steps)
      cairn::save(plate.comm(), settings.path, state(),
                  {.overwrite = true, .custom_metadata = {{"nx", settings.nx}, {"ny", settings.ny}}});
  }
  const std::uint64_t checksum = plate.checksum();
  if (plate.rank() == 0) std::printf("heat2d: step %" PRId64 ", checksum %016" PRIx64 "\n", step, checksum);
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  Arguments arguments(argc, argv, usage);
  settings.nx = arguments.number("--nx", settings.nx);
  settings.ny = arguments.number("--ny", settings.ny);
  settings.steps = arguments.number("--steps", settings.steps);
  settings.every = std::max(1L, arguments.number("--every", settings.every));
  settings.path = arguments.text("--path", settings.path);
  settings.die_at = arguments.number("--die-at", settings.die_at);
  settings.die_rank = arguments.number("--die-rank", settings.die_rank);
  arguments.finish();
  return run_under_mpi(argc, argv, "heat2d", [&] {
    run(settings);
    return EXIT_SUCCESS;
  });
}
