#pragma once

#include "cairn/error.hpp"
#include "cairn/options.hpp"
#include "comm/communicator.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

namespace cairn::async {

/// An operation of which a part goes on in the background. What runs there calls neither MPI nor HDF5.
class Task {
 public:
  using Callback = std::function<void(const Report&, const Error*)>;

  Task(Report report, int primary) : report_(std::move(report)), primary_(primary) {}
  virtual ~Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  /// In the background, once. Never throws: what went wrong is kept for `conclude`.
  void work() noexcept;

  // Local, any thread.
  bool done() const noexcept { return done_; }
  /// Whether the caller may change the memory that was given.
  bool snapshotted() const noexcept { return snapshotted_; }
  void wait();  // until `work` is over
  void cancel() noexcept { cancelled_ = true; }
  const std::atomic<bool>& cancelled() const noexcept { return cancelled_; }
  /// Nobody will ask for the result: the next operation on the communicator looks after it. The caller's
  /// memory may be gone when this returns, so it waits while that is still in use.
  void drop() noexcept;
  bool dropped() const noexcept { return dropped_; }

  /// Something to be let go in the background, once it is over.
  void keep(std::shared_ptr<void> thing) noexcept;

  // On the caller's thread.
  void on_complete(Callback callback) { callback_ = std::move(callback); }
  /// Calls the callback, if it was not called, with what this rank knows. Only when done.
  void call_back() noexcept;
  /// Seconds beyond the timeout that its work may take on another rank than this.
  virtual double allowance_s() const noexcept = 0;
  /// Whether saves may overtake it, which the ranks' votes need to begin at about one time.
  virtual bool is_load() const noexcept { return false; }
  /// After `wait`: the report, or what went wrong on any rank. Collective.
  Report conclude(comm::Communicator& comm);
  const std::optional<Error>& failure() const noexcept { return failure_; }
  Report& report() noexcept { return report_; }
  /// Where it saves to, in one way to write it; empty of loads.
  const Path& place() const noexcept { return place_; }
  void set_place(Path place) noexcept { place_ = std::move(place); }

 protected:
  /// The part that runs in the background. May throw.
  virtual void do_work() = 0;
  /// Collective: the part that follows it, on every rank or none. Fills the report.
  virtual void do_conclude(comm::Communicator& comm) = 0;
  void set_snapshotted() noexcept { snapshotted_ = true; }
  /// That it failed elsewhere: for the callback, until the ranks agree on what is thrown. In `do_work`; in
  /// `do_conclude`, what the callback is told although nothing is thrown.
  void set_failed_elsewhere(Error error) { failed_elsewhere_.emplace(std::move(error)); }

 private:
  std::atomic<bool> done_ = false, snapshotted_ = false, cancelled_ = false, dropped_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<void> kept_;  // until it is done
  bool keeps_ = true;
  std::optional<Error> failure_;           // of this rank, once done
  std::optional<Error> failed_elsewhere_;  // as far as this rank knows
  Callback callback_;
  Report report_;
  Path place_;
  int primary_;
};

}  // namespace cairn::async
