// Runs on a simulated CUDA runtime (tests/device/simulated), whose device memory faults when the host touches
// it.

#include "folder.hpp"
#include "simulated_cuda.hpp"
#include "simulated_nccl.hpp"

#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include <cairn/cairn.hpp>
#include <catch2/catch.hpp>

using namespace mpi_test;
using simulated::DeviceArray;

namespace {

constexpr std::int64_t kSide = 40, kRows = 24;  // of each rank

/// The same values in host memory and in the memory of two devices: a field with a halo, a part of a matrix
/// by columns, a replicated vector, many small arrays, and a scalar of the host's.
struct State {
  int rank = cairn::testing::rank(), size = cairn::testing::size();
  static constexpr std::size_t kField = (kRows + 2) * (kSide + 2) * (kSide + 2), kColumns = 300 * 70,
                               kTable = 50000, kSmall = 40, kSmallCount = 200;
  std::vector<double> field = std::vector<double>(kField);
  std::vector<float> columns = std::vector<float>(kColumns), table = std::vector<float>(kTable);
  std::vector<std::int32_t> small = std::vector<std::int32_t>(kSmall * kSmallCount);
  DeviceArray<double> device_field{kField, 0};
  DeviceArray<float> device_columns{kColumns, simulated::kDevices - 1}, device_table{kTable, 0};
  DeviceArray<std::int32_t> device_small{kSmall * kSmallCount, 0};
  std::int64_t step = 0;
  cairn::Tree on_host, on_device;

  State() {
    bind(on_host, field.data(), columns.data(), table.data(), small.data());
    bind(on_device, device_field.data(), device_columns.data(), device_table.data(), device_small.data());
  }

  void bind(cairn::Tree& tree, double* f, float* c, float* t, std::int32_t* s) {
    tree["field"] = cairn::sharded(f,
                                   {.shape = {kRows * size, kSide, kSide},
                                    .start = {kRows * rank, 0, 0},
                                    .count = {kRows, kSide, kSide}},
                                   {.shape = {kRows + 2, kSide + 2, kSide + 2}, .start = {1, 1, 1}});
    tree["columns"] =
        cairn::sharded(c, {.shape = {300, 70 * size}, .start = {0, 70 * rank}, .count = {300, 70}});
    tree["table"] = cairn::replicated(t, {kTable});
    for (std::size_t i = 0; i < kSmallCount; ++i)
      tree["small"][i] = cairn::per_rank(s + i * kSmall, {kSmall});
    tree["step"] = cairn::ref(step);
  }

