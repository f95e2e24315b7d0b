#pragma once

#include "base/storage.hpp"

#include <atomic>
#include <string>

namespace mpi_test {

/// Fails one file-system call of this rank, once it was told which. While it lives, no other hook is set.
class Fault : public cairn::base::StorageHook {
 public:
  Fault() : before_(cairn::base::set_storage_hook(this)) {}
  ~Fault() override { cairn::base::set_storage_hook(before_); }
  Fault(const Fault&) = delete;
  Fault& operator=(const Fault&) = delete;

  int before(cairn::base::Op op, std::string_view name, std::uint64_t, std::uint64_t) override {
    if (left_ < 0 || left_-- != 0) return 0;
    where_ = std::string(cairn::base::to_string(op)) + " " + std::string(name);
    fired_ = true;
    return error_;
  }
  /// The call of this number from now on fails with this errno.
  void arm(long call, int error) {
    fired_ = false;
    where_.clear();
    error_ = error;
    left_ = call;
  }
  /// Whether it happened.
  bool disarm() {
    left_ = -1;
    return fired_;
  }
  /// Which call it was; empty: none. After `disarm`.
  const std::string& where() const { return where_; }

 private:
  std::atomic<long> left_{-1};
  std::atomic<int> error_{0};
  std::atomic<bool> fired_{false};
  std::string where_;
  cairn::base::StorageHook* before_;
};

}  // namespace mpi_test
