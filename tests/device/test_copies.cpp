#include "cairn/error.hpp"
#include "device/memory.hpp"
#include "device/shape.hpp"
#include "simulated_cuda.hpp"
#include "tree/box.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>
#include <random>
#include <span>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

using namespace cairn;
using simulated::DeviceArray;

namespace {

using Random = std::mt19937_64;

std::int64_t between(Random& random, std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(random);
}

/// A random box in an allocation of its own, with gaps, in any order of dimensions, and backwards at times.
struct Case {
  Dims count = {}, strides = {};
  std::uint64_t element_bytes = 1, first = 0, bytes = 0;  // `first`: of the box's first element

  explicit Case(Random& random) {
    const auto ndims = static_cast<std::size_t>(between(random, 0, 6));
    element_bytes = std::uint64_t{1} << between(random, 0, 4);
    std::vector<std::size_t> order;
    for (std::size_t dim = 0; dim < ndims; ++dim) {
      count.push_back(between(random, 1, ndims < 4 ? 9 : 4));
      strides.push_back(0);
      order.insert(order.begin(), dim);
    }
    if (between(random, 0, 3) == 0) std::shuffle(order.begin(), order.end(), random);
    std::int64_t stride = 1, lowest = 0;
    for (const auto dim : order) {
      const bool backwards = between(random, 0, 9) == 0;
      strides[dim] = backwards ? -stride : stride;
      if (backwards) lowest -= stride * (count[dim] - 1);
      stride *= count[dim] + (between(random, 0, 1) == 0 ? 0 : between(random, 0, 3));
    }
    first = static_cast<std::uint64_t>(-lowest) * element_bytes;
    bytes = static_cast<std::uint64_t>(stride) * element_bytes;
  }
  device::Box box(std::byte* memory) const { return {memory + first, strides, count, element_bytes}; }
  std::uint64_t packed_bytes() const { return tree::product(count) * element_bytes; }
  std::vector<std::byte> packed(const std::byte* memory) const {
    std::vector<std::byte> result(packed_bytes());
    tree::copy_strided(memory + first, strides, result.data(), tree::row_major_strides(count), count,
                       element_bytes);
    return result;
  }
};

void fill(std::byte* memory, std::uint64_t bytes, Random& random) {
  for (std::uint64_t i = 0; i < bytes; ++i) memory[i] = static_cast<std::byte>(random());
}

ErrorCode code_of(const std::function<void()>& step) {
  try {
    step();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode{};
}

}  // namespace

TEST_CASE("memory is told by its kind") {
  const bool driver = GENERATE(false, true);
  simulated::start_driver(driver);
  CHECK(device::is_available());
  const DeviceArray<double> array(100), elsewhere(100, 1);
  void* managed = nullptr;
  cudaMallocManaged(&managed, 4096, 1);
  std::vector<std::byte> plain(8192), pinned_memory(8192);
  const device::Pinned pinned(pinned_memory);
  CHECK(device::is_device(array.data()));
  CHECK(device::is_device(array.data() + 99));
  CHECK(device::is_device(elsewhere.data()));
  CHECK(device::is_device(managed));
  CHECK_FALSE(device::is_device(plain.data()));
  CHECK_FALSE(device::is_device(pinned_memory.data()));
  CHECK_FALSE(device::is_device(nullptr));
  // The driver is asked first: the runtime makes a context.
  simulated::fail_call(-1);
  CHECK_FALSE(device::is_device(plain.data()));
  CHECK(device::is_device(array.data()));
  CHECK(simulated::calls() == (driver ? 0 : 2));
  simulated::start_driver(false);
  cudaFree(managed);
}

TEST_CASE("random boxes come from the device and go back, and what lies between is left alone") {
  Random random(41);
  simulated::reset_counts();
  for (int round = 0; round < 3000; ++round) {
    const Case one(random);
    const DeviceArray<std::byte> array(one.bytes, round % 2);
    fill(array.inside(), one.bytes, random);
    const std::vector<std::byte> before(array.inside(), array.inside() + one.bytes);
    // At any address, and at times where the kernel does not see it.
    std::vector<std::byte> host(one.packed_bytes() + 16);
    const std::span packed(host.data() + between(random, 0, 16), one.packed_bytes());
    {
      const device::Pinned pinned(round % 3 == 0 ? std::span<std::byte>() : host);
      device::Copies copies(nullptr);
      copies.gather(one.box(array.data()), packed.data());
      copies.wait();
      REQUIRE(std::ranges::equal(packed, one.packed(before.data())));
      fill(packed.data(), packed.size(), random);
      copies.scatter(packed.data(), one.box(array.data()));
      copies.wait();
    }
    std::vector<std::byte> expected = before;
    tree::copy_strided(packed.data(), tree::row_major_strides(one.count), expected.data() + one.first,
                       one.strides, one.count, one.element_bytes);
    REQUIRE(std::equal(expected.begin(), expected.end(), array.inside()));
  }
  CHECK(simulated::counts().kernels >= 4000);
  CHECK(simulated::counts().linear >= 500);
  CHECK(simulated::alive().streams == 0);
  CHECK(simulated::alive().events == 0);
}

TEST_CASE("many small boxes are packed together, in both directions") {
  Random random(43);
  constexpr int kArrays = 200;
  std::vector<Case> cases;
  std::deque<DeviceArray<std::byte>> arrays;
  std::uint64_t bytes = 0;
  for (int i = 0; i < kArrays; ++i) {
    cases.emplace_back(random);
    arrays.emplace_back(cases.back().bytes, i % simulated::kDevices);
    fill(arrays.back().inside(), cases.back().bytes, random);
    bytes += cases.back().packed_bytes();
  }
  std::vector<std::byte> host(bytes);
  const device::Pinned pinned(host);
  const auto for_each = [&](const auto& use) {
    std::uint64_t at = 0;
    for (std::size_t i = 0; i < kArrays; ++i) {
      use(cases[i], arrays[i], std::span(host).subspan(at, cases[i].packed_bytes()));
      at += cases[i].packed_bytes();
    }
  };
  using Array = DeviceArray<std::byte>;
  using Part = std::span<std::byte>;
  device::Copies copies(nullptr);
  simulated::reset_counts();
  for_each([&](const Case& one, const Array& array, Part packed) {
    copies.gather(one.box(array.data()), packed.data());
  });
  copies.wait();
  for_each([&](const Case& one, const Array& array, Part packed) {
    REQUIRE(std::ranges::equal(packed, one.packed(array.inside())));
  });
  const auto counts = simulated::counts();
  CHECK(counts.linear + counts.planar + counts.cubic == 0);
  CHECK(counts.kernels < kArrays / 4);

  // Both directions at once, in this order.
  const auto before = host;
  fill(host.data(), host.size(), random);
  auto other = host;
  const device::Pinned pinned_too(other);
  std::uint64_t at = 0;
  for_each([&](const Case& one, const Array& array, Part packed) {
    copies.scatter(packed.data(), one.box(array.data()));
    copies.gather(one.box(array.data()), other.data() + at);
    at += packed.size();
  });
  copies.wait();
  CHECK(other == host);
  for_each([&](const Case& one, const Array& array, Part packed) {
    REQUIRE(std::ranges::equal(packed, one.packed(array.inside())));
  });
}

TEST_CASE("many small boxes go to a device in one scatter, and one box of many cubes") {
  Random random(44);
  constexpr std::size_t kArrays = 200, kBytes = 24;
  std::deque<DeviceArray<std::byte>> arrays;
  std::vector<std::byte> host(kArrays * kBytes);
  fill(host.data(), host.size(), random);
  const device::Pinned pinned(host);
  device::Copies copies(nullptr);
  for (std::size_t i = 0; i < kArrays; ++i) {
    arrays.emplace_back(kBytes);
    std::memset(arrays.back().inside(), 0, kBytes);
    copies.scatter(host.data() + i * kBytes, {arrays.back().data(), Dims{1}, Dims{kBytes}, 1});
  }
  const auto before = host;
  copies.wait();
  CHECK(host == before);
  for (std::size_t i = 0; i < kArrays; ++i)
    REQUIRE(std::memcmp(arrays[i].inside(), host.data() + i * kBytes, kBytes) == 0);

  // More cubes than a launch holds.
  const Dims count{100, 4, 2, 4}, strides{100, 20, 8, 1};
  const DeviceArray<std::byte> box(100 * 100);
  std::memset(box.inside(), 0, 100 * 100);
  copies.scatter(host.data(), {box.data(), strides, count, 1});
  copies.wait();
  CHECK(host == before);
  std::vector<std::byte> expected(100 * 100);
  tree::copy_strided(host.data(), tree::row_major_strides(count), expected.data(), strides, count, 1);
  CHECK(std::equal(expected.begin(), expected.end(), box.inside()));
}

TEST_CASE("a failed launch is told once the copies are over, and the next ones go well") {
  const DeviceArray<std::byte> first(1 << 18), second(64, simulated::kDevices - 1);
  std::memset(first.inside(), 7, 1 << 18);
  std::memset(second.inside(), 8, 64);
  std::vector<std::byte> host((1 << 18) + 64);
  const device::Pinned pinned(host);
  device::Copies copies(nullptr);
  const auto start = [&] {
    copies.gather({second.data(), Dims{1}, Dims{64}, 1}, host.data());
    copies.gather({first.data(), Dims{1}, Dims{1 << 18}, 1}, host.data() + 64);
  };
  start();
  simulated::fail_call(0);
  CHECK(code_of([&] { copies.wait(); }) == ErrorCode::device);
  simulated::fail_call(-1);
  CHECK(host.back() == std::byte{7});
  host.assign(host.size(), std::byte{});
  start();
  copies.wait();
  CHECK(host.front() == std::byte{8});
  CHECK(host.back() == std::byte{7});
}

TEST_CASE("a large box of short rows is one kernel; managed memory is left to the runtime's copies") {
  constexpr std::size_t kPlanes = 100, kRows = 10, kColumns = 20, kRow = 24, kPlane = 11 * kRow;
  const DeviceArray<double> field(kPlanes * kPlane + 8);
  for (std::size_t i = 0; i < kPlanes * kPlane; ++i) field.inside()[i] = static_cast<double>(i);
  std::vector<double> host(kPlanes * kRows * kColumns);
  const device::Pinned pinned(std::as_writable_bytes(std::span(host)));
  device::Copies copies(nullptr);
  simulated::reset_counts();
  copies.gather({reinterpret_cast<std::byte*>(field.data() + 2), Dims{kPlane, kRow, 1},
                 Dims{kPlanes, kRows, kColumns}, 8},
                reinterpret_cast<std::byte*>(host.data()));
  copies.wait();
  CHECK(simulated::counts().kernels == 1);
  bool same = true;
  for (std::size_t i = 0; i < host.size(); ++i)
    same = same && host[i] == static_cast<double>(i / (kRows * kColumns) * kPlane +
                                                  i / kColumns % kRows * kRow + i % kColumns + 2);
  CHECK(same);

  // Words no longer than any stride allows: rows are 8 bytes apart, planes 3.
  const DeviceArray<std::byte> bytes(64);
  for (std::size_t i = 0; i < 64; ++i) bytes.inside()[i] = static_cast<std::byte>(i);
  copies.gather({bytes.data(), Dims{3, 8, 1}, Dims{2, 2, 2}, 1}, reinterpret_cast<std::byte*>(host.data()));
  copies.wait();
  const std::uint8_t expected[] = {0, 1, 8, 9, 3, 4, 11, 12};
  CHECK(std::memcmp(host.data(), expected, sizeof expected) == 0);

  void* managed = nullptr;
  cudaMallocManaged(&managed, 4096, 1);
  copies.gather({static_cast<std::byte*>(managed), Dims{1}, Dims{64}, 8},
                reinterpret_cast<std::byte*>(host.data()));
  copies.wait();
  CHECK(simulated::counts().kernels == 2);
  CHECK(simulated::counts().linear == 1);
  cudaFree(managed);
}

TEST_CASE("a field with a halo is one copy, and one with short rows is copied with what lies between them") {
  for (const bool pinned : {false, true}) {
    simulated::let_pack(!pinned);  // without the kernel, or where it does not see the memory
    simulated::reset_counts();
    const DeviceArray<double> field(12 * 12 * 66);
    std::vector<double> packed(10 * 10 * 64);
    const device::Pinned registered(pinned ? std::as_writable_bytes(std::span(packed))
                                           : std::span<std::byte>());
    device::Copies copies(nullptr);
    copies.gather({reinterpret_cast<std::byte*>(field.data() + 12 * 66 + 66 + 1), Dims{12 * 66, 66, 1},
                   Dims{10, 10, 64}, 8},
                  reinterpret_cast<std::byte*>(packed.data()));
    copies.wait();
    CHECK(simulated::counts().cubic == 1);
    copies.gather({reinterpret_cast<std::byte*>(field.data()), Dims{66, 1}, Dims{100, 64}, 8},
                  reinterpret_cast<std::byte*>(packed.data()));
    copies.wait();
    CHECK(simulated::counts().planar == 1);
    copies.gather({reinterpret_cast<std::byte*>(field.data()), Dims{12, 1}, Dims{100, 10}, 8},
                  reinterpret_cast<std::byte*>(packed.data()));
    copies.wait();
    CHECK(simulated::counts().linear == 1);
    copies.gather({reinterpret_cast<std::byte*>(field.data()), Dims{64, 1}, Dims{100, 64}, 8},
                  reinterpret_cast<std::byte*>(packed.data()));
    copies.wait();
    CHECK(simulated::counts().linear == 2);
    CHECK(simulated::counts().cubic == 1);
    CHECK(simulated::counts().kernels == 0);
  }
  simulated::let_pack(true);
}

TEST_CASE("copies come after what the caller's stream was given before") {
  for (const bool own_stream : {true, false}) {
    cudaStream_t stream = nullptr;
    if (own_stream) cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
    const DeviceArray<int> array(1000);
    int* const inside = array.inside();
    simulated::launch(stream, [inside] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      for (int i = 0; i < 1000; ++i) inside[i] = i;
    });
    std::vector<int> host(1000, -1);
    device::Copies copies(stream);
    copies.gather({reinterpret_cast<std::byte*>(array.data()), Dims{1}, Dims{1000}, 4},
                  reinterpret_cast<std::byte*>(host.data()));
    copies.wait();
    for (int i = 0; i < 1000; ++i) REQUIRE(host[static_cast<std::size_t>(i)] == i);
    if (own_stream) cudaStreamDestroy(stream);
  }
}

