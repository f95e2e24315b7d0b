#pragma once

#include <optional>

namespace cairn::device {

/// Whether memory is a device's or managed, as CUDA's driver says, whose question makes no context; the
/// runtime's makes one, with some hundred MB, in a process that has none. nullopt where the driver was not
/// started or does not know. Any thread.
std::optional<bool> is_device_by_driver(const void* memory) noexcept;

}  // namespace cairn::device
