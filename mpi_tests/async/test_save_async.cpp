#include "folder.hpp"
#include "gate.hpp"
#include "generation.hpp"
#include "plan/count_collectives.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

using namespace mpi_test;

namespace {

int rank = 0, size = 1;

struct Setting {
  SharedFolder folder{MPI_COMM_WORLD};
  Generation state{MPI_COMM_WORLD};
  cairn::Context context{MPI_COMM_WORLD};
  cairn::Path path = folder.path() / "checkpoint";
  Setting() {
    rank = cairn::testing::rank();
    size = cairn::testing::size();
    context.io.fsync = false;
    context.io.block_bytes = 32768;
  }
};

/// Waits, without a collective call of the library, until every rank's part is over.
void wait_everywhere(cairn::AsyncResponse& response) {
  while (!response.poll()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  MPI_Barrier(MPI_COMM_WORLD);
}

/// Fails the writes of data of one rank, from the time when it is opened.
class FailingDisk : public Gate {
 public:
  explicit FailingDisk(bool fails) : fails_(fails) {}

 protected:
  int in_background(cairn::base::Op op, std::string_view name, std::uint64_t, std::uint64_t) override {
    return fails_ && op == cairn::base::Op::write && name.ends_with("state.h5") ? EIO : 0;
  }

 private:
  bool fails_;
};

}  // namespace

TEST_CASE("the checkpoint holds the values of the moment of the call, with any bound on the staging memory") {
  Setting s;
  const std::uint64_t bounds[] = {0, 1, 32768 + 4096, 100000, 1 << 20, 1 << 30};
  std::int64_t generation = 0;
  for (const auto bound : bounds) {
    s.context.async.staging_bytes = bound;
    s.state.fill(++generation);
    Gate gate;
    auto response = cairn::save_async(s.context, s.path, s.state.tree, {.overwrite = true});
    CHECK(response.valid());
    CHECK(response.snapshotted());
    CHECK_FALSE(response.poll());
    s.state.fill(-7);
    gate.open();
    const auto report = response.result();
    CHECK_FALSE(response.valid());
    CHECK(report.operation == "save_async");
    CHECK(report.bytes > 0);
    CHECK(report.leaves == s.state.tree.size());
    CHECK(report.slowest_rank >= 0);
    CHECK(report.slowest_rank < size);
    CHECK_FALSE(report.slowest_host.empty());
    CHECK(report.background_s > 0);
    INFO("bound " << bound);
    REQUIRE(stored_generation(MPI_COMM_WORLD, s.path) == generation);
    REQUIRE(cairn::verify(s.context, s.path).empty());
  }
  if (rank == 0) CHECK(s.folder.hidden().empty());
}

TEST_CASE("what is saved in the background is byte for byte what is saved at once") {
  Setting s;
  s.state.fill(5);
  cairn::save(s.context, s.folder.path() / "now", s.state.tree);
  cairn::save_async(s.context, s.folder.path() / "later", s.state.tree).result();
  if (rank == 0) {
    const auto text = [&](const char* name) {
      std::ifstream file(s.folder.path() / name / "state.h5", std::ios::binary);
      return std::string(std::istreambuf_iterator<char>(file), {});
    };
    const auto now = text("now");
    CHECK(now.size() > 1000000);
    CHECK(now == text("later"));
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(s.folder.path() / "later"))
      names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    CHECK(names == std::vector<std::string>{"checkpoint.json", "commit", "state.h5"});
  }
}

