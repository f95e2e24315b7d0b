#pragma once

#include "checkpointables.hpp"
#include "metadata.hpp"
#include "policies.hpp"

/// \file
/// The checkpoints of a run: a root directory with one for each saved step.
///
///     cairn::Checkpointer checkpoints(comm, "run/checkpoints",
///         {.save_when = any_of(every_steps(100), on_signal(SIGTERM)), .keep = latest(3)});
///     if (auto found = checkpoints.restore_latest(state)) step = *found;
///     while (step < last && !checkpoints.should_stop()) {
///       advance(++step);
///       checkpoints.save_async(step, state);
///     }
///     checkpoints.wait();
///     return checkpoints.exit_status();

namespace cairn {
namespace detail {
struct CheckpointerRep;
}

inline namespace CAIRN_ABI {

/// The names of steps: the prefix, then the step with zeros before it up to `digits`. {"step_", 8}:
/// step_00000100. The prefix has at most 150 bytes, does not begin with '.' or end in a digit, and holds no
/// '/' or control character; `digits` is from 0 to 19.
struct StepName {
  std::string prefix = {};
  int digits = 0;
};

struct CheckpointerOptions {
  SavePolicy save_when = every_steps(1);
  KeepPolicy keep = keep_all();
  StepName step_name = {};  ///< of new steps; plain numbers and step_NUMBER are read as well
};

struct StepOptions {
  Metrics metrics = {};  ///< the primary's are stored
  Json custom_metadata = {};
  bool force = false;      ///< saves whatever the policy says
  bool overwrite = false;  ///< also a step that exists, or one before the latest
};

/// What a program returns, so that a batch script knows what to do.
enum ExitStatus : int {
  exit_done = 0,       ///< the run is over
  exit_run_again = 75  ///< it was stopped by a signal or before its deadline (EX_TEMPFAIL of sysexits.h)
};

/// The checkpoints of a run. One save at a time: the next one waits for it. One job at a time saves in a root
/// directory (Error(locked) for the others); any number of others may load. Steps are 0 or more, and the same
/// on every rank.
///
/// All functions are collective over the context's communicator but the const ones, which tell what the last
/// collective call knew; the destructor waits for no other rank, and lets a save in the background go on: the
/// constructor of the next one on that communicator, and its other functions that look at the root directory,
/// wait until it is over, and throw what it met. One thread at a time. A step that differs between ranks is
/// Error(mismatch), at the latest in the next call; once `save`, `should_save` or `should_stop` have thrown
/// it, they do for good: make a new Checkpointer then. (Where some ranks save a step that they have asked
/// `should_save` for, and others another one, it is Error(mpi) or Error(timeout).) An object that was moved
/// from throws Error(invalid_argument), and so do the collective functions but `close` of one that was
/// closed.
class CAIRN_API Checkpointer {
 public:
  /// Looks for the steps that there are. Error(invalid_argument) lists what is wrong with policies and names.
  Checkpointer(const Context& context, const Path& root, CheckpointerOptions options = {});
  Checkpointer(Checkpointer&& other) noexcept;
  ~Checkpointer();

  /// Saves the step if the policy (or `force`) says so; false: it does not. Call it once a step: what
  /// signals, clocks and files say takes effect one call later, so that no call waits for other ranks. The
  /// step that was restored is not saved again but by `force`, until a later one was saved.
  ///
  /// Errors as of cairn::save_checkpointables, and: already_exists (the step is there, and `overwrite` was
  /// not asked for), invalid_argument (a step before the latest, likewise), locked (another job saves here,
  /// or the step is pinned). Once the new step is committed, those that the keep policy does not name are
  /// renamed away and then deleted in the background: never the latest, a pinned one, one that is damaged, or
  /// the one restored from before this run has committed a later one.
  bool save(std::int64_t step, const Tree& tree, const StepOptions& options = {});
  bool save_checkpointables(std::int64_t step, const Checkpointables& things,
                            const StepOptions& options = {});
  /// The same in the background. What it meets is thrown, with the step in its message, by `wait` or
  /// whichever collective function comes first, but `should_save` and `should_stop`.
  bool save_async(std::int64_t step, const Tree& tree, const StepOptions& options = {});
  bool save_checkpointables_async(std::int64_t step, const Checkpointables& things,
                                  const StepOptions& options = {});

  /// Error(not_found) lists the steps that there are; else as cairn::load and cairn::load_checkpointables.
  Report load(std::int64_t step, Tree& tree, const LoadOptions& options = {});
  Report load_checkpointables(std::int64_t step, const Checkpointables& things,
                              const LoadOptions& options = {});

  /// Loads the newest step that is intact, and returns it; nullopt where there is none: a fresh start. First
  /// completes what dead jobs had decided, and removes what they had not. A damaged step is skipped, told of
  /// on the primary's stderr, and never deleted; where all are damaged, it is Error(corrupt). What else a
  /// load throws, this throws.
  std::optional<std::int64_t> restore_latest(Tree& tree, const LoadOptions& options = {});
  std::optional<std::int64_t> restore_latest(const Checkpointables& things, const LoadOptions& options = {});

  /// The steps that are there and not known to be damaged, ascending. Not collective.
  Steps steps() const;
  std::optional<std::int64_t> latest() const;
  /// Of those with the metric; of equal ones the latest; NaN is never best. Not collective.
  std::optional<std::int64_t> best(std::string_view metric, Best which = Best::lowest) const;
  /// The steps that are known to be damaged, ascending. Not collective.
  Steps damaged() const;
  /// Error(not_found).
  Metadata metadata(std::int64_t step);

  /// What `save` of this step would answer; shares its decision.
  bool should_save(std::int64_t step);
  /// Whether the run should end: a signal of an `on_signal` policy came that asks for it, a `before_deadline`
  /// is near, or the file of an `on_file` is there. It stays true. Communicates only where neither
  /// `should_save` nor `save` was called since it was last called.
  bool should_stop();
  /// Once `should_stop` has said true because of a signal or a deadline, `exit_run_again`; else `exit_done`.
  /// Not collective.
  ExitStatus exit_status() const noexcept;

  /// Removes a step, which may be damaged. Error(not_found), Error(locked) of a pinned one.
  void remove(std::int64_t step);
  /// Keeps a step whatever the policy says, in later runs too. Error(not_found).
  void pin(std::int64_t step);
  void unpin(std::int64_t step);
  /// Returns when no save is under way; throws what one met in the background.
  void wait();
  /// Looks again for the steps that there are.
  void reload();
  /// `wait`, and the root directory is free for another job.
  void close();

 private:
  std::unique_ptr<detail::CheckpointerRep> rep_;
};

/// Waits until there is a step after `after` in the root directory, where another job may save, and returns
/// the latest; nullopt once `timeout_s` have passed. The names are those that CheckpointerOptions{} reads.
/// Collective over the context's communicator; the primary looks for all.
CAIRN_API std::optional<std::int64_t> wait_for_new_checkpoint(const Context& context, const Path& root,
                                                              std::int64_t after = -1,
                                                              double timeout_s = 1e9);

}  // namespace CAIRN_ABI
}  // namespace cairn
