#pragma once

#include <cstddef>

namespace cairn::base {

/// memcpy for memory that will not be read soon: past the caches where the processor can, so that `to` need
/// not be fetched before it is written, and what is in the caches stays. Other threads may read `to` once
/// this one has called `finish_stream_copies`. Any thread.
void stream_copy(std::byte* to, const std::byte* from, std::size_t bytes) noexcept;
void finish_stream_copies() noexcept;

}  // namespace cairn::base