TEST_CASE("without a snapshot the memory is borrowed until it has been written") {
  Setting s;
  s.context.async.snapshot = false;
  s.state.fill(3);
  {
    Gate gate;
    auto response = cairn::save_async(s.context, s.path, s.state.tree);
    CHECK_FALSE(response.snapshotted());
    gate.open();
    while (!response.snapshotted()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    s.state.fill(4);
    response.result();
  }
  CHECK(stored_generation(MPI_COMM_WORLD, s.path) == 3);
}

TEST_CASE(
    "without a snapshot the tree's own values need not outlive the call, and a dropped response waits") {
  Setting s;
  s.context.async.snapshot = false;
  {
    std::vector<double> own(5000, rank + 0.5);
    cairn::Tree tree;
    tree["own"] = cairn::per_rank(own, {5000});
    tree["note"] = std::string(100000, 'x');
    auto response = cairn::save_async(s.context, s.path, tree);
    tree["note"] = "another";
    tree = cairn::Tree();
    static_cast<void>(std::move(response));
  }
  const auto loaded = cairn::load(s.context, s.path);
  CHECK(loaded.at("note").get<std::string>() == std::string(100000, 'x'));
  CHECK(loaded.at("own").data<double>()[4999] == rank + 0.5);
}

TEST_CASE("different spellings of a path are one path") {
  Setting s;
  s.state.fill(1);
  auto first = cairn::save_async(s.context, s.path, s.state.tree);
  auto second = cairn::save_async(s.context, s.path.string() + "/", s.state.tree, {.overwrite = true});
  first.result();
  second.result();
  CHECK(stored_generation(MPI_COMM_WORLD, s.path) == 1);
}

TEST_CASE("memory that changes while it is borrowed is found out where that is asked for") {
  Setting s;
  s.context.async.snapshot = false;
  s.context.async.check_borrowed = true;
  for (const bool checksums : {true, false}) {
    s.context.integrity.checksums = checksums;
    for (int culprit = 0; culprit < size; ++culprit) {
      s.state.fill(8);
      Gate gate;
      auto response = cairn::save_async(s.context, s.path, s.state.tree, {.overwrite = true});
      if (rank == culprit) s.state.columns.back() = 1;  // the gate holds the first block
      gate.open();
      const auto error = common_outcome(MPI_COMM_WORLD, [&] { response.result(); });
      REQUIRE(error);
      CHECK(error->code() == cairn::ErrorCode::invalid_argument);
      CHECK(error->rank() == culprit);
      CHECK(std::string(error->what()).find("deep/columns") != std::string::npos);
      CHECK(stored_generation(MPI_COMM_WORLD, s.path) == 0);
    }
  }
  s.state.fill(8);
  cairn::save_async(s.context, s.path, s.state.tree).result();
  CHECK(stored_generation(MPI_COMM_WORLD, s.path) == 8);
}

TEST_CASE("several saves under way commit in the order of the calls") {
  Setting s;
  Gate gate;
  constexpr int saves = 4;
  std::vector<cairn::AsyncResponse> responses;
  const auto path = [&](int i) { return s.folder.path() / std::to_string(i); };
  for (int i = 0; i < saves; ++i) {
    s.state.fill(i + 1);
    responses.push_back(cairn::save_async(s.context, path(i), s.state.tree));
  }
  s.state.fill(-1);
  gate.open();
  // Whichever is there, those before it are.
  for (int left = saves; left > 0;) {
    left = 0;
    bool later = false;
    for (int i = saves; i-- > 0;) {
      const bool there = cairn::is_checkpoint(path(i));
      CHECK((there || !later));
      later = later || there;
      left += !there;
    }
  }
  for (auto response = responses.rbegin(); response != responses.rend(); ++response) response->result();
  for (int i = 0; i < saves; ++i) CHECK(stored_generation(MPI_COMM_WORLD, path(i)) == i + 1);
}

TEST_CASE("saves to one path, at once and in the background, replace each other in order") {
  Setting s;
  std::vector<cairn::AsyncResponse> responses;
  for (int i = 1; i <= 5; ++i) {
    s.state.fill(i);
    responses.push_back(cairn::save_async(s.context, s.path, s.state.tree, {.overwrite = true}));
  }
  s.state.fill(6);
  cairn::save(s.context, s.path, s.state.tree, {.overwrite = true});
  CHECK(stored_generation(MPI_COMM_WORLD, s.path) == 6);
  for (auto& response : responses) response.result();
  CHECK(stored_generation(MPI_COMM_WORLD, s.path) == 6);
  if (rank == 0) CHECK(s.folder.hidden().empty());
}

TEST_CASE("a disk that fails in the background reaches every rank through result") {
  Setting s;
  s.state.fill(1);
  cairn::save(s.context, s.path, s.state.tree);
  for (int victim = 0; victim < size; ++victim) {
    s.state.fill(2);
    {
      FailingDisk disk(rank == victim);
      auto response = cairn::save_async(s.context, s.path, s.state.tree, {.overwrite = true});
      disk.open();
      const auto error = common_outcome(MPI_COMM_WORLD, [&] { response.result(); });
      REQUIRE(error);
      CHECK(error->code() == cairn::ErrorCode::io);
      CHECK(error->system_error() == EIO);
      CHECK(error->rank() == victim);
    }
    CHECK(stored_generation(MPI_COMM_WORLD, s.path) == 1);
    if (rank == 0) CHECK(s.folder.hidden().empty());
  }
  cairn::save_async(s.context, s.path, s.state.tree, {.overwrite = true}).result();
  CHECK(stored_generation(MPI_COMM_WORLD, s.path) == 2);
}

TEST_CASE("a failure that nobody asked for is thrown by the next call") {
  Setting s;
  s.state.fill(2);
  const std::function<void()> calls[] = {
      [&] { cairn::save(s.context, s.path, s.state.tree); },
      [&] { static_cast<void>(cairn::save_async(s.context, s.path, s.state.tree)); },
      [&] { cairn::load(s.context, s.path, s.state.tree); },
      [&] { cairn::is_checkpoint(s.context, s.path); },
      [&] { cairn::metadata(s.context, s.path); },
      [&] { static_cast<void>(cairn::verify(s.context, s.path)); },
  };
  for (const auto& call : calls) {
    int called = 0;
    {
      FailingDisk disk(rank == size - 1);
      auto response = cairn::save_async(s.context, s.path, s.state.tree);
      response.on_complete([&](const cairn::Report& report, const cairn::Error* error) {
        called += report.path == s.path && error != nullptr;  // on every rank, whichever failed
      });
      disk.open();
      auto watched = std::move(response);
      CHECK_FALSE(response.valid());
      CHECK(watched.valid());
      wait_everywhere(watched);
    }
    CHECK(called == 1);
    const auto error = common_outcome(MPI_COMM_WORLD, call);
    REQUIRE(error);
    CHECK(error->code() == cairn::ErrorCode::io);
    CHECK(error->rank() == size - 1);
    CHECK_FALSE(cairn::is_checkpoint(s.context, s.path));
  }
}

TEST_CASE("a dropped save goes on, and the next call finds it done") {
  Setting s;
  for (int i = 1; i <= 5; ++i) {
    s.state.fill(i);
    static_cast<void>(cairn::save_async(s.context, s.path, s.state.tree, {.overwrite = true}));
    s.state.fill(0);
    CHECK(stored_generation(MPI_COMM_WORLD, s.path) == i);
  }
  static_cast<void>(cairn::save_async(s.context, s.path, s.state.tree, {.overwrite = true}));
  CHECK(cairn::metadata(s.context, s.path).world_size == size);
  CHECK(cairn::verify(s.context, s.path).empty());
}

TEST_CASE("a callback is called once, on the caller's thread, within a later call") {
  Setting s;
  s.state.fill(4);
  const auto own = std::this_thread::get_id();
  int called = 0, wrong = 0;
  const auto callback = [&](const cairn::Report& report, const cairn::Error* error) {
    ++called;
    wrong += error != nullptr || report.operation != "save_async" || std::this_thread::get_id() != own;
    throw std::runtime_error("dropped");
  };
  auto response = cairn::save_async(s.context, s.path, s.state.tree);
  response.on_complete(callback);
  CHECK(called == 0);
  response.result();
  CHECK(called == 1);
  response = cairn::save_async(s.context, s.path, s.state.tree, {.overwrite = true});
  response.on_complete(callback);
  wait_everywhere(response);
  CHECK(called == 2);
  response.result();
  CHECK(called == 2);
  CHECK(wrong == 0);
}

TEST_CASE("a save that is cancelled leaves nothing, and one that was decided stands") {
  Setting s;
  s.state.fill(1);
  cairn::save(s.context, s.path, s.state.tree);
  s.state.fill(2);
  {
    // Held at its first write, and slow, so that it cannot have been decided.
    s.context.async.rate_bytes_per_s = 1000;
    Gate gate;
    auto response = cairn::save_async(s.context, s.path, s.state.tree, {.overwrite = true});
    std::thread opener([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(30));
      gate.open();
    });
    CHECK(common_outcome(MPI_COMM_WORLD, [&] { response.cancel(); }) == nullptr);
    opener.join();
    CHECK_FALSE(response.valid());
  }
  CHECK(stored_generation(MPI_COMM_WORLD, s.path) == 1);
  if (rank == 0) CHECK(s.folder.hidden().empty());

  s.context.async.rate_bytes_per_s = 0;
  auto response = cairn::save_async(s.context, s.path, s.state.tree, {.overwrite = true});
  wait_everywhere(response);
  response.cancel();
  CHECK(stored_generation(MPI_COMM_WORLD, s.path) == 2);
}

