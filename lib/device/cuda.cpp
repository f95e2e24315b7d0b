#include "cairn/error.hpp"
#include "device/cuda_stream.hpp"
#include "device/driver.hpp"
#include "device/memory.hpp"
#include "device/pack.hpp"
#include "device/shape.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include <cuda_runtime_api.h>

namespace cairn::device {
namespace {

/// Rows below this are packed by a kernel; without one, copying them one by one costs more than copying what
/// lies between them as well.
constexpr std::uint64_t kShortRow = 256;
/// But not more than so many bytes for each that is wanted.
constexpr std::uint64_t kMostWaste = 4;
/// What takes less time on the bus than a copy takes to be started goes with others, by the kernel.
constexpr std::uint64_t kSmallBox = 64u << 10;

void copy_cube(const CopyShape& shape, const std::byte* from, std::int64_t from_row, std::int64_t from_plane,
               std::byte* to, std::int64_t to_row, std::int64_t to_plane, cudaStream_t stream) {
  const auto rows = static_cast<std::size_t>(shape.rows.count);
  const auto planes = static_cast<std::size_t>(shape.planes.count);
  if (rows == 1) {
    check(cudaMemcpyAsync(to, from, shape.run_bytes, cudaMemcpyDefault, stream), "cudaMemcpyAsync");
  } else if (planes == 1) {
    check(cudaMemcpy2DAsync(to, static_cast<std::size_t>(to_row), from, static_cast<std::size_t>(from_row),
                            shape.run_bytes, rows, cudaMemcpyDefault, stream),
          "cudaMemcpy2DAsync");
  } else {
    const auto pitched = [&](const std::byte* memory, std::int64_t row, std::int64_t plane) {
      cudaPitchedPtr pointer{};
      pointer.ptr = const_cast<std::byte*>(memory);
      pointer.pitch = static_cast<std::size_t>(row);
      pointer.xsize = shape.run_bytes;
      pointer.ysize = static_cast<std::size_t>(plane / row);
      return pointer;
    };
    cudaMemcpy3DParms copy{};
    copy.srcPtr = pitched(from, from_row, from_plane);
    copy.dstPtr = pitched(to, to_row, to_plane);
    copy.extent = {shape.run_bytes, rows, planes};
    copy.kind = cudaMemcpyDefault;
    check(cudaMemcpy3DAsync(&copy, stream), "cudaMemcpy3DAsync");
  }
}

bool is_empty(const Box& box) noexcept {
  return box.element_bytes == 0 || std::find(box.count.begin(), box.count.end(), 0) != box.count.end();
}

std::uint64_t bytes_of(const Box& box) noexcept {
  auto bytes = box.element_bytes;
  for (const auto count : box.count) bytes *= static_cast<std::uint64_t>(count);
  return bytes;
}

/// The largest word that cuts all runs evenly and lies aligned on both sides.
std::uint32_t word_of(const CopyShape& shape, const std::byte* strided, const std::byte* packed) noexcept {
  auto bits = reinterpret_cast<std::uintptr_t>(strided) | reinterpret_cast<std::uintptr_t>(packed) |
              shape.run_bytes | 16;
  if (shape.rows.count > 1) bits |= static_cast<std::uint64_t>(shape.rows.stride);
  if (shape.planes.count > 1) bits |= static_cast<std::uint64_t>(shape.planes.stride);
  return 1u << std::countr_zero(bits);
}

void pack_rows(const CopyShape& shape, const std::byte* from, std::byte* to) {
  for (std::int64_t plane = 0; plane < shape.planes.count; ++plane)
    for (std::int64_t row = 0; row < shape.rows.count; ++row, to += shape.run_bytes)
      std::memcpy(to, from + plane * shape.planes.stride + row * shape.rows.stride, shape.run_bytes);
}

std::atomic<bool> was_available{false};

/// Once there was a device, it is not asked again.
bool is_known_available() {
  return was_available || is_available();
}

}  // namespace

bool is_available() {
  int devices = 0;
  const auto result = cudaGetDeviceCount(&devices);
  if (result == cudaSuccess && devices > 0) return was_available = true;
  // Memory of a device that has failed must not be taken for the host's.
  if (was_available) check(result, "cudaGetDeviceCount");
  cudaGetLastError();
  return false;
}

int current_device() noexcept {
  int device = -1;
  if (is_known_available() && cudaGetDevice(&device) == cudaSuccess) return device;
  cudaGetLastError();
  return -1;
}

void make_current(int device) noexcept {
  if (device >= 0 && current_device() != device && cudaSetDevice(device) != cudaSuccess) cudaGetLastError();
}

bool is_device(const void* memory) {
  cudaPointerAttributes attributes{};
  if (memory == nullptr || !is_known_available()) return false;  // which also starts the driver
  if (const auto found = is_device_by_driver(memory)) return *found;
  const auto result = cudaPointerGetAttributes(&attributes, memory);
  if (result == cudaErrorInvalidValue) {  // memory that the runtime does not know, before CUDA 11
    cudaGetLastError();
    return false;
  }
  if (result != cudaSuccess && !is_available()) return false;
  // Another process has the device for itself: this one has no memory on it.
  if (result == cudaErrorDevicesUnavailable) {
    cudaGetLastError();
    return false;
  }
  check(result, "cudaPointerGetAttributes");
  return attributes.type == cudaMemoryTypeDevice || attributes.type == cudaMemoryTypeManaged;
}

Pinned::Pinned(std::span<std::byte> memory) noexcept {
  if (memory.empty()) return;
  if (cudaHostRegister(memory.data(), memory.size(), cudaHostRegisterPortable | cudaHostRegisterMapped) ==
      cudaSuccess)
    registered_ = memory.data();
  else
    cudaGetLastError();
}
Pinned::Pinned(Pinned&& other) noexcept : registered_(std::exchange(other.registered_, nullptr)) {}
Pinned& Pinned::operator=(Pinned&& other) noexcept {
  std::swap(registered_, other.registered_);
  return *this;
}
Pinned::~Pinned() {
  if (registered_ != nullptr) cudaHostUnregister(registered_);
}

struct Copies::State {
  /// Rows that were copied with what lies between them, to be packed once they have arrived.
  struct Enclosed {
    CopyShape shape;
    std::vector<std::byte> bytes;
    std::byte* packed;
  };

