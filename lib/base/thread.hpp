#pragma once

#include <signal.h>

/// What the library's own threads need. Not collective.
namespace cairn::base {

/// Blocks every signal in this thread while it lives, so that threads started meanwhile take none.
class WithoutSignals {
 public:
  WithoutSignals() noexcept;
  ~WithoutSignals();
  WithoutSignals(const WithoutSignals&) = delete;
  WithoutSignals& operator=(const WithoutSignals&) = delete;

 private:
  sigset_t before_;
};

/// Gives way to all other work of the machine, for good: the threads that this one starts do too. A hint.
void lower_thread_priority() noexcept;

}  // namespace cairn::base