TEST_CASE("a rate is not passed, and low priority changes nothing but speed") {
  Setting s;
  s.state.fill(3);
  s.context.async.low_priority = true;
  s.context.async.rate_bytes_per_s = 20 << 20;
  s.context.io.threads = 4;
  const auto start = std::chrono::steady_clock::now();
  const auto report = cairn::save_async(s.context, s.path, s.state.tree).result();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  // The fullest rank writes at least its share; the last piece is not waited for.
  const double least = (static_cast<double>(report.bytes) / size - (1 << 20)) / (20 << 20);
  CHECK(took.count() >= least);
  CHECK(stored_generation(MPI_COMM_WORLD, s.path) == 3);
}

TEST_CASE("staging memory is used again: it does not grow over a thousand saves") {
#ifdef __SANITIZE_ADDRESS__
  constexpr int saves = 150;  // what is freed stays in quarantine there: only errors are looked for
  constexpr long most_kib = 1 << 20;
#else
  constexpr int saves = 1000;
  constexpr long most_kib = 4096;
#endif
  Setting s;
  const auto resident_kib = [] {  // but for pages of files
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;)
      if (word == "RssAnon:") {
        long kib = 0;
        status >> kib;
        return kib;
      }
    return 0L;
  };
  long settled = 0;
  for (int i = 1; i <= saves; ++i) {
    s.state.fill(i);
    cairn::save_async(s.context, s.path, s.state.tree, {.overwrite = true}).result();
    if (i == 100) settled = resident_kib();
  }
  CHECK(settled > 0);
  CHECK(resident_kib() - settled < most_kib);
  CHECK(stored_generation(MPI_COMM_WORLD, s.path) == saves);
}

