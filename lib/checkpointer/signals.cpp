#include "checkpointer/signals.hpp"

#include "cairn/error.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <string>
#include <utility>

#include <signal.h>

namespace cairn::checkpointer {

namespace {

using Handler = void (*)(int);
using InfoHandler = void (*)(int, siginfo_t*, void*);

/// Each time that a watch finds a handler of the program's on top of ours, ours goes on top of that one, as
/// another function: one that has passed the signal on does not get it again.
constexpr int layers = 4;

/// What a layer was installed over. The handler reads the atomics alone.
struct Earlier {
  std::atomic<Handler> handler;
  std::atomic<InfoHandler> info_handler;
  struct sigaction action = {};
};

struct Slot {
  std::atomic<std::uint64_t> count;
  std::array<Earlier, layers> earlier;
  int installed = 0;  // layers
  int watches = 0;
};

// Handlers belong to the process, and so does what they read. Changed under the mutex, but for the counts.
constinit std::array<Slot, NSIG> slots = {};
constinit std::mutex mutex;

static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<Handler>::is_always_lock_free &&
              std::atomic<InfoHandler>::is_always_lock_free);

Slot& slot_of(int signal) {
  return slots[static_cast<std::size_t>(signal)];
}

template <int Layer>
void handle(int signal, siginfo_t* info, void* context) {
  Slot& slot = slot_of(signal);
  slot.count.fetch_add(1);
  const Earlier& earlier = slot.earlier[Layer];
  if (const auto with_info = earlier.info_handler.load()) return with_info(signal, info, context);
  if (const auto plain = earlier.handler.load()) plain(signal);
}

template <int... Layer>
constexpr std::array<InfoHandler, layers> make_handlers(std::integer_sequence<int, Layer...>) {
  return {handle<Layer>...};
}
constexpr auto handlers = make_handlers(std::make_integer_sequence<int, layers>());

/// Which layer it is; -1: none of ours.
int layer_of(const struct sigaction& action) {
  if ((action.sa_flags & SA_SIGINFO) == 0) return -1;
  for (int layer = 0; layer < layers; ++layer)
    if (action.sa_sigaction == handlers[static_cast<std::size_t>(layer)]) return layer;
  return -1;
}

void remember(Earlier& earlier, const struct sigaction& action) {
  const bool with_info = (action.sa_flags & SA_SIGINFO) != 0;
  const bool called = with_info || (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN);
  earlier.handler = called && !with_info ? action.sa_handler : nullptr;
  earlier.info_handler = with_info ? action.sa_sigaction : nullptr;
  earlier.action = action;
}

/// Sees to it that the installed handler is ours. Where all layers are used up, those above must pass the
/// signal on.
void install(int signal, Slot& slot) {
  struct sigaction now = {};
  ::sigaction(signal, nullptr, &now);
  if (layer_of(now) >= 0 || slot.installed == layers) return;
  const auto layer = static_cast<std::size_t>(slot.installed);
  remember(slot.earlier[layer], now);
  struct sigaction ours = now;  // with its mask, and its stack
  ours.sa_sigaction = handlers[layer];
  ours.sa_flags = SA_SIGINFO | SA_RESTART | (now.sa_flags & SA_ONSTACK);
  if (::sigaction(signal, &ours, nullptr) != 0) {
    throw Error(ErrorCode::internal, "no handler for signal " + std::to_string(signal), errno);
  }
  ++slot.installed;
}

void uninstall(int signal, Slot& slot) {
  struct sigaction now = {};
  ::sigaction(signal, nullptr, &now);
  const int layer = layer_of(now);
  if (layer < 0) return;
  ::sigaction(signal, &slot.earlier[static_cast<std::size_t>(layer)].action, nullptr);
  slot.installed = layer;
}

}  // namespace

bool can_watch(int signal) noexcept {
  for (const int other : {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL})
    if (signal == other) return false;
  struct sigaction now;
  return ::sigaction(signal, nullptr, &now) == 0;
}

bool is_stop(int signal) noexcept {
  return signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGQUIT || signal == SIGXCPU;
}

SignalWatch::SignalWatch(int signal) : signal_(signal) {
  if (!can_watch(signal)) {
    throw Error(ErrorCode::invalid_argument, "signal " + std::to_string(signal) + " cannot be watched");
  }
  const std::lock_guard lock(mutex);
  Slot& slot = slot_of(signal);
  install(signal, slot);
  ++slot.watches;
  seen_ = slot.count.load();
}

SignalWatch::~SignalWatch() {
  const std::lock_guard lock(mutex);
  Slot& slot = slot_of(signal_);
  if (--slot.watches == 0) uninstall(signal_, slot);
}

bool SignalWatch::take() noexcept {
  const std::uint64_t count = slot_of(signal_).count.load();
  return std::exchange(seen_, count) != count;
}

}  // namespace cairn::checkpointer
