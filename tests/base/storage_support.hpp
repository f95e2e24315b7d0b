#pragma once

#include "base/storage.hpp"

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

#include <unistd.h>

namespace cairn::test {

/// Where a test that flushes thousands of files is quick: memory, if there is such a file system.
inline std::filesystem::path quick_root() {
  const std::filesystem::path memory = "/dev/shm";
  return ::access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path();
}

/// A directory of its own for a test, removed at the end.
class TemporaryDirectory {
 public:
  explicit TemporaryDirectory(const std::filesystem::path& root = std::filesystem::temp_directory_path()) {
    std::string name = (root / "cairn-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

/// A call that the hook is asked about.
struct Call {
  base::Op op;
  std::string_view name;
  std::uint64_t offset, bytes;
};

/// Asks a function before each storage call, while it lives.
class ScopedHook : public base::StorageHook {
 public:
  explicit ScopedHook(std::function<int(const Call&)> answer)
      : answer_(std::move(answer)), before_(base::set_storage_hook(this)) {}
  ~ScopedHook() override { base::set_storage_hook(before_); }
  ScopedHook(const ScopedHook&) = delete;
  ScopedHook& operator=(const ScopedHook&) = delete;

  int before(base::Op op, std::string_view name, std::uint64_t offset, std::uint64_t bytes) override {
    return answer_({op, name, offset, bytes});
  }

 private:
  std::function<int(const Call&)> answer_;
  base::StorageHook* before_;
};

}  // namespace cairn::test
