#include "memory_work.hpp"

#include <cstring>

namespace cairn::bench {

void MemoryWork::copy() {
  std::memcpy(to_.data(), from_.data(), from_.size());
}

void MemoryWork::compute() {
  constexpr int steps = 4000;
  for (int step = 0; step < steps; ++step)
    for (std::size_t i = 1; i + 1 < kPoints; ++i)
      field_[i] += 0.1 * (field_[i - 1] - 2 * field_[i] + field_[i + 1]);
  field_[0] += field_[kPoints / 2] * 1e-9;
}

}  // namespace cairn::bench