TEST_CASE("the number of collectives is what docs/collectives.md says") {
  Setting s;
  std::vector<double> rows(10, 1);
  cairn::Tree tree;
  tree["rows"] = cairn::sharded(rows, {.shape = {10 * size}, .start = {10 * rank}, .count = {10}});
  cairn::save(s.context, s.path, tree);  // makes the duplicate
  const auto counted = [](const std::function<void()>& call) {
    const int before = cairn::testing::collectives_started();
    call();
    return cairn::testing::collectives_started() - before;
  };
  cairn::AsyncResponse response;
  CHECK(counted([&] { response = cairn::save_async(s.context, s.path, tree, {.overwrite = true}); }) == 7);
  CHECK(counted([&] { response.result(); }) == 2);
  CHECK(counted([&] { response = cairn::load_async(s.context, s.path, tree); }) == 4);
  CHECK(counted([&] { response.result(); }) == 3);
  CHECK(counted([&] { cairn::load(s.context, s.path, tree); }) == 7);
  response = cairn::save_async(s.context, s.path, tree, {.overwrite = true});
  CHECK(counted([&] { cairn::load(s.context, s.path, tree); }) == 8);  // its result was not asked for
  CHECK(counted([&] { response.result(); }) == 2);
}

TEST_CASE("ranks that call different functions are told so") {
  Setting s;
  if (size == 1) return;
  s.state.fill(1);
  cairn::save(s.context, s.path, s.state.tree);
  const auto error = common_outcome(MPI_COMM_WORLD, [&] {
    if (rank == 0)
      cairn::load(s.context, s.path, s.state.tree);
    else
      static_cast<void>(cairn::load_async(s.context, s.path, s.state.tree));
  });
  REQUIRE(error);
  CHECK(error->code() == cairn::ErrorCode::mismatch);
}

