#include "cairn/error.hpp"
#include "device/broadcast.hpp"
#include "device/cuda_stream.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include <nccl.h>

namespace cairn::device {
namespace {

void check(ncclResult_t result, const char* call) {
  if (result == ncclSuccess || result == ncclInProgress) return;
  throw Error(ErrorCode::device, std::string(call) + " failed: " + ncclGetErrorString(result));
}

}  // namespace

bool Broadcast::serves(void* nccl, int rank, int ranks) noexcept {
  const auto comm = static_cast<ncclComm_t>(nccl);
  int count = 0, own = -1;
  return comm != nullptr && ncclCommCount(comm, &count) == ncclSuccess &&
         ncclCommUserRank(comm, &own) == ncclSuccess && count == ranks && own == rank;
}

struct Broadcast::State {
  ncclComm_t comm;
  cudaStream_t caller;
  std::optional<Stream> stream;  // of the device of the first memory given
};

Broadcast::Broadcast(void* nccl, void* caller_stream) : state_(std::make_unique<State>()) {
  state_->comm = static_cast<ncclComm_t>(nccl);
  state_->caller = static_cast<cudaStream_t>(caller_stream);
}

Broadcast::~Broadcast() = default;

void Broadcast::start(std::byte* memory, std::uint64_t bytes, int root) {
  if (!state_->stream) state_->stream.emplace(placement_of(memory).device, state_->caller);
  const CurrentDevice current(state_->stream->device());
  check(ncclBroadcast(memory, memory, bytes, ncclUint8, root, state_->comm, state_->stream->get()),
        "ncclBroadcast");
}

void Broadcast::wait(double timeout_s) {
  if (!state_->stream) return;
  const auto start = std::chrono::steady_clock::now();
  // Polled, since a rank that does not take part keeps the others' streams busy for good.
  for (cudaError_t result; (result = cudaStreamQuery(state_->stream->get())) != cudaSuccess;) {
    if (result != cudaErrorNotReady) check(result, "a broadcast between devices");
    ncclResult_t failure = ncclSuccess;
    check(ncclCommGetAsyncError(state_->comm, &failure), "ncclCommGetAsyncError");
    check(failure, "a broadcast between devices");
    if (std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() > timeout_s)
      throw Error(
          ErrorCode::timeout,
          "a rank did not take part in a broadcast between devices within ranks.timeout_s; make a new "
          "ncclComm_t");
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
}

}  // namespace cairn::device