  /// A stream, and the boxes that its next launch of the kernel is to pack or unpack.
  struct Lane {
    Stream stream;
    bool packs;  // its device can run the kernel
    PackBatch batch = {};
  };

  cudaStream_t caller;
  std::vector<Lane> lanes;
  std::vector<Enclosed> enclosed;

  Lane& lane_of(int device) {
    for (auto& lane : lanes)
      if (lane.stream.device() == device) return lane;
    Stream stream(device, caller);
    const CurrentDevice current(device);
    lanes.push_back({std::move(stream), can_pack()});
    return lanes.back();
  }

  void launch(Lane& lane) {
    if (lane.batch.count == 0) return;
    const auto batch = lane.batch;
    lane.batch.count = lane.batch.words = 0;  // the direction stays
    const CurrentDevice current(lane.stream.device());
    check(launch_pack(batch, lane.stream.get()), "cudaLaunchKernel");
  }

  /// Gives the box to the kernel; false: it is not for that.
  bool try_pack(Lane& lane, const Box& box, std::byte* packed, bool unpacks) {
    const auto shape = any_shape_of(box);
    const auto bytes = bytes_of(box);
    if (!lane.packs || (bytes > kSmallBox && (shape.rows.count == 1 || shape.run_bytes >= kShortRow)))
      return false;
    if (shape.cube_bytes() >= PackBatch::most_words) return false;
    void* seen = nullptr;
    if (cudaHostGetDevicePointer(&seen, packed, 0) != cudaSuccess) {
      cudaGetLastError();  // not pinned
      return false;
    }
    if (lane.batch.unpacks != unpacks) launch(lane);
    lane.batch.unpacks = unpacks;
    for_each_cube(shape, [&](std::int64_t offset, std::uint64_t at) {
      add(lane, shape, box.data + offset, static_cast<std::byte*>(seen) + at);
    });
    return true;
  }

