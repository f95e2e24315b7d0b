#include "async/task.hpp"

#include <new>
#include <utility>

namespace cairn::async {

void Task::work() noexcept {
  try {
    do_work();
  } catch (const Error& error) {
    failure_ = error;
  } catch (const std::bad_alloc&) {
    failure_.emplace(ErrorCode::out_of_memory, "there was not enough memory in the background");
  } catch (const std::exception& error) {
    failure_.emplace(ErrorCode::internal, error.what());
  } catch (...) {
    failure_.emplace(ErrorCode::internal, "something that is not a std::exception was thrown");
  }
  snapshotted_ = true;
  {
    std::shared_ptr<void> kept;  // let go outside the lock, and before anybody believes that it is over
    const std::lock_guard lock(mutex_);
    kept = std::move(kept_);
    keeps_ = false;
  }
  const std::lock_guard lock(mutex_);
  done_ = true;
  changed_.notify_all();
}

void Task::keep(std::shared_ptr<void> thing) noexcept {
  const std::lock_guard lock(mutex_);
  if (keeps_) kept_ = std::move(thing);
}

void Task::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return done_.load(); });
}

void Task::drop() noexcept {
  dropped_ = true;
  if (!snapshotted_) wait();
}

void Task::call_back() noexcept {
  const auto callback = std::exchange(callback_, nullptr);
  if (!callback) return;
  try {
    const auto& known = failure_ ? failure_ : failed_elsewhere_;
    callback(report_, known ? &*known : nullptr);
  } catch (...) {
    // It is the program's own; a save does not fail for it.
  }
}

Report Task::conclude(comm::Communicator& comm) {
  comm.set_primary(primary_);
  comm.allow(allowance_s());
  try {
    comm.agree("result", [&] {
      if (failure_) throw Error(*failure_);
    });
    failed_elsewhere_.reset();
    do_conclude(comm);
    comm.allow(0);
  } catch (const Error& error) {
    comm.allow(0);
    failure_ = error;
    call_back();
    throw;
  }
  call_back();
  return report_;
}

}  // namespace cairn::async
