#include "base/thread.hpp"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace cairn::base {

WithoutSignals::WithoutSignals() noexcept {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before_);
}

WithoutSignals::~WithoutSignals() {
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void lower_thread_priority() noexcept {
  constexpr int nicest = 19;
  // On Linux a thread has a nice value of its own, by its thread id.
  const auto thread = static_cast<id_t>(::syscall(SYS_gettid));
  ::setpriority(PRIO_PROCESS, thread, nicest);
  // Best-effort class, lowest level (linux/ioprio.h).
  constexpr int this_thread = 1, best_effort = 2, class_shift = 13, lowest = 7;
  ::syscall(SYS_ioprio_set, this_thread, 0, best_effort << class_shift | lowest);
}

}  // namespace cairn::base
