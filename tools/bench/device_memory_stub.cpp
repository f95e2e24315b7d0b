#include "cairn/error.hpp"
#include "device_memory.hpp"

namespace cairn::bench {

struct DeviceMemory::State {};

bool DeviceMemory::is_available() {
  return false;
}
DeviceMemory::DeviceMemory(const Workload&, int) {
  throw Error(ErrorCode::unsupported, "this benchmark was built without CUDA");
}
DeviceMemory::~DeviceMemory() = default;
const Workload& DeviceMemory::workload() const noexcept {
  static const Workload none;
  return none;
}
void DeviceMemory::upload() {}
void DeviceMemory::download() {}
void DeviceMemory::copy_to_pinned(std::uint64_t) {}
void DeviceMemory::start_watching() {}
std::uint64_t DeviceMemory::stop_watching() {
  return 0;
}

}  // namespace cairn::bench
