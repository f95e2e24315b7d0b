#pragma once

#include "base/storage.hpp"

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>

namespace cairn::test {

/// A directory of its own for a test, removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "cairn-test-XXXXXX").string();
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
