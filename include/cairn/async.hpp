#pragma once

#include "context.hpp"

#include <functional>
#include <memory>

/// \file
/// What an asynchronous save or load returns.

namespace cairn {
namespace detail {
struct Pending;
}

inline namespace CAIRN_ABI {

/// A save or a load that goes on in the background. Movable, and valid until its result is taken. Dropping
/// one is safe and communicates nothing: a save goes on, it is over at the latest in MPI_Finalize, and a
/// failure is thrown by the next collective call on the same communicator once every rank knows of it
/// (docs/collectives.md names the few that do not). A load is given up. The communicator must live until
/// then.
///
/// One thread at a time. A call on an object that is not valid is Error(invalid_argument), on this rank
/// alone.
class [[nodiscard]] CAIRN_API AsyncResponse {
 public:
  AsyncResponse() noexcept;  ///< not valid
  AsyncResponse(AsyncResponse&& other) noexcept;
  AsyncResponse& operator=(AsyncResponse&& other) noexcept;
  ~AsyncResponse();

  /// Whether there is anything to wait for. Not collective.
  bool valid() const noexcept;

  /// Waits until the operation is over, and returns its report; throws what went wrong on any rank, the same
  /// Error on every rank. Not valid afterwards. After a failed save nothing of it is left, and an older
  /// checkpoint at the path is untouched; after a failed load the bound memory is undefined.
  ///
  /// Collective over the context's communicator.
  Report result();

  /// Whether this rank's part is over: `result` then waits for other ranks alone. Not collective.
  bool poll();

  /// Whether the caller may change the memory that it gave: of a save, at once unless `async.snapshot` is
  /// off; of a load, when `poll` says so (it then still lacks replicated arrays, which `result` fills). Not
  /// collective.
  bool snapshotted() const;

  /// `callback` is called once, on the thread of the caller and within a later call: in `poll` or `result`,
  /// or in the next collective call where this object was dropped. Its Error is null where all went well; in
  /// `poll` it is what this rank knows; of a load that was dropped it is `cancelled`. What it throws is
  /// dropped. Not collective.
  void on_complete(std::function<void(const Report&, const Error*)> callback);

  /// Gives the operation up and waits until it is over. A save that was decided before stands; else nothing
  /// of it is left. Not valid afterwards. Throws only where the ranks could not agree.
  ///
  /// Collective over the context's communicator.
  void cancel();

  /// For the library.
  explicit AsyncResponse(std::unique_ptr<detail::Pending> pending) noexcept;

 private:
  std::unique_ptr<detail::Pending> pending_;
};

}  // namespace CAIRN_ABI
}  // namespace cairn
