#include "comm/communicator.hpp"

#include "comm/duplicate.hpp"
#include "comm/error_wire.hpp"
#include "comm/request.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <limits>
#include <new>

namespace cairn::comm {
namespace {

constexpr double kDefaultTimeout_s = 600;
constexpr std::uint64_t kNobody = ~std::uint64_t{0};  // no rank failed
constexpr std::uint64_t kChunkBytes = 1u << 30;       // of a broadcast
constexpr std::uint64_t kMostGathered = std::numeric_limits<int>::max();

std::atomic<CommHook*> hook = nullptr;

/// The first message of a broadcast: how much follows, or what failed. What is small travels along.
struct ShareHeader {
  std::uint64_t bytes = 0;
  ErrorMessage failure;
};
static_assert(std::is_trivially_copyable_v<ShareHeader>);

std::shared_ptr<const Error> out_of_memory() {
  static const auto error = std::make_shared<const Error>(
      ErrorCode::out_of_memory,
      "there is not enough memory on this rank; give it less to hold, or use more ranks");
  return error;
}

}  // namespace

CommHook* set_comm_hook(CommHook* next) noexcept {
  return hook.exchange(next);
}

struct Communicator::State {
  std::shared_ptr<Duplicate> duplicate;
  int primary = 0;
  double timeout_s = kDefaultTimeout_s;
  double allowed_s = 0;

