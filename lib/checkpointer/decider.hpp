#pragma once

#include "cairn/checkpointer.hpp"
#include "checkpointer/save_rule.hpp"
#include "checkpointer/signals.hpp"
#include "comm/communicator.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace cairn::checkpointer {

/// Whether to save, and whether to stop. One small reduction a step tells all ranks what only some know: it
/// is started in one call and waited for in the next, so that no call waits for the slowest rank. It carries
/// the smallest and the largest step, the primary's answers, and the signals of all ranks. Where a call
/// decides to save, it waits for its own at once: then all ranks are at one step.
class Decider {
 public:
  /// The policy has no problems, and is the same on every rank.
  explicit Decider(SavePolicy policy);

  /// Whether to save this step. The same answer for as long as it is asked about the same step. Collective:
  /// Error(mismatch) where ranks are at different steps, Error(invalid_argument) for a negative one.
  bool decide(comm::Communicator& comm, std::int64_t step, bool force);
  /// Whether to stop. Collective; communicates only where `decide` was not called since.
  bool should_stop(comm::Communicator& comm);
  ExitStatus exit_status() const noexcept { return told_stop_ && run_again_ ? exit_run_again : exit_done; }
  /// Waits for what is pending. Collective.
  void finish(comm::Communicator& comm);

  // What happened. Local.
  /// That step is not saved again by the policy, until a later one is saved or it is removed.
  void restored(std::int64_t step) noexcept;
  void removed(std::int64_t step) noexcept;
  void save_began(std::int64_t step);
  void save_ended(const Report& report);
  void save_failed(std::optional<std::int64_t> latest) noexcept;
  /// `latest`: the step that counts as the last one saved.
  void set_last_saved(std::optional<std::int64_t> latest) noexcept { last_saved_ = latest; }

 private:
  struct Decision {
    std::int64_t step = 0;
    bool force = false, save = false;
  };
  /// Of an on_file rule, which is looked for once a second at most.
  struct Look {
    double at_s = 0;
    bool found = false;
  };

  /// What a save that began has changed.
  struct Before {
    double last_save_s = 0;
    std::uint64_t signalled = 0;
    bool deadline_saved = false;
  };

  std::uint64_t answers(comm::Communicator& comm, const Facts& facts, bool asks);
  void start(comm::Communicator& comm, std::uint64_t key, bool force, const Facts& facts);
  void absorb(comm::Communicator& comm);
  Facts facts(std::int64_t step) const;
  bool is_there(std::size_t leaf);
  bool is_any_due(const Facts& facts) const;

  SavePolicy policy_;
  std::vector<Leaf> leaves_;
  std::vector<std::unique_ptr<SignalWatch>> signals_;  // by leaf; null of others
  std::vector<std::optional<Look>> looks_;             // by leaf
  comm::LaterMax later_;

  // The same on every rank.
  std::uint64_t told_ = 0;       // answers of the primary, as of the last reduction
  std::uint64_t signalled_ = 0;  // leaves whose signal came since the last save began
  bool stop_ = false, run_again_ = false;
  bool told_stop_ = false;  // the program knows it
  bool asked_ = false;      // whether `decide` was called since should_stop
  std::optional<Decision> decided_;
  /// The ranks were at different steps: some noticed at once, some one call later, and so no call may
  /// communicate any more.
  std::optional<Error> broken_;
  std::optional<std::int64_t> previous_step_, last_saved_, restored_;

  // As the primary's clock says.
  double made_s_, last_save_s_;
  double first_call_s_ = 0, saving_s_ = 0, save_s_ = 0, longest_save_s_ = 0;
  std::int64_t calls_ = 0;
  bool deadline_saved_ = false;
  Before before_;
};

}  // namespace cairn::checkpointer
