#include "async/pending.hpp"
#include "async/queue.hpp"
#include "base/clock.hpp"
#include "cairn/async.hpp"

#include <utility>

namespace cairn {
namespace detail {

Pending::Pending(Context made_with) : context(std::move(made_with)) {}
Pending::~Pending() {
  if (task) task->drop();
}

}  // namespace detail

inline namespace CAIRN_ABI {
namespace {

/// Waits for the task, and brings it to its end.
Report conclude(comm::Communicator& comm, const detail::Pending& pending) {
  base::Clock clock;
  pending.task->wait();
  pending.task->report().blocked_s += clock.seconds();
  async::Queue::of(comm)->forget(*pending.task);
  return pending.task->conclude(comm);
}

[[noreturn]] void nothing_to_wait_for() {
  throw Error(ErrorCode::invalid_argument,
              "this AsyncResponse has nothing to wait for: its result was taken, or it was moved from");
}

}  // namespace

AsyncResponse::AsyncResponse() noexcept = default;
AsyncResponse::AsyncResponse(std::unique_ptr<detail::Pending> pending) noexcept
    : pending_(std::move(pending)) {}
AsyncResponse::AsyncResponse(AsyncResponse&&) noexcept = default;
AsyncResponse& AsyncResponse::operator=(AsyncResponse&&) noexcept = default;
AsyncResponse::~AsyncResponse() = default;

bool AsyncResponse::valid() const noexcept {
  return pending_ != nullptr;
}

Report AsyncResponse::result() {
  if (!pending_) nothing_to_wait_for();
  const auto pending = std::exchange(pending_, nullptr);
  comm::Communicator comm(pending->context);
  return conclude(comm, *pending);
}

bool AsyncResponse::poll() {
  if (!pending_) nothing_to_wait_for();
  const bool done = pending_->task->done();
  if (done) pending_->task->call_back();
  return done;
}

bool AsyncResponse::snapshotted() const {
  if (!pending_) nothing_to_wait_for();
  return pending_->task->snapshotted();
}

void AsyncResponse::on_complete(std::function<void(const Report&, const Error*)> callback) {
  if (!pending_) nothing_to_wait_for();
  pending_->task->on_complete(std::move(callback));
}

void AsyncResponse::cancel() {
  if (!pending_) nothing_to_wait_for();
  const auto pending = std::exchange(pending_, nullptr);
  pending->task->cancel();
  comm::Communicator comm(pending->context);
  try {
    conclude(comm, *pending);
  } catch (const Error&) {
    if (comm.poisoned()) throw;
  }
}

}  // namespace CAIRN_ABI
}  // namespace cairn
