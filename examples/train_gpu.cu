// Training on a GPU: a network with one hidden layer, its state in device memory, matrix products by cuBLAS.
// The state is saved in the background every few steps, straight from the device. Killed at any step, it goes
// on from its last checkpoint with the same losses to the last bit, on as many ranks.
//
//   mpirun -n 2 train_gpu --steps 100 --every 10 --path run/train_gpu
//
// Exits with 77 where there is no device.

#include "arguments.hpp"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include <cairn/cairn.hpp>
#include <cublas_v2.h>
#include <cuda_runtime.h>
#include <mpi.h>

namespace {

constexpr auto usage =
    "usage: train_gpu [--steps 100] [--every 10] [--path run/train_gpu] [--die-at STEP] [--die-rank RANK]\n"
    "Trains for `steps` steps, prints each step's loss, saves in the background after every `every` steps, "
    "and goes\n"
    "on from the checkpoint at `path` where there is one.\n";

struct Settings {
  long steps = 100, every = 10, die_at = -1, die_rank = 0;
  std::string path = "run/train_gpu";
};

constexpr int kInputs = 64, kHidden = 512, kBatch = 128;
constexpr int kWeights = kInputs * kHidden + kHidden;  // of both layers

void check(cudaError_t result, const char* what) {
  if (result == cudaSuccess) return;
  std::fprintf(stderr, "%s: %s\n", what, cudaGetErrorString(result));
  MPI_Abort(MPI_COMM_WORLD, 1);
}
void check(cublasStatus_t result, const char* what) {
  if (result == CUBLAS_STATUS_SUCCESS) return;
  std::fprintf(stderr, "%s: status %d\n", what, static_cast<int>(result));
  MPI_Abort(MPI_COMM_WORLD, 1);
}

/// Floats in device memory.
class DeviceArray {
 public:
  explicit DeviceArray(int count) {
    check(cudaMalloc(&data_, static_cast<std::size_t>(count) * sizeof(float)), "cudaMalloc");
    check(cudaMemset(data_, 0, static_cast<std::size_t>(count) * sizeof(float)), "cudaMemset");
  }
  ~DeviceArray() { cudaFree(data_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  float* data() const { return data_; }

 private:
  float* data_ = nullptr;
};

/// The sample's inputs depend on the step, the rank and their number alone.
__global__ void make_batch(float* x, float* y, std::int64_t step, int rank) {
  const int sample = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (sample >= kBatch) return;
  std::uint64_t state = static_cast<std::uint64_t>(step) * 1000003u +
                        static_cast<std::uint64_t>(rank) * 7919u + static_cast<std::uint64_t>(sample) + 1;
  float sum = 0;
  for (int i = 0; i < kInputs; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const float value = static_cast<float>(state >> 40) / 16777216.0f - 0.5f;
    x[sample * kInputs + i] = value;
    sum += value;
  }
  y[sample] = tanhf(sum);
}

__global__ void activate(float* h, int count) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < count) h[i] = tanhf(h[i]);
}

__global__ void subtract(float* output, const float* y) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < kBatch) output[i] -= y[i];
}

/// The gradient of the hidden values, through tanh: one product of the error and the second layer's weights
/// each.
__global__ void back(float* gradient_h, const float* error, const float* w2, const float* h) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= kBatch * kHidden) return;
  gradient_h[i] = error[i / kHidden] * w2[i % kHidden] * (1 - h[i] * h[i]);
}

/// Adam (Kingma, Ba: Adam: A Method for Stochastic Optimization, 2015).
__global__ void adam(float* w, float* m, float* v, const float* gradient, float scale, float correction_m,
                     float correction_v) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= kWeights) return;
  const float g = gradient[i] * scale;
  m[i] = 0.9f * m[i] + 0.1f * g;
  v[i] = 0.999f * v[i] + 0.001f * g * g;
  w[i] -= 0.002f * (m[i] / correction_m) / (sqrtf(v[i] / correction_v) + 1e-8f);
}

int blocks(int count) {
  return (count + 255) / 256;
}

