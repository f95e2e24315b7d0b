#pragma once

#include "async/task.hpp"
#include "cairn/context.hpp"

#include <memory>

namespace cairn::detail {

/// What an AsyncResponse holds.
struct Pending {
  Pending(Context made_with, std::shared_ptr<async::Task> made);
  ~Pending();  // the task is dropped, and goes on
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;

  Context context;
  std::shared_ptr<async::Task> task;
};

}  // namespace cairn::detail
