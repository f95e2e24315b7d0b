#include "simulated_cuda.hpp"

#include "device/driver.hpp"
#include "device/pack.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include <sys/mman.h>
#include <unistd.h>

/// What has been recorded is the state of a stream: so many of its tasks.
struct CUevent_st {
  CUstream_st* stream = nullptr;
  long tasks = 0;
  int device = 0;
};

struct CUstream_st {
  explicit CUstream_st(int on) : device(on), thread([this] { run(); }) {}
  ~CUstream_st() {
    {
      const std::lock_guard lock(mutex);
      ending = true;
    }
    changed.notify_all();
    thread.join();
  }
  void push(std::function<void()> task) {
    const std::lock_guard lock(mutex);
    tasks.push_back(std::move(task));
    ++given;
    changed.notify_all();
  }
  void wait_for(long count) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return done >= count; });
  }
  long count_given() {
    const std::lock_guard lock(mutex);
    return given;
  }
  void run() {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [&] { return !tasks.empty() || ending; });
      if (tasks.empty()) return;
      auto task = std::move(tasks.front());
      tasks.pop_front();
      lock.unlock();
      // Late, so that whoever does not wait is found out.
      std::this_thread::sleep_for(std::chrono::microseconds(50));
      task();
      lock.lock();
      ++done;
      changed.notify_all();
    }
  }

  int device;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> tasks;
  long given = 0, done = 0;
  bool ending = false;
  std::thread thread;
};

namespace simulated {
namespace {

struct Range {
  std::size_t bytes = 0;
  cudaMemoryType type = cudaMemoryTypeUnregistered;
  int device = 0;
  std::byte* inside = nullptr;
};

struct World {
  std::mutex mutex;
  std::map<std::uintptr_t, Range> ranges;  // by address
  std::unique_ptr<CUstream_st> defaults[kDevices];
  int failing = -1, called = 0;
  cudaError_t error = cudaSuccess, last = cudaSuccess;
  Counts counts;
  Alive alive;
  bool packs = true, driver = false;
  bool contexts[kDevices] = {};

