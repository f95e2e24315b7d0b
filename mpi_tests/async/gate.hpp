#pragma once

#include "base/storage.hpp"

#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace mpi_test {

/// Holds the storage calls of every thread but its own until it is opened: what is saved in the background
/// stays there. Closed when made; opened and taken away by the destructor.
class Gate : public cairn::base::StorageHook {
 public:
  Gate() : before_(cairn::base::set_storage_hook(this)) {}
  ~Gate() override {
    open();
    cairn::base::set_storage_hook(before_);
  }
  void open() {
    {
      const std::lock_guard lock(mutex_);
      open_ = true;
    }
    changed_.notify_all();
  }

  int before(cairn::base::Op op, std::string_view name, std::uint64_t offset, std::uint64_t bytes) override {
    if (std::this_thread::get_id() == own_) return 0;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return open_; });
    }
    return in_background(op, name, offset, bytes);
  }

 protected:
  /// What a call of another thread is answered once the gate is open.
  virtual int in_background(cairn::base::Op, std::string_view, std::uint64_t, std::uint64_t) { return 0; }

 private:
  std::thread::id own_ = std::this_thread::get_id();
  cairn::base::StorageHook* before_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

}  // namespace mpi_test
