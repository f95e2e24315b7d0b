#pragma once

#include <cstdint>

/// Signals that a run takes notice of. Not collective; any thread.
namespace cairn::checkpointer {

/// Whether a program can take notice of the signal and go on: not SIGKILL and SIGSTOP, nor the faults
/// SIGSEGV, SIGBUS, SIGFPE and SIGILL, nor what is no signal or the C library's own.
bool can_watch(int signal) noexcept;

/// Whether the signal asks a run to end: SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGXCPU. Others ask for a save.
bool is_stop(int signal) noexcept;

/// While it lives, notices a signal of the process. The signal's handler is then Cairn's, which counts it and
/// calls the handler that was installed before (not SIG_IGN or SIG_DFL); system calls go on (SA_RESTART).
/// With the last watch of a signal the earlier handler is back, but where the program has installed another
/// one meanwhile: Cairn's then stays below that, and passes on what it is passed.
class SignalWatch {
 public:
  /// Error(invalid_argument) where `can_watch` says no.
  explicit SignalWatch(int signal);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  /// Whether the signal came since the watch was made or last asked. One thread at a time.
  bool take() noexcept;

 private:
  int signal_;
  std::uint64_t seen_;
};

}  // namespace cairn::checkpointer
