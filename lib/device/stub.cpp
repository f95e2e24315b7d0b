#include "cairn/error.hpp"
#include "device/memory.hpp"

namespace cairn::device {
namespace {

[[noreturn]] void unsupported() {
  throw Error(ErrorCode::unsupported, "this build of Cairn has no CUDA: build it with -Dcuda=enabled");
}

}  // namespace

bool is_available() {
  return false;
}

int current_device() noexcept {
  return -1;
}
void make_current(int) noexcept {}

bool is_device(const void*) {
  return false;
}

Pinned::Pinned(std::span<std::byte>) noexcept {}
Pinned::Pinned(Pinned&&) noexcept {}
Pinned& Pinned::operator=(Pinned&&) noexcept {
  return *this;
}
Pinned::~Pinned() = default;

struct Copies::State {};
Copies::Copies(void*) {}
Copies::~Copies() = default;
void Copies::gather(const Box&, std::byte*) {
  unsupported();
}
void Copies::scatter(const std::byte*, const Box&) {
  unsupported();
}
void Copies::wait() {}

}  // namespace cairn::device
