#include "cairn/checkpointer.hpp"
#include "checkpointer/root.hpp"
#include "checkpointer/time.hpp"
#include "comm/communicator.hpp"
#include "load/agree_on_path.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace cairn {
inline namespace CAIRN_ABI {
namespace {

/// Looks more and more rarely: a checkpoint comes soon, or it takes its time.
class Pauses {
 public:
  explicit Pauses(double timeout_s) : end_s_(checkpointer::time_source().monotonic_s() + timeout_s) {}
  /// False: the time is over.
  bool wait() {
    auto& time = checkpointer::time_source();
    const double left_s = end_s_ - time.monotonic_s();
    if (left_s <= 0) return false;
    time.sleep(std::min(next_s_, left_s));
    next_s_ = std::min(2 * next_s_, kLongest_s);
    return true;
  }

 private:
  static constexpr double kLongest_s = 1;
  double end_s_;
  double next_s_ = 0.01;
};

std::optional<std::int64_t> latest_after(const checkpointer::Root& root, std::int64_t after) {
  // Everything is read of the newest alone.
  for (const auto& [step, name] : root.newest_first()) {
    if (step <= after) break;
    const auto found = root.look(name);
    if (found && !found->damaged) return step;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> wait_for_new_checkpoint(const Context& context, const Path& root,
                                                    std::int64_t after, double timeout_s) {
  comm::Communicator comm(context);
  load_stages::agree_on_path(comm, context, "wait_for_new_checkpoint", root);
  const auto lanes = comm.agree_min("watch", 3, [&] {
    if (std::isnan(timeout_s)) throw Error(ErrorCode::invalid_argument, "timeout_s is not a number");
    // The bits of numbers from 0 on are in their order.
    const auto longest = std::bit_cast<std::uint64_t>(std::max(timeout_s, 0.0));
    return comm::Lanes{static_cast<std::uint64_t>(after), ~static_cast<std::uint64_t>(after), ~longest};
  });
  if ((*lanes)[0] != ~(*lanes)[1])
    throw Error(ErrorCode::mismatch, "the ranks wait for a step after different ones", 0, -1, root);
  comm.allow(std::bit_cast<double>(~(*lanes)[2]));  // of any rank; the primary's ends it
  const auto found = comm.agree_on_root("watch", [&] {
    const checkpointer::Root watched(root, {}, context.files);
    Pauses pauses(timeout_s);
    auto step = latest_after(watched, after);
    while (!step && pauses.wait()) step = latest_after(watched, after);
    return step ? std::to_string(*step) : std::string();
  });
  comm.allow(0);
  if (found->empty()) return std::nullopt;
  return std::stoll(*found);
}

}  // namespace CAIRN_ABI
}  // namespace cairn
