#pragma once

#include "async/task.hpp"
#include "cairn/context.hpp"

#include <memory>

namespace cairn::detail {

/// What an AsyncResponse holds.
struct Pending {
  explicit Pending(Context made_with);
  ~Pending();  // the task is dropped, and goes on
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;

  Context context;
  std::shared_ptr<async::Task> task;  // set once it was started
};

}  // namespace cairn::detail
