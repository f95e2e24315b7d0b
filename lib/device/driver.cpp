#include "device/driver.hpp"

#include <atomic>

#include <cuda.h>
#include <dlfcn.h>

namespace cairn::device {

std::optional<bool> is_device_by_driver(const void* memory) noexcept {
  // Linked with it, programs would not start where there is none. Who asks has had the runtime load it.
  using GetAttributes = decltype(&cuPointerGetAttributes);
  static std::atomic<GetAttributes> found{nullptr};
  GetAttributes get_attributes = found;
  if (get_attributes == nullptr) {
    void* const driver = ::dlopen("libcuda.so.1", RTLD_LAZY | RTLD_NOLOAD);
    if (driver == nullptr) return std::nullopt;
    found = get_attributes = reinterpret_cast<GetAttributes>(::dlsym(driver, "cuPointerGetAttributes"));
    if (get_attributes == nullptr) return std::nullopt;
  }
  // What the driver does not know it leaves 0, and it is no error.
  unsigned type = 0, managed = 0;
  CUpointer_attribute attributes[] = {CU_POINTER_ATTRIBUTE_MEMORY_TYPE, CU_POINTER_ATTRIBUTE_IS_MANAGED};
  void* values[] = {&type, &managed};
  if (get_attributes(2, attributes, values, reinterpret_cast<CUdeviceptr>(memory)) != CUDA_SUCCESS)
    return std::nullopt;
  return managed != 0 || type == CU_MEMORYTYPE_DEVICE;
}

}  // namespace cairn::device
