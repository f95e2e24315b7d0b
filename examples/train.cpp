// Data-parallel training of a small network with Adam, the optimizer's state sharded over the ranks (ZeRO-1):
// every rank holds the weights, and each holds the two moments of a range of them. It saves in the background
// while it trains on, and keeps the last two steps and the one with the lowest loss. Killed at any step, it
// goes on from its last checkpoint: on as many ranks with the same losses to the last bit, on another number
// with fresh random states. At SIGTERM, or shortly before the end of a Slurm job, it saves and exits with 75:
// train.slurm then starts it again.
//
//   mpirun -n 4 train --steps 100 --every 10 --path run/train
//   mpirun -n 3 train --steps 200 --every 10 --path run/train

#include "arguments.hpp"

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <cairn/cairn.hpp>
#include <mpi.h>

namespace {

constexpr auto usage =
    "usage: train [--steps 100] [--every 10] [--batch 24] [--path run/train]\n"
    "             [--die-at STEP] [--die-rank RANK] [--die-by SIGNAL]\n"
    "Trains for `steps` steps of `batch` samples a rank, prints each step's loss, saves every `every` steps "
    "and at the\n"
    "end in the directory `path`, and goes on from the newest step there. With --die-at, rank --die-rank "
    "sends itself\n"
    "the signal of that number (SIGKILL) when it has computed that step.\n";

struct Settings {
  long steps = 100, every = 10, batch = 24, die_at = -1, die_rank = 0, die_by = SIGKILL;
  std::string path = "run/train";
};

/// A rank's own stream of random numbers (xorshift64*): its whole state is one number.
struct Random {
  std::uint64_t state = 1;
  double uniform() {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return static_cast<double>((state * 2685821657736338717u) >> 11) / 9007199254740992.0;
  }
  void mix(int rank) {
    for (int k = 0; k < 8; ++k)
      state = (state ^ (static_cast<std::uint64_t>(rank) + 1)) * 6364136223846793005u + 1442695040888963407u;
    state |= 1;
  }
};

/// y = f(x) with two hidden layers; all weights lie one after another in one array.
class Network {
 public:
  static constexpr long inputs = 2, hidden = 32;
  struct Part {
    const char* name;
    long rows, columns;
  };
  static constexpr std::array<Part, 6> parts{{{"w1", inputs, hidden},
                                              {"b1", 1, hidden},
                                              {"w2", hidden, hidden},
                                              {"b2", 1, hidden},
                                              {"w3", hidden, 1},
                                              {"b3", 1, 1}}};
  static constexpr long size() {
    long n = 0;
    for (const Part& part : parts) n += part.rows * part.columns;
    return n;
  }
  static constexpr long offset(std::size_t part) {
    long n = 0;
    for (std::size_t k = 0; k < part; ++k) n += parts[k].rows * parts[k].columns;
    return n;
  }

