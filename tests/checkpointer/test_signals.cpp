#include "cairn/error.hpp"
#include "checkpointer/signals.hpp"

#include <optional>
#include <thread>

#include <catch2/catch.hpp>
#include <pthread.h>
#include <signal.h>

using cairn::checkpointer::can_watch;
using cairn::checkpointer::is_stop;
using cairn::checkpointer::SignalWatch;

namespace {

constexpr int mark = 4711;

int plain_calls = 0;
int marked_calls = 0;
int passing_calls = 0;
struct sigaction passed_to = {};

void count_plain(int) {
  ++plain_calls;
}

void count_marked(int, siginfo_t* info, void* context) {
  if (info->si_value.sival_int == mark && context != nullptr) ++marked_calls;
}

/// A handler of the program's that calls the one below it.
void pass_on(int signal, siginfo_t* info, void* context) {
  ++passing_calls;
  passed_to.sa_sigaction(signal, info, context);
}

struct sigaction action_of(int signal) {
  struct sigaction action = {};
  ::sigaction(signal, nullptr, &action);
  return action;
}

struct sigaction plain_action() {
  struct sigaction action = {};
  action.sa_handler = count_plain;
  sigaddset(&action.sa_mask, SIGWINCH);
  return action;
}

struct sigaction info_action(void (*handler)(int, siginfo_t*, void*)) {
  struct sigaction action = {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO;
  return action;
}

/// The program's handler of a signal, for one test.
class Installed {
 public:
  Installed(int signal, const struct sigaction& action) : signal_(signal) {
    plain_calls = marked_calls = passing_calls = 0;
    ::sigaction(signal, &action, &before_);
  }
  ~Installed() { ::sigaction(signal_, &before_, nullptr); }

  const struct sigaction& before() const { return before_; }