  State(MPI_Comm original, double timeout) : timeout_s(timeout > 0 ? timeout : kDefaultTimeout_s) {
    out_of_memory();  // made while there is memory
    duplicate = acquire(original, timeout_s);
  }
  ~State() { release(*duplicate); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  /// Runs one collective: `start` fills the request and calls MPI's nonblocking function, whose code it
  /// returns.
  template <class Start>
  std::unique_ptr<Request> run(std::string_view stage, Start&& start) {
    if (duplicate->poison != nullptr) throw Error(*duplicate->poison);
    if (auto* asked = hook.load()) asked->before(stage);
    auto request = std::make_unique<Request>();
    check(*duplicate, start(*request, duplicate->comm), stage);
    return finish(*duplicate, std::move(request), stage, timeout_s + allowed_s);
  }

  Lanes reduce(std::string_view stage, Lanes lanes, MPI_Op operation) {
    if (lanes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
      throw Error(ErrorCode::unsupported, "the tree has too many leaves for one reduction; save it in parts");
    auto done = run(stage, [&](Request& request, MPI_Comm comm) {
      request.sent = std::move(lanes);
      request.received.resize(request.sent.size());
      return MPI_Iallreduce(request.sent.data(), request.received.data(),
                            static_cast<int>(request.sent.size()), MPI_UINT64_T, operation, comm,
                            &request.handle);
    });
    return std::move(done->received);
  }

  std::string broadcast(std::string_view stage, std::string bytes, int root) {
    auto done = run(stage, [&](Request& request, MPI_Comm comm) {
      request.sent_bytes = std::move(bytes);
      return MPI_Ibcast(request.sent_bytes.data(), static_cast<int>(request.sent_bytes.size()), MPI_BYTE,
                        root, comm, &request.handle);
    });
    return std::move(done->sent_bytes);
  }
};

struct LaterMax::Pending {
  std::unique_ptr<Request> request;
  std::shared_ptr<Duplicate> duplicate;
};

LaterMax::LaterMax() noexcept = default;

LaterMax::~LaterMax() {
  if (!pending_ || !pending_->request) return;
  auto* const request = pending_->request.release();
  try {
    pending_->duplicate->left.emplace_back(request);
  } catch (const std::bad_alloc&) {
    // It stays on the heap for good.
  }
}

void LaterMax::start(Communicator& comm, std::string_view stage, Lanes lanes) {
  auto& state = *comm.state_;
  auto& duplicate = *state.duplicate;
  if (duplicate.poison != nullptr) throw Error(*duplicate.poison);
  if (auto* asked = hook.load()) asked->before(stage);
  auto pending = std::make_unique<Pending>();
  pending->duplicate = state.duplicate;
  pending->request = std::make_unique<Request>();
  auto& request = *pending->request;
  request.sent = std::move(lanes);
  request.received.resize(request.sent.size());
  check(duplicate,
        MPI_Iallreduce(request.sent.data(), request.received.data(), static_cast<int>(request.sent.size()),
                       MPI_UINT64_T, MPI_MAX, duplicate.comm, &request.handle),
        stage);
  pending_ = std::move(pending);
}

Agreed<Lanes> LaterMax::finish(Communicator& comm, std::string_view stage) {
  const auto pending = std::move(pending_);
  auto& state = *comm.state_;
  auto done = cairn::comm::finish(*state.duplicate, std::move(pending->request), stage,
                                  state.timeout_s + state.allowed_s);
  return Agreed<Lanes>(std::move(done->received));
}

Communicator::Communicator(const Context& context)
    : state_(std::make_shared<State>(context.comm(), context.ranks.timeout_s)) {}
Communicator::~Communicator() = default;

int Communicator::rank() const noexcept {
  return state_->duplicate->rank;
}
int Communicator::size() const noexcept {
  return state_->duplicate->size;
}
int Communicator::primary() const noexcept {
  return state_->primary;
}
void Communicator::set_primary(int primary) noexcept {
  state_->primary = primary;
}
bool Communicator::poisoned() const noexcept {
  return state_->duplicate->poison != nullptr;
}
MPI_Comm Communicator::handle() const noexcept {
  return state_->duplicate->comm;
}
std::shared_ptr<Attachment>& Communicator::attachment() noexcept {
  return state_->duplicate->attachment;
}
void Communicator::allow(double seconds) noexcept {
  state_->allowed_s = seconds > 0 ? seconds : 0;
}

std::shared_ptr<const Error> Communicator::attempt(const std::function<void()>& step) noexcept {
  try {
    try {
      step();
      return nullptr;
    } catch (const std::bad_alloc&) {
      return out_of_memory();
    } catch (const Error& error) {
      return std::make_shared<const Error>(error);
    } catch (const std::exception& error) {
      return std::make_shared<const Error>(ErrorCode::internal, error.what());
    } catch (...) {
      return std::make_shared<const Error>(ErrorCode::internal,
                                           "something that is not a std::exception was thrown");
    }
  } catch (...) {
    return out_of_memory();
  }
}

void Communicator::conclude(std::string_view stage, const std::shared_ptr<const Error>& failure,
                            Lanes* lanes) {
  Lanes verdict = lanes != nullptr ? std::move(*lanes) : Lanes();
  verdict.push_back(failure != nullptr ? static_cast<std::uint64_t>(rank()) : kNobody);
  verdict = state_->reduce(stage, std::move(verdict), MPI_MIN);
  const auto failed = verdict.back();
  if (failed == kNobody) {
    verdict.pop_back();
    if (lanes != nullptr) *lanes = std::move(verdict);
    return;
  }
  std::string bytes(sizeof(ErrorMessage), '\0');
  if (failed == static_cast<std::uint64_t>(rank())) {
    const auto message = encode(*failure, rank());
    std::memcpy(bytes.data(), &message, sizeof message);
  }
  bytes = state_->broadcast(stage, std::move(bytes), static_cast<int>(failed));
  ErrorMessage message;
  std::memcpy(&message, bytes.data(), sizeof message);
  throw decode(message);
}

void Communicator::conclude_sum(std::string_view stage, const std::shared_ptr<const Error>& failure,
                                Lanes& lanes) {
  lanes.push_back(failure != nullptr ? 1 : 0);
  lanes = state_->reduce(stage, std::move(lanes), MPI_SUM);
  if (lanes.back() != 0) conclude(stage, failure, nullptr);
  lanes.pop_back();
}

Lanes Communicator::counted(Lanes lanes, std::size_t count) {
  if (lanes.size() != count) throw Error(ErrorCode::internal, "a step returned another number of lanes");
  return lanes;
}

void Communicator::share(std::string_view stage, const std::shared_ptr<const Error>& failure,
                         std::string& bytes) {
  ShareHeader header;
  if (is_primary()) {
    header.bytes = failure != nullptr ? 0 : bytes.size();
    if (failure != nullptr)
      header.failure = encode(*failure, rank());
    else if (bytes.size() <= header.failure.text.size())
      std::copy(bytes.begin(), bytes.end(), header.failure.text.begin());
  }
  std::string text(sizeof header, '\0');
  std::memcpy(text.data(), &header, sizeof header);
  text = state_->broadcast(stage, std::move(text), primary());
  std::memcpy(&header, text.data(), sizeof header);
  if (header.failure.code != 0) throw decode(header.failure);

  if (header.bytes <= header.failure.text.size()) {
    bytes.assign(header.failure.text.data(), header.bytes);
    return;
  }
  bytes.resize(header.bytes);
  for (std::uint64_t offset = 0; offset < header.bytes; offset += kChunkBytes) {
    const auto length = std::min(kChunkBytes, header.bytes - offset);
    auto chunk = state_->broadcast(
        stage, is_primary() ? bytes.substr(offset, length) : std::string(length, '\0'), primary());
    if (!is_primary())
      std::copy(chunk.begin(), chunk.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
  }
}

Agreed<Lanes> Communicator::sum(std::string_view stage, Lanes lanes) {
  return Agreed<Lanes>(state_->reduce(stage, std::move(lanes), MPI_SUM));
}

Agreed<Lanes> Communicator::max(std::string_view stage, Lanes lanes) {
  return Agreed<Lanes>(state_->reduce(stage, std::move(lanes), MPI_MAX));
}

Agreed<Lanes> Communicator::exclusive_sum(std::string_view stage, Lanes lanes) {
  if (lanes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    throw Error(ErrorCode::unsupported, "the tree has too many leaves for one reduction; save it in parts");
  auto done = state_->run(stage, [&](Request& request, MPI_Comm comm) {
    request.sent = std::move(lanes);
    request.received.resize(request.sent.size());
    return MPI_Iexscan(request.sent.data(), request.received.data(), static_cast<int>(request.sent.size()),
                       MPI_UINT64_T, MPI_SUM, comm, &request.handle);
  });
  if (rank() == 0) std::fill(done->received.begin(), done->received.end(), 0);
  return Agreed<Lanes>(std::move(done->received));
}

std::string Communicator::broadcast(std::string_view stage, int root, std::string bytes) {
  return state_->broadcast(stage, std::move(bytes), root);
}

std::vector<std::string> Communicator::gather(std::string_view stage, std::string_view bytes) {
  const auto ranks = static_cast<std::size_t>(size());
  auto sizes = std::move(state_
                             ->run(stage,
                                   [&](Request& request, MPI_Comm comm) {
                                     request.sent = {bytes.size()};
                                     request.received.resize(ranks);
                                     return MPI_Iallgather(request.sent.data(), 1, MPI_UINT64_T,
                                                           request.received.data(), 1, MPI_UINT64_T, comm,
                                                           &request.handle);
                                   })
                             ->received);
  std::uint64_t total = 0;
  for (const auto size : sizes) {
    if (size > kMostGathered || (total += size) > kMostGathered)
      throw Error(ErrorCode::unsupported, "the ranks have more than 2 GiB to tell one rank in the stage `" +
                                              std::string(stage) +
                                              "`; divide the arrays into fewer boxes, or save them in parts");
  }

  auto done = state_->run(stage, [&](Request& request, MPI_Comm comm) {
    request.sent_bytes = bytes;
    if (is_primary()) {
      int offset = 0;
      for (const auto size : sizes) {
        request.counts.push_back(static_cast<int>(size));
        request.offsets.push_back(offset);
        offset += static_cast<int>(size);
      }
      request.received_bytes.resize(total);
    }
    return MPI_Igatherv(request.sent_bytes.data(), static_cast<int>(request.sent_bytes.size()), MPI_BYTE,
                        request.received_bytes.data(), request.counts.data(), request.offsets.data(),
                        MPI_BYTE, primary(), comm, &request.handle);
  });
  std::vector<std::string> parts;
  if (!is_primary()) return parts;
  for (std::size_t i = 0; i < ranks; ++i)
    parts.push_back(done->received_bytes.substr(static_cast<std::size_t>(done->offsets[i]), sizes[i]));
  return parts;
}

}  // namespace cairn::comm