  /// The squared error of one sample; adds its gradient.
  static double backward(const float* w, std::array<float, inputs> x, float y, float* gradient) {
    std::array<float, hidden> h1{}, h2{}, d1{}, d2{};
    const auto at = [](std::size_t part) { return offset(part); };
    for (long j = 0; j < hidden; ++j) {
      float sum = w[at(1) + j];
      for (long i = 0; i < inputs; ++i) sum += x[i] * w[at(0) + i * hidden + j];
      h1[j] = std::tanh(sum);
    }
    for (long j = 0; j < hidden; ++j) {
      float sum = w[at(3) + j];
      for (long i = 0; i < hidden; ++i) sum += h1[i] * w[at(2) + i * hidden + j];
      h2[j] = std::tanh(sum);
    }
    float error = w[at(5)] - y;
    for (long i = 0; i < hidden; ++i) error += h2[i] * w[at(4) + i];

    gradient[at(5)] += 2 * error;
    for (long i = 0; i < hidden; ++i) {
      gradient[at(4) + i] += 2 * error * h2[i];
      d2[i] = 2 * error * w[at(4) + i] * (1 - h2[i] * h2[i]);
    }
    for (long j = 0; j < hidden; ++j) gradient[at(3) + j] += d2[j];
    for (long i = 0; i < hidden; ++i) {
      float back = 0;
      for (long j = 0; j < hidden; ++j) {
        gradient[at(2) + i * hidden + j] += h1[i] * d2[j];
        back += w[at(2) + i * hidden + j] * d2[j];
      }
      d1[i] = back * (1 - h1[i] * h1[i]);
    }
    for (long j = 0; j < hidden; ++j) {
      gradient[at(1) + j] += d1[j];
      for (long i = 0; i < inputs; ++i) gradient[at(0) + i * hidden + j] += x[i] * d1[j];
    }
    return static_cast<double>(error) * error;
  }
};

class Trainer {
 public:
  Trainer(MPI_Comm comm, long batch) : comm_(comm), batch_(batch) {
    MPI_Comm_rank(comm_, &rank_);
    MPI_Comm_size(comm_, &size_);
    for (int r = 0; r < size_; ++r) {
      first_.push_back(static_cast<int>(Network::size() * r / size_));
      count_.push_back(static_cast<int>(Network::size() * (r + 1) / size_ - Network::size() * r / size_));
    }
    Random start{88172645463325252u};
    weights_.resize(static_cast<std::size_t>(Network::size()));
    for (float& w : weights_) w = static_cast<float>(start.uniform() - 0.5) * 0.5f;
    m_.resize(static_cast<std::size_t>(count_[rank_]));
    v_ = m_;
    random_.mix(rank_);
  }

  std::int64_t step() const { return step_; }
  int rank() const { return rank_; }

  /// The tree binds memory that never moves, so one tree serves every save and load.
  cairn::Tree state() {
    cairn::Tree tree;
    for (std::size_t k = 0; k < Network::parts.size(); ++k) {
      const auto& part = Network::parts[k];
      tree["weights"][part.name] = cairn::replicated(&weights_[static_cast<std::size_t>(Network::offset(k))],
                                                     {part.rows, part.columns});
    }
    const cairn::Slab mine{.shape = {Network::size()}, .start = {first_[rank_]}, .count = {count_[rank_]}};
    tree["adam/m"] = cairn::sharded(m_, mine);
    tree["adam/v"] = cairn::sharded(v_, mine);
    tree["random"] = cairn::per_rank(&random_.state, {1});
    tree["step"] = cairn::ref(step_);
    return tree;
  }

  /// After a load on another number of ranks: the states dealt out may repeat, so each rank makes its own of
  /// them.
  void remix_random() { random_.mix(rank_); }

  /// One step on a new batch; its loss, the same on every rank.
  double train() {
    std::vector<float> gradient(weights_.size());
    double loss = 0;
    for (long k = 0; k < batch_; ++k) {
      const std::array<float, 2> x{static_cast<float>(2 * random_.uniform() - 1),
                                   static_cast<float>(2 * random_.uniform() - 1)};
      loss += Network::backward(weights_.data(), x, std::sin(3 * x[0]) * std::cos(2 * x[1]), gradient.data());
    }
    ++step_;
    update(sum_of_my_range(gradient));
    MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, weights_.data(), count_.data(), first_.data(),
                   MPI_FLOAT, comm_);

    std::vector<double> losses(static_cast<std::size_t>(size_));
    MPI_Allgather(&loss, 1, MPI_DOUBLE, losses.data(), 1, MPI_DOUBLE, comm_);
    loss = 0;
    for (const double one : losses) loss += one;
    return loss / static_cast<double>(batch_ * size_);
  }