  void fill(int value) {
    step = value;
    const auto number = [&](std::size_t i, int of) {
      return static_cast<double>(
          (i * 7 + static_cast<std::size_t>(of) * 131 + static_cast<std::size_t>(value)) % 1000003);
    };
    for (std::size_t i = 0; i < kField; ++i) field[i] = number(i, rank);
    for (std::size_t i = 0; i < kColumns; ++i) columns[i] = static_cast<float>(number(i, rank + 50));
    for (std::size_t i = 0; i < kTable; ++i) table[i] = static_cast<float>(number(i, 77));
    for (std::size_t i = 0; i < small.size(); ++i) small[i] = static_cast<std::int32_t>(number(i, rank + 90));
    to_device();
  }
  void to_device() {
    std::memcpy(device_field.inside(), field.data(), kField * sizeof(double));
    std::memcpy(device_columns.inside(), columns.data(), kColumns * sizeof(float));
    std::memcpy(device_table.inside(), table.data(), kTable * sizeof(float));
    std::memcpy(device_small.inside(), small.data(), small.size() * sizeof(std::int32_t));
  }
  /// Other values in device memory, halo included; the host's stay.
  void spoil_device() {
    std::memset(device_field.inside(), 0x11, kField * sizeof(double));
    std::memset(device_columns.inside(), 0x11, kColumns * sizeof(float));
    std::memset(device_table.inside(), 0x11, kTable * sizeof(float));
    std::memset(device_small.inside(), 0x11, small.size() * sizeof(std::int32_t));
  }
  /// Whether the device holds what the host does, the halo aside, which must be as it was spoilt.
  bool device_is_host() const {
    bool same = std::memcmp(device_columns.inside(), columns.data(), kColumns * sizeof(float)) == 0 &&
                std::memcmp(device_table.inside(), table.data(), kTable * sizeof(float)) == 0 &&
                std::memcmp(device_small.inside(), small.data(), small.size() * sizeof(std::int32_t)) == 0;
    double spoilt = 0;
    std::memset(&spoilt, 0x11, sizeof spoilt);
    for (std::int64_t z = 0; z < kRows + 2; ++z)
      for (std::int64_t y = 0; y < kSide + 2; ++y)
        for (std::int64_t x = 0; x < kSide + 2; ++x) {
          const auto at = static_cast<std::size_t>((z * (kSide + 2) + y) * (kSide + 2) + x);
          const bool halo = z == 0 || y == 0 || x == 0 || z == kRows + 1 || y == kSide + 1 || x == kSide + 1;
          same = same && device_field.inside()[at] == (halo ? spoilt : field[at]);
        }
    return same;
  }
};

struct Setting {
  SharedFolder folder{MPI_COMM_WORLD};
  State state;
  cairn::Context context{MPI_COMM_WORLD};
  cairn::Path path = folder.path() / "checkpoint";
  Setting() {
    context.io.fsync = false;
    context.io.block_bytes = 50000;
    state.fill(3);
  }
  std::string bytes_of(const cairn::Path& checkpoint) const {
    std::ifstream file(checkpoint / "state.h5", std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

}  // namespace

TEST_CASE("what is saved from devices is byte for byte what is saved from the host") {
  Setting s;
  cairn::save(s.context, s.folder.path() / "host", s.state.on_host);
  const auto expected = s.bytes_of(s.folder.path() / "host");
  REQUIRE(expected.size() > 500000);
  // The many small arrays go together.
  simulated::reset_counts();
  cairn::save(s.context, s.path, s.state.on_device);
  CHECK(s.bytes_of(s.path) == expected);
  CHECK(simulated::counts().kernels >= 1);
  CHECK(simulated::counts().linear < static_cast<int>(State::kSmallCount));
  for (const std::uint64_t pinned : {1, 100000, 64 << 20}) {
    s.context.device.pinned_bytes = pinned;
    for (const int threads : {1, 3}) {
      s.context.io.threads = threads;
      cairn::save(s.context, s.path, s.state.on_device, {.overwrite = true});
      CHECK(s.bytes_of(s.path) == expected);
      auto pending = cairn::save_async(s.context, s.path, s.state.on_device, {.overwrite = true});
      s.state.spoil_device();
      pending.result();
      CHECK(s.bytes_of(s.path) == expected);
      s.state.to_device();
    }
  }
  s.context.async.snapshot = false;
  s.context.async.check_borrowed = true;
  cairn::save_async(s.context, s.path, s.state.on_device, {.overwrite = true}).result();
  CHECK(s.bytes_of(s.path) == expected);
  s.context.io.writer = cairn::Writer::mpio;
  cairn::save(s.context, s.path, s.state.on_device, {.overwrite = true});
  CHECK(s.bytes_of(s.path) == expected);
  CHECK(simulated::alive().streams == 0);
}

TEST_CASE("what is loaded into devices is what was saved, and halos stay") {
  Setting s;
  cairn::save(s.context, s.path, s.state.on_host);
  for (const auto verify : {cairn::Verify::off, cairn::Verify::blocks, cairn::Verify::full}) {
    s.context.integrity.verify = verify;
    s.state.spoil_device();
    s.state.step = 0;
    cairn::load(s.context, s.path, s.state.on_device);
    CHECK(s.state.device_is_host());
    CHECK(s.state.step == 3);
    s.state.spoil_device();
    cairn::load_async(s.context, s.path, s.state.on_device).result();
    CHECK(s.state.device_is_host());
  }
}

TEST_CASE("no context is made but on the device of the program") {
  Setting s;
  constexpr int device = simulated::kDevices - 1;
  constexpr std::size_t kValues = 3 << 20;
  cudaSetDevice(device);
  const DeviceArray<float> values(kValues, device);
  std::vector<float> host(kValues, 1.5f);
  cairn::Tree tree, on_host;
  tree["values"] = cairn::per_rank(values.data(), {static_cast<std::int64_t>(kValues)});
  tree["step"] = cairn::ref(s.state.step);
  on_host["values"] = cairn::per_rank(host);
  on_host["weights"] = cairn::replicated(host.data(), {1000});
  s.context.io.threads = 3;
  simulated::start_driver(true);
  simulated::forget_contexts();
  cairn::save(s.context, s.path, on_host, {.overwrite = true});
  cairn::load(s.context, s.path, on_host);
  for (int each = 0; each < simulated::kDevices; ++each) CHECK_FALSE(simulated::has_context(each));
  cairn::save(s.context, s.path, tree, {.overwrite = true});
  cairn::save_async(s.context, s.path, tree, {.overwrite = true}).result();
  s.context.async.snapshot = false;
  cairn::save_async(s.context, s.path, tree, {.overwrite = true}).result();
  cairn::load(s.context, s.path, tree);
  cairn::load_async(s.context, s.path, tree).result();
  CHECK(simulated::has_context(device));
  CHECK_FALSE(simulated::has_context(0));
  simulated::start_driver(false);
  cudaSetDevice(0);
}

TEST_CASE("values are converted on their way to a device") {
  Setting s;
  cairn::save(s.context, s.path, s.state.on_host);
  const DeviceArray<double> wide(State::kColumns, 0), table(State::kTable, 0);
  cairn::Tree tree;
  tree["columns"] = cairn::sharded(
      wide.data(), {.shape = {300, 70 * s.state.size}, .start = {0, 70 * s.state.rank}, .count = {300, 70}});
  tree["table"] = cairn::replicated(table.data(), {State::kTable});
  cairn::load(s.context, s.path, tree, {.partial = true, .cast = cairn::Cast::in_range});
  bool same = true;
  for (std::size_t i = 0; i < State::kColumns; ++i)
    same = same && wide.inside()[i] == static_cast<double>(s.state.columns[i]);
  for (std::size_t i = 0; i < State::kTable; ++i)
    same = same && table.inside()[i] == static_cast<double>(s.state.table[i]);
  CHECK(same);
}

TEST_CASE("copies come after what the caller's stream was given before") {
  Setting s;
  cudaStream_t stream = nullptr;
  cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
  s.context.device.stream = stream;
  s.state.spoil_device();
  const auto kernel = [&s] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    s.state.to_device();
  };
  simulated::launch(stream, kernel);
  cairn::save(s.context, s.path, s.state.on_device);
  s.state.spoil_device();
  simulated::launch(stream, kernel);
  auto pending = cairn::save_async(s.context, s.folder.path() / "later", s.state.on_device);
  s.state.spoil_device();
  pending.result();
  cudaStreamDestroy(stream);
  s.context.device.stream = nullptr;
  for (const char* name : {"checkpoint", "later"}) {
    s.state.spoil_device();
    cairn::load(s.context, s.folder.path() / name, s.state.on_device);
    CHECK(s.state.device_is_host());
  }
}

TEST_CASE("replicated arrays go from device to device where every rank gives an ncclComm_t") {
  Setting s;
  simulated::NcclComm nccl(MPI_COMM_WORLD), single(MPI_COMM_SELF);
  cairn::save(s.context, s.path, s.state.on_host);
  cairn::Tree tables;
  tables["table"] = cairn::replicated(s.state.device_table.data(), {State::kTable});
  const auto load = [&](void* comm, const cairn::LoadOptions& options = {.partial = true}) {
    s.state.spoil_device();
    s.context.device.nccl = comm;
    const int before = nccl.broadcasts();
    cairn::load(s.context, s.path, tables, options);
    CHECK(std::memcmp(s.state.device_table.inside(), s.state.table.data(), State::kTable * sizeof(float)) ==
          0);
    return nccl.broadcasts() - before;
  };
  const bool several = s.state.size > 1;
  CHECK((load(nccl.get()) > 0) == several);
  CHECK(load(nullptr) == 0);
  // Not by one rank alone, nor over a communicator of other ranks.
  if (several) CHECK(load(s.state.rank == 0 ? nccl.get() : nullptr) == 0);
  CHECK(load(single.get()) == 0);

  // Numbers of the host's are no hindrance; arrays of the host's are.
  s.state.spoil_device();
  s.context.device.nccl = nccl.get();
  int before = nccl.broadcasts();
  cairn::load(s.context, s.path, s.state.on_device);
  CHECK(s.state.device_is_host());
  CHECK((nccl.broadcasts() > before) == several);
  before = nccl.broadcasts();
  cairn::load(s.context, s.path, s.state.on_host);
  CHECK(nccl.broadcasts() == before);

  if (!several) return;
  nccl.fail(s.state.rank == 1);
  const auto error =
      common_outcome(MPI_COMM_WORLD, [&] { cairn::load(s.context, s.path, tables, {.partial = true}); });
  REQUIRE(error);
  CHECK(error->code() == cairn::ErrorCode::device);
  CHECK(error->rank() == 1);
}

TEST_CASE("a replicated array on devices that differs between ranks is found out") {
  Setting s;
  if (s.state.size == 1) return;
  if (s.state.rank == s.state.size - 1) s.state.device_table.inside()[17] = -1;
  const auto error =
      common_outcome(MPI_COMM_WORLD, [&] { cairn::save(s.context, s.path, s.state.on_device); });
  REQUIRE(error);
  CHECK(error->code() == cairn::ErrorCode::mismatch);
  CHECK(std::string(error->what()).find("table") != std::string::npos);
}

TEST_CASE("a device that fails on any rank, at any call: one error everywhere, and nothing left") {
  Setting s;
  cairn::save(s.context, s.path, s.state.on_host);
  s.context.io.threads = 1;
  const std::function<void()> operations[] = {
      [&] { cairn::save(s.context, s.folder.path() / "new", s.state.on_device); },
      [&] { cairn::save_async(s.context, s.folder.path() / "new", s.state.on_device).result(); },
      [&] { cairn::load(s.context, s.path, s.state.on_device); },
  };
  for (const auto& operation : operations)
    for (int victim = 0; victim < s.state.size; ++victim) {
      int failures = 0;
      // Not every call of the many, but in each stage.
      for (int call = 0, step = 1;; call += step, step += 1 + call / 40) {
        MPI_Barrier(MPI_COMM_WORLD);
        simulated::fail_call(s.state.rank == victim ? call : -1);
        const auto error = common_outcome(MPI_COMM_WORLD, operation);
        int reached = s.state.rank == victim && simulated::calls() > call ? 1 : 0;
        simulated::fail_call(-1);
        MPI_Bcast(&reached, 1, MPI_INT, victim, MPI_COMM_WORLD);
        if (error) {
          ++failures;
          CHECK(error->code() == cairn::ErrorCode::device);
          CHECK(error->rank() == victim);
        } else {
          if (s.state.rank == 0) std::filesystem::remove_all(s.folder.path() / "new");
        }
        MPI_Barrier(MPI_COMM_WORLD);
        if (s.state.rank == 0) {
          CHECK_FALSE(std::filesystem::exists(s.folder.path() / "new"));
          CHECK(s.folder.hidden().empty());
        }
        if (!reached) break;
        REQUIRE(call < 100000);
      }
      CHECK(failures > 5);
    }
  CHECK(simulated::alive().streams == 0);
  CHECK(simulated::alive().events == 0);
}