  const Range* find(const void* memory, std::uintptr_t& start) {
    const auto address = reinterpret_cast<std::uintptr_t>(memory);
    auto found = ranges.upper_bound(address);
    if (found == ranges.begin()) return nullptr;
    --found;
    start = found->first;
    return address < found->first + found->second.bytes ? &found->second : nullptr;
  }
};

World& world() {
  static World& made = *new World;
  return made;
}
thread_local int current_device = 0;

/// The result of a call that goes well, unless it was to fail. All but the questions that need none make a
/// context on the current device.
cudaError_t next_call(bool needs_context = true) {
  auto& w = world();
  const std::lock_guard lock(w.mutex);
  w.contexts[current_device] = w.contexts[current_device] || needs_context;
  const bool fails = w.failing >= 0 && w.called == w.failing;
  ++w.called;
  if (fails) w.last = w.error;
  return fails ? w.error : cudaSuccess;
}

cudaError_t refuse(cudaError_t error) {
  auto& w = world();
  const std::lock_guard lock(w.mutex);
  return w.last = error;
}

/// Where the runtime itself may read and write [memory, memory + bytes); null: it is not all of one
/// allocation.
std::byte* reach(const void* memory, std::size_t bytes) {
  auto& w = world();
  const std::lock_guard lock(w.mutex);
  std::uintptr_t start = 0;
  const Range* range = w.find(memory, start);
  auto* const address = static_cast<std::byte*>(const_cast<void*>(memory));
  if (range == nullptr || range->inside == nullptr) return address;
  const auto offset = reinterpret_cast<std::uintptr_t>(memory) - start;
  return offset + bytes <= range->bytes ? range->inside + offset : nullptr;
}

CUstream_st* stream_or_default(cudaStream_t stream) {
  if (stream != nullptr) return stream;
  auto& w = world();
  const std::lock_guard lock(w.mutex);
  auto& made = w.defaults[current_device];
  if (!made) made = std::make_unique<CUstream_st>(current_device);
  return made.get();
}

struct Pitched {
  const void* memory;
  std::size_t row, plane;
};

cudaError_t copy(Pitched to, Pitched from, std::size_t width, std::size_t height, std::size_t depth,
                 cudaStream_t stream) {
  const auto extent = [&](const Pitched& side) {
    return (depth - 1) * side.plane + (height - 1) * side.row + width;
  };
  auto* const target = reach(to.memory, extent(to));
  const auto* const source = reach(from.memory, extent(from));
  const bool overlap = (height > 1 && (to.row < width || from.row < width)) ||
                       (depth > 1 && (to.plane < to.row * height || from.plane < from.row * height));
  if (target == nullptr || source == nullptr || overlap) return refuse(cudaErrorInvalidValue);
  stream_or_default(stream)->push([=] {
    for (std::size_t plane = 0; plane < depth; ++plane)
      for (std::size_t row = 0; row < height; ++row)
        std::memcpy(target + plane * to.plane + row * to.row, source + plane * from.plane + row * from.row,
                    width);
  });
  return cudaSuccess;
}

}  // namespace

std::byte* inside(void* memory) {
  return reach(memory, 1);
}

void launch(cudaStream_t stream, std::function<void()> kernel) {
  stream_or_default(stream)->push(std::move(kernel));
}

void fail_call(int call, cudaError_t error) {
  auto& w = world();
  const std::lock_guard lock(w.mutex);
  w.failing = call;
  w.called = 0;
  w.error = error;
}
int calls() {
  auto& w = world();
  const std::lock_guard lock(w.mutex);
  return w.called;
}
Counts counts() {
  auto& w = world();
  const std::lock_guard lock(w.mutex);
  return w.counts;
}
bool has_context(int device) {
  auto& w = world();
  const std::lock_guard lock(w.mutex);
  return w.contexts[device];
}
void forget_contexts() {
  auto& w = world();
  const std::lock_guard lock(w.mutex);
  for (auto& each : w.contexts) each = false;
}
void start_driver(bool started) {
  auto& w = world();
  const std::lock_guard lock(w.mutex);
  w.driver = started;
}
void let_pack(bool packs) {
  auto& w = world();
  const std::lock_guard lock(w.mutex);
  w.packs = packs;
}
void reset_counts() {
  auto& w = world();
  const std::lock_guard lock(w.mutex);
  w.counts = {};
}
Alive alive() {
  auto& w = world();
  const std::lock_guard lock(w.mutex);
  return w.alive;
}

}  // namespace simulated

namespace cairn::device {

std::optional<bool> is_device_by_driver(const void* memory) noexcept {
  auto& w = simulated::world();
  const std::lock_guard lock(w.mutex);
  if (!w.driver) return std::nullopt;
  std::uintptr_t start = 0;
  const auto* const range = w.find(memory, start);
  return range != nullptr && range->type != cudaMemoryTypeHost;
}

bool can_pack() noexcept {
  auto& w = simulated::world();
  const std::lock_guard lock(w.mutex);
  return w.packs;
}

/// The kernel, each of its threads after the other.
cudaError_t launch_pack(const PackBatch& batch, cudaStream_t stream) {
  using namespace simulated;
  if (const auto error = next_call()) return error;
  if (stream->device != current_device) return refuse(cudaErrorInvalidResourceHandle);
  auto inside = batch;
  for (std::uint32_t i = 0; i < batch.count; ++i) {
    auto& item = inside.items[i];
    item.strided = reach(item.strided, 1);
  }
  {
    auto& w = world();
    const std::lock_guard lock(w.mutex);
    ++w.counts.kernels;
  }
  stream->push([inside] {
    constexpr std::uint32_t threads = 96;
    for (std::uint32_t thread = 0; thread < threads; ++thread) pack_words(inside, thread, threads);
  });
  return cudaSuccess;
}

}  // namespace cairn::device

