#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace cairn::base {

/// Anonymous memory straight from the system, in huge pages where it gives them. Zeros until written.
/// Movable; given back by the destructor.
class Pages {
 public:
  Pages() = default;
  /// std::bad_alloc where there is no more.
  explicit Pages(std::uint64_t bytes);
  Pages(Pages&& other) noexcept;
  Pages& operator=(Pages&& other) noexcept;
  ~Pages();

  std::span<std::byte> bytes() const noexcept { return bytes_; }

 private:
  std::span<std::byte> bytes_;
};

}  // namespace cairn::base
