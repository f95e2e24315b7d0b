#pragma once

#include "cairn/slab.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

/// Memory of devices: which kind a pointer is of, and copies between it and the host. `cuda.cpp` does it
/// through the CUDA runtime; `stub.cpp`, without CUDA in the build, knows host memory alone. Not collective.
namespace cairn::device {

/// Whether there is a device that this process can use. False without CUDA in the build, or without a driver.
/// Error(device) where there was one and it has failed. Any thread.
bool is_available();

/// The device that is current in this thread, for the threads that work for it; -1: there is none.
int current_device() noexcept;
/// Makes it current in this thread, which must be the library's own: what asks the runtime there would else
/// make a context on the first device. Nothing for -1.
void make_current(int device) noexcept;

/// Whether copies of this memory go through the device's runtime: device memory and managed memory. Pinned
/// and plain host memory are the host's. Error(device) where the runtime has failed. Any thread.
bool is_device(const void* memory);

/// What the device's runtime copies at full speed: registered with it while this lives. Without a device, or
/// where it cannot be registered, the memory stays as it is. The memory must outlive this. Movable.
class Pinned {
 public:
  Pinned() = default;
  explicit Pinned(std::span<std::byte> memory) noexcept;
  Pinned(Pinned&& other) noexcept;
  Pinned& operator=(Pinned&& other) noexcept;
  ~Pinned();

 private:
  void* registered_ = nullptr;
};

/// A box in a device's memory: its first element, the strides of the memory in elements, the counts.
struct Box {
  std::byte* data = nullptr;
  Dims strides = {}, count = {};
  std::uint64_t element_bytes = 1;
};

/// Copies of one thread, on streams of its own, one a device. They begin after the work that the caller's
/// stream (of `device.stream`; null: the default stream of each device) has been given before this was made.
/// They are under way until `wait`: the host's memory must stay until then.
class Copies {
 public:
  explicit Copies(void* caller_stream);
  ~Copies();  // waits
  Copies(const Copies&) = delete;
  Copies& operator=(const Copies&) = delete;

  /// Starts to copy a box, packed, to the host: by runs, by rows of a plane, or by planes, whichever the
  /// strides allow. Where the host's memory is `Pinned`, small boxes and those of short rows are packed by a
  /// kernel, many in one launch, at the latest in `wait`; else short rows are copied with what lies between
  /// them, and packed by the host in `wait`. Error(device).
  void gather(const Box& box, std::byte* packed);
  /// Starts to copy packed elements into a box, in the same ways. Nothing between its elements is changed.
  /// Error(device).
  void scatter(const std::byte* packed, const Box& box);
  /// Until all that was started is done. Error(device) for whatever failed, once.
  void wait();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cairn::device
