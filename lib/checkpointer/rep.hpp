#pragma once

#include "cairn/checkpointer.hpp"
#include "checkpointer/decider.hpp"
#include "checkpointer/root.hpp"
#include "checkpointer/step_list.hpp"
#include "comm/communicator.hpp"

#include <functional>
#include <optional>
#include <set>
#include <string>

namespace cairn {
namespace detail {

/// What a Checkpointer is. All ranks have the same list of steps: the primary makes it and tells the others.
/// Everything is collective but what says otherwise.
struct CheckpointerRep {
 public:
  CheckpointerRep(const Context& context, const Path& root, CheckpointerOptions options);

  using Save = std::function<Report(const Path&, const SaveOptions&)>;
  using SaveInBackground = std::function<AsyncResponse(const Path&, const SaveOptions&)>;
  bool save(std::int64_t step, const StepOptions& options, const Save& save);
  bool save_in_background(std::int64_t step, const StepOptions& options, const SaveInBackground& save);
  using Load = std::function<void(const Path&)>;
  std::optional<std::int64_t> restore_latest(const Load& load);
  /// Where a step is; Error(not_found).
  Path locate(const char* operation, std::int64_t step);

  bool should_save(std::int64_t step);
  bool should_stop();
  void remove(std::int64_t step);
  void pin(std::int64_t step, bool pinned);
  void wait();
  void reload();
  void close();

  // Local.
  const checkpointer::StepList& steps() const noexcept { return steps_; }
  std::optional<std::int64_t> latest() const noexcept;
  ExitStatus exit_status() const noexcept { return decider_.exit_status(); }
  const Context& context() const noexcept { return context_; }

 private:
  struct Pending {
    std::int64_t step = 0;
    checkpointer::Step entry = {};
    AsyncResponse response = {};
  };

  void agree_on_policies(comm::Communicator& comm);
  void agree_on_step(comm::Communicator& comm, const char* operation, std::int64_t step);
  void require_open() const;
  /// Runs `change` on the primary's list; all ranks get the list.
  void update(comm::Communicator& comm, const char* stage,
              const std::function<void(checkpointer::StepList&)>& change);
  bool begin(std::int64_t step, const StepOptions& options, Pending& next, SaveOptions& save);
  void claim(comm::Communicator& comm);
  void rescan(checkpointer::StepList& list) const;
  void prepare(checkpointer::StepList& list, std::int64_t step, bool overwrite);
  void committed(const Pending& done, const Report& report);
  void retain(checkpointer::StepList& list, std::int64_t done);
  void retire(checkpointer::StepList& list, std::int64_t step);
  std::set<std::int64_t> protected_steps(const checkpointer::StepList& list) const;
  bool try_step(std::int64_t step, const Load& load);
  void note_damage(std::int64_t step, const std::string& what);
  checkpointer::Step& find(checkpointer::StepList& list, std::int64_t step) const;

  Context context_;
  Path path_;  // of the root, as it was given
  CheckpointerOptions options_;
  checkpointer::Root root_;  // used by the primary
  checkpointer::Decider decider_;
  checkpointer::StepList steps_;
  std::optional<Pending> pending_;
  std::optional<std::int64_t> restored_;  // kept until this run has committed a later one
  std::set<std::int64_t> not_removed_;    // told of once
  bool closed_ = false, claimed_ = false;
};

}  // namespace detail
}  // namespace cairn