 private:
  int signal_;
  struct sigaction before_ = {};
};

void send_marked(int signal) {
  sigval value;
  value.sival_int = mark;
  ::pthread_sigqueue(::pthread_self(), signal, value);
}

}  // namespace

TEST_CASE("a watch says once that the signal came") {
  SignalWatch watch(SIGUSR1);
  CHECK_FALSE(watch.take());
  ::raise(SIGUSR1);
  CHECK(watch.take());
  CHECK_FALSE(watch.take());
  ::raise(SIGUSR1);
  ::raise(SIGUSR1);
  CHECK(watch.take());
  CHECK_FALSE(watch.take());
}

TEST_CASE("each watch sees the signals since it was made, and no others") {
  SignalWatch first(SIGUSR1), other(SIGUSR2);
  ::raise(SIGUSR1);
  SignalWatch second(SIGUSR1);
  CHECK_FALSE(second.take());
  ::raise(SIGUSR1);
  CHECK(second.take());
  CHECK(first.take());
  CHECK_FALSE(other.take());
}

TEST_CASE("a signal that another thread gets is seen") {
  SignalWatch watch(SIGUSR1);
  std::thread([] { ::pthread_kill(::pthread_self(), SIGUSR1); }).join();
  CHECK(watch.take());
}

TEST_CASE("the handler that was installed before is called as well") {
  SECTION("one that takes the number") {
    const Installed own(SIGUSR1, plain_action());
    SignalWatch watch(SIGUSR1);
    ::raise(SIGUSR1);
    CHECK(plain_calls == 1);
    CHECK(watch.take());
  }
  SECTION("one that takes more") {
    const Installed own(SIGUSR1, info_action(count_marked));
    SignalWatch watch(SIGUSR1);
    send_marked(SIGUSR1);
    CHECK(marked_calls == 1);
    CHECK(watch.take());
  }
}

TEST_CASE("system calls go on after the signal, and the earlier handler's mask and stack hold") {
  struct sigaction earlier = plain_action();
  earlier.sa_flags = SA_ONSTACK;
  const Installed own(SIGUSR1, earlier);
  const SignalWatch watch(SIGUSR1);
  const struct sigaction ours = action_of(SIGUSR1);
  CHECK((ours.sa_flags & SA_RESTART) != 0);
  CHECK((ours.sa_flags & SA_ONSTACK) != 0);
  CHECK(sigismember(&ours.sa_mask, SIGWINCH) == 1);
  CHECK(ours.sa_handler != count_plain);
}

TEST_CASE("a signal that was ignored, or would have killed, is ignored again, or kills again, afterwards") {
  for (void (*handler)(int) : {SIG_IGN, SIG_DFL}) {
    struct sigaction action = {};
    action.sa_handler = handler;
    const Installed own(SIGUSR2, action);
    std::optional<SignalWatch> watch(SIGUSR2);
    ::raise(SIGUSR2);
    CHECK(watch->take());
    watch.reset();
    CHECK(action_of(SIGUSR2).sa_handler == handler);
  }
}

TEST_CASE("the earlier handler is back with the last watch, as it was") {
  const Installed own(SIGUSR1, plain_action());
  const struct sigaction before = action_of(SIGUSR1);
  std::optional<SignalWatch> first(SIGUSR1), second(SIGUSR1);
  first.reset();
  ::raise(SIGUSR1);
  CHECK(second->take());
  CHECK(plain_calls == 1);
  second.reset();
  const struct sigaction after = action_of(SIGUSR1);
  CHECK(after.sa_handler == count_plain);
  CHECK(after.sa_flags == before.sa_flags);
  CHECK(sigismember(&after.sa_mask, SIGWINCH) == 1);
  ::raise(SIGUSR1);
  CHECK(plain_calls == 2);
  SignalWatch again(SIGUSR1);
  ::raise(SIGUSR1);
  CHECK(again.take());
  CHECK(plain_calls == 3);
}

TEST_CASE("a handler that the program installed meanwhile stays, and ours below it passes signals on") {
  const Installed own(SIGUSR1, plain_action());
  std::optional<SignalWatch> watch(SIGUSR1);
  {
    const Installed above(SIGUSR1, info_action(pass_on));
    passed_to = above.before();
    ::raise(SIGUSR1);
    CHECK(watch->take());
    CHECK(plain_calls == 1);
    watch.reset();
    CHECK(action_of(SIGUSR1).sa_sigaction == pass_on);
    ::raise(SIGUSR1);
    CHECK(passing_calls == 2);
    CHECK(plain_calls == 2);
  }
  // Installed again by the program, ours goes with the next watch.
  watch.emplace(SIGUSR1);
  ::raise(SIGUSR1);
  CHECK(watch->take());
  CHECK(plain_calls == 3);
  watch.reset();
  CHECK(action_of(SIGUSR1).sa_handler == count_plain);
}

TEST_CASE("a new watch sees signals over a handler that passes them on to ours, each handler called once") {
  const Installed own(SIGUSR1, plain_action());
  std::optional<SignalWatch> watch(SIGUSR1);
  const struct sigaction ours = action_of(SIGUSR1);
  {
    const Installed above(SIGUSR1, info_action(pass_on));
    passed_to = above.before();
    watch.reset();
    watch.emplace(SIGUSR1);
    ::raise(SIGUSR1);
    CHECK(watch->take());
    CHECK_FALSE(watch->take());
    CHECK(passing_calls == 1);
    CHECK(plain_calls == 1);
    watch.reset();
    CHECK(action_of(SIGUSR1).sa_sigaction == pass_on);
  }
  CHECK(action_of(SIGUSR1).sa_sigaction == ours.sa_sigaction);
  watch.emplace(SIGUSR1);
  watch.reset();
  CHECK(action_of(SIGUSR1).sa_handler == count_plain);
}

TEST_CASE("a new watch sees signals over a handler that keeps them to itself") {
  std::optional<SignalWatch> first(SIGUSR1);
  const Installed above(SIGUSR1, plain_action());
  SignalWatch second(SIGUSR1);
  ::raise(SIGUSR1);
  CHECK(second.take());
  CHECK(first->take());
  CHECK(plain_calls == 1);
}

TEST_CASE("a signal that no program goes on after cannot be watched") {
  for (const int signal : {-1, 0, SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL, 32, 33, NSIG, 1000}) {
    INFO(signal);
    CHECK_FALSE(can_watch(signal));
    CHECK_THROWS_AS(SignalWatch(signal), cairn::Error);
  }
  for (const int signal : {1, SIGTERM, SIGUSR1, SIGXCPU, SIGRTMIN, SIGRTMAX}) CHECK(can_watch(signal));
}

TEST_CASE("some signals ask the run to end, others for a save") {
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGXCPU}) CHECK(is_stop(signal));
  for (const int signal : {SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT, SIGALRM}) CHECK_FALSE(is_stop(signal));
}