using namespace simulated;

const char* cudaGetErrorName(cudaError_t error) {
  return error == cudaSuccess               ? "cudaSuccess"
         : error == cudaErrorIllegalAddress ? "cudaErrorIllegalAddress"
                                            : "cudaError";
}
const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaSuccess ? "no error" : "a simulated failure";
}
cudaError_t cudaGetLastError() {
  auto& w = world();
  const std::lock_guard lock(w.mutex);
  return std::exchange(w.last, cudaSuccess);
}

cudaError_t cudaGetDeviceCount(int* count) {
  if (const auto error = next_call(false)) return error;
  *count = kDevices;
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
  if (const auto error = next_call(false)) return error;
  *device = current_device;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  if (const auto error = next_call(false)) return error;
  if (device < 0 || device >= kDevices) return refuse(cudaErrorInvalidDevice);
  current_device = device;
  auto& w = world();
  const std::lock_guard lock(w.mutex);
  return w.contexts[device] = true, cudaSuccess;
}

cudaError_t cudaMalloc(void** memory, size_t bytes) {
  const int file = ::memfd_create("simulated device", 0);
  const std::size_t size = bytes == 0 ? 1 : bytes;
  if (file < 0 || ::ftruncate(file, static_cast<off_t>(size)) != 0) return cudaErrorMemoryAllocation;
  void* const outside = ::mmap(nullptr, size, PROT_NONE, MAP_SHARED, file, 0);
  void* const inside = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::close(file);
  if (outside == MAP_FAILED || inside == MAP_FAILED) return cudaErrorMemoryAllocation;
  auto& w = world();
  const std::lock_guard lock(w.mutex);
  w.ranges[reinterpret_cast<std::uintptr_t>(outside)] = {size, cudaMemoryTypeDevice, current_device,
                                                         static_cast<std::byte*>(inside)};
  *memory = outside;
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(size_t* available, size_t* total) {
  if (const auto error = next_call()) return error;
  auto& w = world();
  const std::lock_guard lock(w.mutex);
  *available = *total = std::size_t{1} << 40;
  for (const auto& [start, range] : w.ranges)
    if (range.type == cudaMemoryTypeDevice && range.device == current_device) *available -= range.bytes;
  return cudaSuccess;
}
cudaError_t cudaMallocManaged(void** memory, size_t bytes, unsigned) {
  *memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (*memory == MAP_FAILED) return cudaErrorMemoryAllocation;
  auto& w = world();
  const std::lock_guard lock(w.mutex);
  w.ranges[reinterpret_cast<std::uintptr_t>(*memory)] = {bytes, cudaMemoryTypeManaged, current_device,
                                                         nullptr};
  return cudaSuccess;
}
cudaError_t cudaFree(void* memory) {
  auto& w = world();
  const std::lock_guard lock(w.mutex);
  const auto found = w.ranges.find(reinterpret_cast<std::uintptr_t>(memory));
  if (found == w.ranges.end()) return cudaErrorInvalidValue;
  if (found->second.inside != nullptr) ::munmap(found->second.inside, found->second.bytes);
  ::munmap(memory, found->second.bytes);
  w.ranges.erase(found);
  return cudaSuccess;
}

cudaError_t cudaHostRegister(void* memory, size_t bytes, unsigned) {
  if (const auto error = next_call()) return error;
  auto& w = world();
  const std::lock_guard lock(w.mutex);
  std::uintptr_t start = 0;
  if (w.find(memory, start) != nullptr) return w.last = cudaErrorHostMemoryAlreadyRegistered;
  w.ranges[reinterpret_cast<std::uintptr_t>(memory)] = {bytes, cudaMemoryTypeHost, 0, nullptr};
  ++w.alive.registered;
  return cudaSuccess;
}
cudaError_t cudaHostUnregister(void* memory) {
  auto& w = world();
  const std::lock_guard lock(w.mutex);
  if (w.ranges.erase(reinterpret_cast<std::uintptr_t>(memory)) == 0)
    return w.last = cudaErrorHostMemoryNotRegistered;
  --w.alive.registered;
  return cudaSuccess;
}

cudaError_t cudaHostGetDevicePointer(void** seen, void* memory, unsigned) {
  if (const auto error = next_call()) return error;
  auto& w = world();
  const std::lock_guard lock(w.mutex);
  std::uintptr_t start = 0;
  const Range* range = w.find(memory, start);
  if (range == nullptr || range->type != cudaMemoryTypeHost) return w.last = cudaErrorInvalidValue;
  *seen = memory;
  return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* memory) {
  if (const auto error = next_call()) return error;
  auto& w = world();
  const std::lock_guard lock(w.mutex);
  std::uintptr_t start = 0;
  const Range* range = w.find(memory, start);
  *attributes = {};
  attributes->device = range != nullptr ? range->device : 0;
  attributes->type = range != nullptr ? range->type : cudaMemoryTypeUnregistered;
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  if (const auto error = next_call()) return error;
  *stream = new CUstream_st(current_device);
  auto& w = world();
  const std::lock_guard lock(w.mutex);
  ++w.alive.streams;
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete stream;
  auto& w = world();
  const std::lock_guard lock(w.mutex);
  --w.alive.streams;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  // As a real failure does, it shows here what went wrong before; the work is over all the same.
  auto* const waited = stream_or_default(stream);
  waited->wait_for(waited->count_given());
  return next_call();
}
cudaError_t cudaStreamQuery(cudaStream_t stream) {
  if (const auto error = next_call()) return error;
  auto* const asked = stream_or_default(stream);
  const std::lock_guard lock(asked->mutex);
  return asked->done == asked->given ? cudaSuccess : cudaErrorNotReady;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  if (const auto error = next_call()) return error;
  const CUevent_st recorded = *event;
  if (recorded.stream == nullptr || recorded.stream == stream) return cudaSuccess;
  stream_or_default(stream)->push([recorded] { recorded.stream->wait_for(recorded.tasks); });
  return cudaSuccess;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  if (const auto error = next_call()) return error;
  *event = new CUevent_st;
  (*event)->device = current_device;
  auto& w = world();
  const std::lock_guard lock(w.mutex);
  ++w.alive.events;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  if (const auto error = next_call()) return error;
  auto* const recorded = stream_or_default(stream);
  if (recorded->device != event->device) return refuse(cudaErrorInvalidResourceHandle);
  event->stream = recorded;
  event->tasks = recorded->count_given();
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  auto& w = world();
  const std::lock_guard lock(w.mutex);
  --w.alive.events;
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind, cudaStream_t stream) {
  if (const auto error = next_call()) return error;
  {
    auto& w = world();
    const std::lock_guard lock(w.mutex);
    ++w.counts.linear;
  }
  return copy({to, bytes, bytes}, {from, bytes, bytes}, bytes, 1, 1, stream);
}
cudaError_t cudaMemcpy2DAsync(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width,
                              size_t height, cudaMemcpyKind, cudaStream_t stream) {
  if (const auto error = next_call()) return error;
  {
    auto& w = world();
    const std::lock_guard lock(w.mutex);
    ++w.counts.planar;
  }
  return copy({to, to_pitch, 0}, {from, from_pitch, 0}, width, height, 1, stream);
}
cudaError_t cudaMemcpy3DAsync(const cudaMemcpy3DParms* p, cudaStream_t stream) {
  if (const auto error = next_call()) return error;
  {
    auto& w = world();
    const std::lock_guard lock(w.mutex);
    ++w.counts.cubic;
  }
  return copy({p->dstPtr.ptr, p->dstPtr.pitch, p->dstPtr.pitch * p->dstPtr.ysize},
              {p->srcPtr.ptr, p->srcPtr.pitch, p->srcPtr.pitch * p->srcPtr.ysize}, p->extent.width,
              p->extent.height, p->extent.depth, stream);
}
