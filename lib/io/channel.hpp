#pragma once

#include "base/storage.hpp"
#include "cairn/error.hpp"

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <exception>
#include <mutex>
#include <span>
#include <utility>

namespace cairn::io {

/// One descriptor that writes. It is opened before its first byte, and its first error is thrown by every
/// later use: an error that the kernel has told once may not be told again. Any threads at once, but for
/// `finish`.
class Channel {
 public:
  explicit Channel(base::File file) : file_(std::move(file)) {}

  const base::File& file() const noexcept { return file_; }

  void write(std::span<const std::byte> bytes, std::uint64_t offset) {
    if (bytes.empty()) return;
    used_ = true;
    guarded([&] { base::write_at(file_, bytes, offset); });
  }
  /// The same, but a refusal of the whole manner of writing (EINVAL) is returned as false, and is no error.
  bool try_write(std::span<const std::byte> bytes, std::uint64_t offset) {
    if (bytes.empty()) return true;
    used_ = true;
    bool taken = true;
    guarded([&] {
      try {
        base::write_at(file_, bytes, offset);
      } catch (const Error& error) {
        if (error.system_error() != EINVAL) throw;
        taken = false;
      }
    });
    return taken;
  }
  /// Flushes what was written (if `sync`) and closes. Once.
  void finish(bool sync) {
    guarded([&] {
      if (sync && used_) base::sync(file_);
      file_.close();
    });
  }

 private:
  template <class Step>
  void guarded(const Step& step) {
    throw_first();
    try {
      step();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!first_) first_ = std::current_exception();
      failed_ = true;
      throw;
    }
  }
  void throw_first() {
    if (!failed_) return;
    const std::lock_guard lock(mutex_);
    std::rethrow_exception(first_);
  }

  base::File file_;
  std::atomic<bool> used_{false}, failed_{false};
  std::mutex mutex_;
  std::exception_ptr first_;
};

}  // namespace cairn::io