class Trainer {
 public:
  explicit Trainer(MPI_Comm comm) : comm_(comm) {
    MPI_Comm_rank(comm_, &rank_);
    MPI_Comm_size(comm_, &size_);
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
    check(cublasCreate(&blas_), "cublasCreate");
    check(cublasSetStream(blas_, stream_), "cublasSetStream");
    std::vector<float> start(kWeights);
    std::uint64_t state = 12345;
    for (float& w : start) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      w = (static_cast<float>(state >> 40) / 16777216.0f - 0.5f) * 0.2f;
    }
    check(cudaMemcpy(weights_.data(), start.data(), start.size() * sizeof(float), cudaMemcpyHostToDevice),
          "cudaMemcpy");
  }
  ~Trainer() {
    cublasDestroy(blas_);
    cudaStreamDestroy(stream_);
  }
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  cudaStream_t stream() const { return stream_; }
  std::int64_t step() const { return step_; }

  /// Device pointers are bound like any others.
  cairn::Tree state() {
    cairn::Tree tree;
    tree["weights/w1"] = cairn::replicated(weights_.data(), {kInputs, kHidden});
    tree["weights/w2"] = cairn::replicated(weights_.data() + kInputs * kHidden, {kHidden});
    tree["adam/m"] = cairn::replicated(m_.data(), {kWeights});
    tree["adam/v"] = cairn::replicated(v_.data(), {kWeights});
    tree["step"] = cairn::ref(step_);
    return tree;
  }

  /// One step; the mean loss over all ranks.
  double train() {
    make_batch<<<blocks(kBatch), 256, 0, stream_>>>(x_.data(), y_.data(), step_, rank_);
    // Row-major products, as column-major ones of the transposes.
    multiply(CUBLAS_OP_N, CUBLAS_OP_N, kHidden, kBatch, kInputs, weights_.data(), kHidden, x_.data(), kInputs,
             h_.data(), kHidden);
    activate<<<blocks(kBatch * kHidden), 256, 0, stream_>>>(h_.data(), kBatch * kHidden);
    multiply(CUBLAS_OP_N, CUBLAS_OP_N, 1, kBatch, kHidden, w2(), 1, h_.data(), kHidden, error_.data(), 1);
    subtract<<<blocks(kBatch), 256, 0, stream_>>>(error_.data(), y_.data());
    multiply(CUBLAS_OP_N, CUBLAS_OP_T, 1, kHidden, kBatch, error_.data(), 1, h_.data(), kHidden,
             gradient_.data() + kInputs * kHidden, 1);
    back<<<blocks(kBatch * kHidden), 256, 0, stream_>>>(gradient_h_.data(), error_.data(), w2(), h_.data());
    multiply(CUBLAS_OP_N, CUBLAS_OP_T, kHidden, kInputs, kBatch, gradient_h_.data(), kHidden, x_.data(),
             kInputs, gradient_.data(), kHidden);
    const double loss = share_gradient();
    ++step_;
    const auto at = static_cast<float>(step_);
    adam<<<blocks(kWeights), 256, 0, stream_>>>(weights_.data(), m_.data(), v_.data(), gradient_.data(),
                                                2.0f / static_cast<float>(kBatch * size_),
                                                1 - std::pow(0.9f, at), 1 - std::pow(0.999f, at));
    check(cudaGetLastError(), "a kernel");
    return loss;
  }

 private:
  float* w2() const { return weights_.data() + kInputs * kHidden; }

  void multiply(cublasOperation_t op_a, cublasOperation_t op_b, int m, int n, int k, const float* a, int lda,
                const float* b, int ldb, float* c, int ldc) {
    const float one = 1, zero = 0;
    check(cublasSgemm(blas_, op_a, op_b, m, n, k, &one, a, lda, b, ldb, &zero, c, ldc), "cublasSgemm");
  }

  /// The sum over the ranks, through host memory; the mean loss.
  double share_gradient() {
    std::vector<float> host(kWeights), error(kBatch);
    check(cudaMemcpyAsync(host.data(), gradient_.data(), host.size() * sizeof(float), cudaMemcpyDeviceToHost,
                          stream_),
          "cudaMemcpyAsync");
    check(cudaMemcpyAsync(error.data(), error_.data(), error.size() * sizeof(float), cudaMemcpyDeviceToHost,
                          stream_),
          "cudaMemcpyAsync");
    check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
    MPI_Allreduce(MPI_IN_PLACE, host.data(), kWeights, MPI_FLOAT, MPI_SUM, comm_);
    double loss = 0;
    for (const float e : error) loss += static_cast<double>(e) * e;
    MPI_Allreduce(MPI_IN_PLACE, &loss, 1, MPI_DOUBLE, MPI_SUM, comm_);
    check(cudaMemcpyAsync(gradient_.data(), host.data(), host.size() * sizeof(float), cudaMemcpyHostToDevice,
                          stream_),
          "cudaMemcpyAsync");
    check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
    return loss / (static_cast<double>(kBatch) * size_);
  }

  MPI_Comm comm_;
  int rank_ = 0, size_ = 1;
  cudaStream_t stream_ = nullptr;
  cublasHandle_t blas_ = nullptr;
  std::int64_t step_ = 0;
  DeviceArray weights_{kWeights}, m_{kWeights}, v_{kWeights}, gradient_{kWeights};
  DeviceArray x_{kBatch * kInputs}, y_{kBatch}, h_{kBatch * kHidden}, gradient_h_{kBatch * kHidden},
      error_{kBatch};
};

int run(const Settings& settings) {
  int rank = 0, devices = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    if (rank == 0) std::printf("no device\n");
    return 77;
  }
  check(cudaSetDevice(rank % devices), "cudaSetDevice");

  Trainer trainer(MPI_COMM_WORLD);
  cairn::Tree state = trainer.state();
  cairn::Context context(MPI_COMM_WORLD);
  context.device.stream = trainer.stream();
  if (cairn::is_checkpoint(context, settings.path)) cairn::load(context, settings.path, state);

  cairn::AsyncResponse pending;
  while (trainer.step() < settings.steps) {
    const double loss = trainer.train();
    if (rank == 0) std::printf("step %lld loss %.17g\n", static_cast<long long>(trainer.step()), loss);
    if (trainer.step() % settings.every == 0 || trainer.step() == settings.steps) {
      if (pending.valid()) pending.result();  // one at a time
      pending = cairn::save_async(context, settings.path, state,
                                  {/*checkpointable_name=*/"state", /*overwrite=*/true});
    }
    if (trainer.step() == settings.die_at && rank == settings.die_rank) {
      std::fflush(stdout);
      std::raise(SIGKILL);
    }
  }
  if (pending.valid()) pending.result();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  Arguments arguments(argc, argv, usage);
  settings.steps = arguments.number("--steps", settings.steps);
  settings.every = std::max(1L, arguments.number("--every", settings.every));
  settings.path = arguments.text("--path", settings.path);
  settings.die_at = arguments.number("--die-at", settings.die_at);
  settings.die_rank = arguments.number("--die-rank", settings.die_rank);
  arguments.finish();
  return run_under_mpi(argc, argv, "train_gpu", [&] { return run(settings); });
}