TEST_CASE("what is wrong with the tree or the path is thrown by the call itself") {
  Setting s;
  s.state.fill(1);
  cairn::save(s.context, s.path, s.state.tree);
  auto error = common_outcome(MPI_COMM_WORLD,
                              [&] { static_cast<void>(cairn::save_async(s.context, s.path, s.state.tree)); });
  REQUIRE(error);
  CHECK(error->code() == cairn::ErrorCode::already_exists);
  std::vector<double> gap(4);
  cairn::Tree tree;
  tree["gap"] = cairn::sharded(gap, {.shape = {5 * size}, .start = {5 * rank}, .count = {4}});
  error = common_outcome(MPI_COMM_WORLD, [&] {
    static_cast<void>(cairn::save_async(s.context, s.folder.path() / "gap", tree));
  });
  REQUIRE(error);
  CHECK(error->code() == cairn::ErrorCode::mismatch);
  cairn::AsyncResponse none;
  CHECK_FALSE(none.valid());
  CHECK_THROWS_AS(none.result(), cairn::Error);
  CHECK_THROWS_AS(none.poll(), cairn::Error);
  CHECK_THROWS_AS(none.cancel(), cairn::Error);
  if (rank == 0) CHECK(s.folder.hidden().empty());
}

TEST_CASE("parallel HDF5 writes before the call returns") {
  Setting s;
  s.context.io.writer = cairn::Writer::mpio;
  for (const bool collective : {false, true}) {
    s.context.io.collective = collective;
    s.state.fill(6 + collective);
    auto response = cairn::save_async(s.context, s.path, s.state.tree, {.overwrite = true});
    CHECK(response.snapshotted());
    CHECK(stored_generation(MPI_COMM_WORLD, s.path) == 6 + collective);
    const auto report = response.result();
    CHECK(report.bytes > 0);
  }
}

TEST_CASE("a load in the background fills the memory by the time of its result") {
  Setting s;
  s.state.fill(12);
  cairn::save(s.context, s.path, s.state.tree);
  s.state.fill(0);
  {
    Gate gate;
    auto response = cairn::load_async(s.context, s.path, s.state.tree);
    CHECK_FALSE(response.poll());
    gate.open();
    const auto report = response.result();
    CHECK(report.operation == "load");
    CHECK(report.bytes > 0);
    CHECK(report.verified_bytes > 0);
  }
  CHECK(s.state.number == 12);
  CHECK(s.state.whole());
  auto error = common_outcome(MPI_COMM_WORLD, [&] {
    static_cast<void>(cairn::load_async(s.context, s.folder.path() / "none", s.state.tree));
  });
  REQUIRE(error);
  CHECK(error->code() == cairn::ErrorCode::not_found);
  std::optional<cairn::ErrorCode> told;
  {
    Generation gone(MPI_COMM_WORLD);
    auto response = cairn::load_async(s.context, s.path, gone.tree);  // dropped before its memory goes
    response.on_complete([&](const cairn::Report&, const cairn::Error* why) {
      if (why) told = why->code();
    });
  }
  cairn::load(s.context, s.path, s.state.tree);
  CHECK(told == cairn::ErrorCode::cancelled);
  cairn::load_async(s.context, s.path, s.state.tree).cancel();
  CHECK(stored_generation(MPI_COMM_WORLD, s.path) == 12);
}

TEST_CASE("a damaged file fails a load in the background on every rank") {
  Setting s;
  s.state.fill(12);
  cairn::save(s.context, s.path, s.state.tree);
  if (rank == 0) {
    std::fstream file(s.path / "state.h5", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(s.path / "state.h5") / 2));
    file.put('\x55');
    file.put('\x55');
  }
  MPI_Barrier(MPI_COMM_WORLD);
  auto response = cairn::load_async(s.context, s.path, s.state.tree);
  const auto error = common_outcome(MPI_COMM_WORLD, [&] { response.result(); });
  REQUIRE(error);
  CHECK(error->code() == cairn::ErrorCode::corrupt);
  CHECK(std::string(error->what()).find("undefined now") != std::string::npos);
}