TEST_CASE("a failing call of the runtime is an error, at whichever call, and nothing stays behind") {
  Random random(42);
  int failures = 0;
  for (int call = 0;; ++call) {
    const DeviceArray<std::byte> array(4096 * 4);
    std::vector<std::byte> host(64 * 16);
    simulated::fail_call(call);
    const auto code = code_of([&] {
      if (!device::is_device(array.data())) return;
      const device::Pinned pinned(host);
      device::Copies copies(nullptr);
      copies.gather({array.data(), Dims{128, 1}, Dims{16, 64}, 1}, host.data());
      copies.wait();
      copies.scatter(host.data(), {array.data(), Dims{1024, 128, 1}, Dims{2, 8, 64}, 1});
      copies.wait();
    });
    const bool reached = simulated::calls() > call;
    simulated::fail_call(-1);
    CHECK(cudaGetLastError() == cudaSuccess);  // the program's next check is not to find it
    CHECK(simulated::alive().streams == 0);
    CHECK(simulated::alive().events == 0);
    // What is asked first says only that there is no such memory, unless there is.
    if (!reached) {
      CHECK(code == ErrorCode{});
      break;
    }
    failures += code == ErrorCode::device;
    REQUIRE(call < 100);
  }
  CHECK(failures >= 10);
}

TEST_CASE("where another process has the device for itself, memory is the host's") {
  std::vector<std::byte> plain(64);
  simulated::fail_call(0, cudaErrorDevicesUnavailable);
  CHECK_FALSE(device::is_device(plain.data()));
  simulated::fail_call(0, cudaErrorIllegalAddress);
  CHECK(code_of([&] { device::is_device(plain.data()); }) == ErrorCode::device);
  simulated::fail_call(-1);
  CHECK(cudaGetLastError() == cudaSuccess);
}

TEST_CASE("host memory is registered once and given back") {
  const int before = simulated::alive().registered;
  std::vector<std::byte> memory(1 << 16);
  {
    device::Pinned pinned(memory);
    CHECK(simulated::alive().registered == before + 1);
    const device::Pinned again(memory);  // refused by the runtime: it stays as it is
    CHECK(simulated::alive().registered == before + 1);
    const device::Pinned moved = std::move(pinned);
    CHECK(simulated::alive().registered == before + 1);
  }
  CHECK(simulated::alive().registered == before);
}