 private:
  /// The ranks' gradients of this rank's range, added in rank order, so that a run can be repeated to the
  /// last bit.
  std::vector<float> sum_of_my_range(const std::vector<float>& gradient) const {
    const int mine = count_[rank_];
    std::vector<int> counts(count_.size(), mine), offsets;
    for (int r = 0; r < size_; ++r) offsets.push_back(r * mine);
    std::vector<float> all(static_cast<std::size_t>(mine) * count_.size());
    MPI_Alltoallv(gradient.data(), count_.data(), first_.data(), MPI_FLOAT, all.data(), counts.data(),
                  offsets.data(), MPI_FLOAT, comm_);
    std::vector<float> sum(static_cast<std::size_t>(mine));
    for (std::size_t k = 0; k < all.size(); ++k) sum[k % sum.size()] += all[k];
    return sum;
  }

  void update(const std::vector<float>& gradient) {
    constexpr float beta1 = 0.9f, beta2 = 0.999f, rate = 3e-3f;
    const auto t = static_cast<float>(step_);
    const float scale = 1 / static_cast<float>(batch_ * size_);
    for (std::size_t k = 0; k < gradient.size(); ++k) {
      const float g = gradient[k] * scale;
      m_[k] = beta1 * m_[k] + (1 - beta1) * g;
      v_[k] = beta2 * v_[k] + (1 - beta2) * g * g;
      const float m = m_[k] / (1 - std::pow(beta1, t)), v = v_[k] / (1 - std::pow(beta2, t));
      weights_[static_cast<std::size_t>(first_[rank_]) + k] -= rate * m / (std::sqrt(v) + 1e-8f);
    }
  }

  MPI_Comm comm_;
  long batch_;
  int rank_ = 0, size_ = 1;
  std::vector<int> first_, count_;  // of each rank's range of the weights
  std::vector<float> weights_, m_, v_;
  Random random_;
  std::int64_t step_ = 0;
};

int run(const Settings& settings) {
  Trainer trainer(MPI_COMM_WORLD, settings.batch);
  cairn::Tree state = trainer.state();
  int size = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &size);

  cairn::CheckpointerOptions options;
  options.save_when =
      cairn::any_of(cairn::every_steps(settings.every), cairn::on_signal(SIGTERM), cairn::before_deadline());
  options.keep = cairn::any_of(cairn::latest(2), cairn::best("loss", 1));
  cairn::Checkpointer checkpoints(MPI_COMM_WORLD, settings.path, options);

  if (const auto found = checkpoints.restore_latest(state, {.deal_per_rank = true})) {
    const int saved_on = checkpoints.metadata(*found).world_size;
    if (saved_on != size) trainer.remix_random();
    if (trainer.rank() == 0)
      std::printf("train: resumed from step %" PRId64 ", saved on %d ranks\n", *found, saved_on);
  }
  while (trainer.step() < settings.steps && !checkpoints.should_stop()) {
    const double loss = trainer.train();
    if (trainer.rank() == 0) std::printf("train: step %" PRId64 ", loss %.17g\n", trainer.step(), loss);
    if (trainer.step() == settings.die_at && trainer.rank() == settings.die_rank)
      std::raise(static_cast<int>(settings.die_by));
    checkpoints.save_async(trainer.step(), state,
                           {.metrics = {{"loss", loss}}, .force = trainer.step() == settings.steps});
  }
  checkpoints.wait();  // throws what the last save met
  return trainer.step() < settings.steps ? checkpoints.exit_status() : cairn::exit_done;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  Arguments arguments(argc, argv, usage);
  settings.steps = arguments.number("--steps", settings.steps);
  settings.every = std::max(1L, arguments.number("--every", settings.every));
  settings.batch = std::max(1L, arguments.number("--batch", settings.batch));
  settings.path = arguments.text("--path", settings.path);
  settings.die_at = arguments.number("--die-at", settings.die_at);
  settings.die_rank = arguments.number("--die-rank", settings.die_rank);
  settings.die_by = arguments.number("--die-by", settings.die_by);
  arguments.finish();
  return run_under_mpi(argc, argv, "train", [&] { return run(settings); });
}
