#pragma once

#include "cairn/context.hpp"
#include "cairn/error.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/// The only MPI calls of the library. Every collective is a nonblocking one polled against a deadline; a
/// passed deadline throws Error(timeout) on this rank alone, poisons the duplicate (later calls throw at
/// once, without communicating), and leaves the request and its buffers on the heap for good.
namespace cairn::comm {

/// A value that every rank's verdict stands behind. Nothing but a Communicator makes one, so that a stage
/// which takes an Agreed<T> cannot be reached without a verdict.
template <class T>
class Agreed {
 public:
  const T& operator*() const& noexcept { return value_; }
  T& operator*() & noexcept { return value_; }
  T&& operator*() && noexcept { return std::move(value_); }
  const T* operator->() const noexcept { return &value_; }
  T* operator->() noexcept { return &value_; }
  /// A value derived from this one by a step that cannot fail on one rank alone.
  template <class Function>
  auto then(Function&& function) && -> Agreed<std::invoke_result_t<Function, T&&>> {
    return Agreed<std::invoke_result_t<Function, T&&>>(std::forward<Function>(function)(std::move(value_)));
  }

 private:
  friend class Communicator;
  friend class LaterMax;
  template <class>
  friend class Agreed;
  explicit Agreed(T value) : value_(std::move(value)) {}
  T value_;
};
template <>
class Agreed<void> {
  friend class Communicator;
  Agreed() = default;
};

using Lanes = std::vector<std::uint64_t>;
class Attachment;
class LaterMax;

/// Asked before each collective, so that a test can delay a rank at a stage. `stage` is the name given by the
/// caller.
class CommHook {
 public:
  virtual ~CommHook() = default;
  virtual void before(std::string_view stage) = 0;
};
/// Sets the process's hook and returns the one before; null: none. For tests only.
CommHook* set_comm_hook(CommHook* hook) noexcept;

/// This library's duplicate of the caller's communicator, for the length of one operation. Made once for each
/// communicator and kept as its attribute; the duplicates are released at MPI_Finalize. One operation at a
/// time: a second thread gets Error(locked).
class Communicator {
 public:
  /// Collective over context.comm() the first time, local afterwards. Throws on this rank alone where MPI is
  /// not running, the communicator is null, the duplicate is poisoned, or another thread uses it.
  explicit Communicator(const Context& context);
  ~Communicator();  // local
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  int rank() const noexcept;
  int size() const noexcept;
  /// The rank that does what one rank must do. Rank 0 until `set_primary`, which the plan calls once all
  /// ranks agree on it.
  int primary() const noexcept;
  void set_primary(int primary) noexcept;
  bool is_primary() const noexcept { return rank() == primary(); }
  bool poisoned() const noexcept;
  MPI_Comm handle() const noexcept;  // the duplicate; for parallel HDF5 alone
  /// Kept with the communicator when this goes.
  std::shared_ptr<Attachment>& attachment() noexcept;

  /// Seconds that the next collectives may take beyond the timeout: for stages that move data. 0 takes it
  /// back.
  void allow(double seconds) noexcept;

  /// Runs `step` on every rank; returns its value on every rank, or throws one and the same Error on every
  /// rank: that of the first rank that failed. What is not a cairn::Error becomes Error(internal),
  /// std::bad_alloc Error(out_of_memory). One collective; two where a rank failed.
  template <class Step>
  auto agree(std::string_view stage, Step&& step) -> Agreed<std::invoke_result_t<Step>> {
    using Value = std::invoke_result_t<Step>;
    if constexpr (std::is_void_v<Value>) {
      auto failure = attempt(step);
      conclude(stage, failure, nullptr);
      return Agreed<void>();
    } else {
      std::optional<Value> value;
      auto failure = attempt([&] { value.emplace(step()); });
      conclude(stage, failure, nullptr);
      return Agreed<Value>(std::move(*value));
    }
  }

  /// The same, and the lanes that `step` returns (always `count` of them) come back as their minimum over the
  /// ranks.
  template <class Step>
  Agreed<Lanes> agree_min(std::string_view stage, std::size_t count, Step&& step) {
    Lanes lanes(count, ~std::uint64_t{0});
    auto failure = attempt([&] { lanes = counted(step(), count); });
    conclude(stage, failure, &lanes);
    return Agreed<Lanes>(std::move(lanes));
  }

  /// The same, but the lanes come back as their sum over the ranks, which wraps around.
  template <class Step>
  Agreed<Lanes> agree_sum(std::string_view stage, std::size_t count, Step&& step) {
    Lanes lanes(count, 0);
    auto failure = attempt([&] { lanes = counted(step(), count); });
    conclude_sum(stage, failure, lanes);
    return Agreed<Lanes>(std::move(lanes));
  }

  /// Runs `step` on the primary alone; its bytes, or its Error, reach every rank. One collective for up to
  /// 4 KiB, one more for each GiB begun beyond that.
  template <class Step>
  Agreed<std::string> agree_on_root(std::string_view stage, Step&& step) {
    std::string bytes;
    std::shared_ptr<const Error> failure;
    if (is_primary()) failure = attempt([&] { bytes = step(); });
    share(stage, failure, bytes);
    return Agreed<std::string>(std::move(bytes));
  }

  /// Elementwise over the ranks; the same length on every rank (agreed before). One collective each.
  /// Sums wrap around; `exclusive_sum` is over the ranks below this one, zeros on rank 0.
  Agreed<Lanes> sum(std::string_view stage, Lanes lanes);
  Agreed<Lanes> max(std::string_view stage, Lanes lanes);
  Agreed<Lanes> exclusive_sum(std::string_view stage, Lanes lanes);

  /// The bytes of `root`, on every rank; elsewhere `bytes` gives the length (agreed before, at most 1 GiB).
  /// One collective. The bytes are taken, since a request that outlives its deadline goes on using them.
  std::string broadcast(std::string_view stage, int root, std::string bytes);

  /// Each rank's bytes, on the primary (elsewhere empty). Two collectives. More than 2 GiB in all is
  /// Error(unsupported) on every rank.
  std::vector<std::string> gather(std::string_view stage, std::string_view bytes);

 private:
  friend class LaterMax;
  static std::shared_ptr<const Error> attempt(const std::function<void()>& step) noexcept;
  void conclude(std::string_view stage, const std::shared_ptr<const Error>& failure, Lanes* lanes);
  void conclude_sum(std::string_view stage, const std::shared_ptr<const Error>& failure, Lanes& lanes);
  static Lanes counted(Lanes lanes, std::size_t count);
  void share(std::string_view stage, const std::shared_ptr<const Error>& failure, std::string& bytes);

  struct State;
  std::shared_ptr<State> state_;
};

/// A maximum over the ranks that one operation starts and a later one, on the same communicator, waits for.
/// The order of `start` and of all other collectives must be the same on every rank.
class LaterMax {
 public:
  LaterMax() noexcept;
  ~LaterMax();  // local: what is pending completes by itself
  LaterMax(const LaterMax&) = delete;
  LaterMax& operator=(const LaterMax&) = delete;

  bool pending() const noexcept { return pending_ != nullptr; }
  /// The same number of lanes on every rank. Only where none is pending.
  void start(Communicator& comm, std::string_view stage, Lanes lanes);
  /// Waits for it. Only where one is pending.
  Agreed<Lanes> finish(Communicator& comm, std::string_view stage);

 private:
  struct Pending;
  std::unique_ptr<Pending> pending_;
};

}  // namespace cairn::comm