  void add(Lane& lane, const CopyShape& shape, std::byte* strided, std::byte* packed) {
    const auto word = word_of(shape, strided, packed);
    const auto words = static_cast<std::uint32_t>(shape.cube_bytes() / word);
    auto& batch = lane.batch;
    if (batch.count == PackBatch::most_items || batch.words + words > PackBatch::most_words) launch(lane);
    batch.items[batch.count++] = {strided,
                                  packed,
                                  shape.rows.stride,
                                  shape.planes.stride,
                                  static_cast<std::uint32_t>(shape.rows.count),
                                  static_cast<std::uint32_t>(shape.run_bytes / word),
                                  word,
                                  batch.words};
    batch.words += words;
  }
};

Copies::Copies(void* caller_stream) : state_(std::make_unique<State>()) {
  state_->caller = static_cast<cudaStream_t>(caller_stream);
}

Copies::~Copies() {
  for (const auto& lane : state_->lanes)
    if (cudaStreamSynchronize(lane.stream.get()) != cudaSuccess) cudaGetLastError();
}

void Copies::gather(const Box& box, std::byte* packed) {
  if (is_empty(box)) return;
  const auto memory = placement_of(box.data);
  auto& lane = state_->lane_of(memory.device);
  if (!memory.managed && state_->try_pack(lane, box, packed, false)) return;
  const auto stream = lane.stream.get();
  const auto shape = shape_of(box);
  const auto run = static_cast<std::int64_t>(shape.run_bytes);
  const bool short_rows = shape.rows.count > 1 && shape.run_bytes < kShortRow;
  const bool encloses = short_rows && shape.enclosing_bytes() <= kMostWaste * shape.cube_bytes();
  for_each_cube(shape, [&](std::int64_t offset, std::uint64_t at) {
    const auto* from = box.data + offset;
    if (!encloses) {
      copy_cube(shape, from, shape.rows.stride, shape.planes.stride, packed + at, run, run * shape.rows.count,
                stream);
      return;
    }
    auto& enclosed =
        state_->enclosed.emplace_back(shape, std::vector<std::byte>(shape.enclosing_bytes()), packed + at);
    check(cudaMemcpyAsync(enclosed.bytes.data(), from, enclosed.bytes.size(), cudaMemcpyDefault, stream),
          "cudaMemcpyAsync");
  });
}

void Copies::scatter(const std::byte* packed, const Box& box) {
  if (is_empty(box)) return;
  const auto memory = placement_of(box.data);
  auto& lane = state_->lane_of(memory.device);
  if (!memory.managed && state_->try_pack(lane, box, const_cast<std::byte*>(packed), true)) return;
  const auto stream = lane.stream.get();
  const auto shape = shape_of(box);
  const auto run = static_cast<std::int64_t>(shape.run_bytes);
  for_each_cube(shape, [&](std::int64_t offset, std::uint64_t at) {
    copy_cube(shape, packed + at, run, run * shape.rows.count, box.data + offset, shape.rows.stride,
              shape.planes.stride, stream);
  });
}

void Copies::wait() {
  std::exception_ptr failure;
  for (auto& lane : state_->lanes) {
    try {
      state_->launch(lane);
    } catch (...) {
      if (!failure) failure = std::current_exception();
    }
  }
  auto result = cudaSuccess;
  for (const auto& lane : state_->lanes)
    if (const auto each = cudaStreamSynchronize(lane.stream.get()); each != cudaSuccess) result = each;
  const auto enclosed = std::exchange(state_->enclosed, {});
  if (failure) std::rethrow_exception(failure);
  check(result, "copying between the host and a device");
  for (const auto& each : enclosed) pack_rows(each.shape, each.bytes.data(), each.packed);
}

}  // namespace cairn::device
