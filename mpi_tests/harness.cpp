#define CATCH_CONFIG_RUNNER
#define CATCH_CONFIG_NOSTDOUT
#include "harness.hpp"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <sstream>
#include <thread>
#include <vector>

#include <unistd.h>

namespace Catch {

/// What the reporter prints on this rank is kept until it is known whether this rank has something to say.
std::ostream& cout() {
  static std::ostringstream kept;
  return kept;
}
std::ostream& cerr() {
  return cout();
}
std::ostream& clog() {
  return cout();
}

}  // namespace Catch

namespace cairn::testing {
namespace {

using Monotonic = std::chrono::steady_clock;

std::string prefixed(const std::string& text) {
  std::istringstream lines(text);
  std::string result, line;
  while (std::getline(lines, line)) result += "[rank " + std::to_string(rank()) + "] " + line + "\n";
  return result;
}

void print_kept() {
  auto& kept = static_cast<std::ostringstream&>(Catch::cout());
  const std::string text = prefixed(kept.str());
  kept.str("");
  std::fwrite(text.data(), 1, text.size(), stderr);
}

/// Ends the process where one test case takes too long: a hang must fail, and soon.
class Watchdog {
 public:
  explicit Watchdog(double limit_s) : limit_(limit_s), rank_(rank()), thread_([this] { watch(); }) {}
  ~Watchdog() {
    over_ = true;
    thread_.join();
  }
  void enter(const std::string& name) {
    const std::lock_guard lock(mutex_);
    name_ = name;
    since_ = Monotonic::now();
  }

 private:
  void watch() {
    while (!over_) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      const std::lock_guard lock(mutex_);
      if (Monotonic::now() - since_ < limit_) continue;
      std::fprintf(stderr, "[rank %d] stuck in `%s` for more than %g s\n", rank_, name_.c_str(),
                   limit_.count());
      std::fflush(stderr);
      ::_exit(124);
    }
  }

  std::chrono::duration<double> limit_;
  int rank_;
  std::mutex mutex_;
  std::string name_ = "start";
  Monotonic::time_point since_ = Monotonic::now();
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

Watchdog* watchdog = nullptr;
std::vector<std::filesystem::path> directories;  // on rank 0

/// Tells the watchdog what runs, keeps the ranks in step from one test case to the next, and prints what
/// failed before it waits for the others.
struct Listener : Catch::TestEventListenerBase {
  using TestEventListenerBase::TestEventListenerBase;
  void testCaseStarting(const Catch::TestCaseInfo& info) override { watchdog->enter(info.name); }
  void testCaseEnded(const Catch::TestCaseStats& stats) override {
    if (stats.totals.assertions.failed > 0) print_kept();
    MPI_Barrier(MPI_COMM_WORLD);
  }
  void testRunEnded(const Catch::TestRunStats& stats) override {
    if (stats.totals.assertions.failed > 0) print_kept();  // a signal ends the run here
  }
};
CATCH_REGISTER_LISTENER(Listener)

double limit_s() {
  const char* text = std::getenv("CAIRN_TEST_LIMIT_S");
  return text == nullptr ? 50 : std::atof(text);
}

int thread_level() {
  const char* text = std::getenv("CAIRN_TEST_THREADS");
  const std::string_view level = text != nullptr ? text : "single";
  return level == "multiple"   ? MPI_THREAD_MULTIPLE
         : level == "funneled" ? MPI_THREAD_FUNNELED
                               : MPI_THREAD_SINGLE;
}

bool all_true(MPI_Comm comm, bool mine) {
  int sent = mine ? 1 : 0, all = 0;
  MPI_Allreduce(&sent, &all, 1, MPI_INT, MPI_MIN, comm);
  return all == 1;
}

/// Whether `text` is the same on every rank of `comm`.
bool same_everywhere(MPI_Comm comm, const std::string& text) {
  auto bytes = static_cast<unsigned long long>(text.size());
  MPI_Bcast(&bytes, 1, MPI_UNSIGNED_LONG_LONG, 0, comm);
  std::string first = text;
  first.resize(bytes);
  MPI_Bcast(first.data(), static_cast<int>(bytes), MPI_BYTE, 0, comm);
  return all_true(comm, first == text);
}

}  // namespace

int rank(MPI_Comm comm) {
  int result = 0;
  MPI_Comm_rank(comm, &result);
  return result;
}

int size(MPI_Comm comm) {
  int result = 0;
  MPI_Comm_size(comm, &result);
  return result;
}

void require_everywhere(MPI_Comm comm, bool good) {
  const bool everywhere = all_true(comm, good);
  INFO("on this rank: " << (good ? "good" : "bad"));
  REQUIRE(everywhere);
}

void require_same_everywhere(MPI_Comm comm, const std::string& text) {
  const bool same = same_everywhere(comm, text);
  INFO("on this rank: " << text);
  REQUIRE(same);
}

std::string require_same_error_everywhere(MPI_Comm comm, const std::function<void()>& call, ErrorCode code,
                                          std::string_view part) {
  std::string seen, text;
  bool expected = false;
  try {
    call();
    seen = "nothing was thrown";
  } catch (const Error& error) {
    text = error.what();
    seen = text + " / rank " + std::to_string(error.rank()) + " / errno " +
           std::to_string(error.system_error()) + " / path " + error.path().string();
    expected = error.code() == code && text.find(part) != std::string::npos;
  } catch (const std::exception& error) {
    seen = std::string("not a cairn::Error: ") + error.what();
  }
  const bool expected_everywhere = all_true(comm, expected);
  const bool same = same_everywhere(comm, seen);
  INFO("on this rank: " << seen);
  INFO("expected: " << to_string(code) << ", with `" << part << "`");
  REQUIRE(expected_everywhere);
  REQUIRE(same);
  return text;
}

std::filesystem::path make_directory(MPI_Comm comm) {
  std::string path;
  if (rank(comm) == 0) {
    path = (std::filesystem::temp_directory_path() / "cairn-test-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr)
      path.clear();
    else
      directories.emplace_back(path);
  }
  auto bytes = static_cast<int>(path.size());
  MPI_Bcast(&bytes, 1, MPI_INT, 0, comm);
  path.resize(static_cast<std::size_t>(bytes));
  MPI_Bcast(path.data(), bytes, MPI_BYTE, 0, comm);
  REQUIRE_FALSE(path.empty());
  return path;
}

FirstRanks::FirstRanks(int ranks) {
  MPI_Comm_split(MPI_COMM_WORLD, rank() < ranks ? 0 : MPI_UNDEFINED, rank(), &comm_);
}

FirstRanks::~FirstRanks() {
  if (comm_ != MPI_COMM_NULL) MPI_Comm_free(&comm_);
}

}  // namespace cairn::testing

int main(int argc, char** argv) {
  using namespace cairn::testing;
  int provided = 0;
  MPI_Init_thread(&argc, &argv, thread_level(), &provided);
  int failed = 0;
  {
    Watchdog dog(limit_s());
    watchdog = &dog;
    failed = Catch::Session().run(argc, argv);
    dog.enter("end");
    if (failed != 0 || (argc > 1 && rank() == 0)) print_kept();
    int worst = 0;
    MPI_Allreduce(&failed, &worst, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    failed = worst;
    for (const auto& directory : directories) std::filesystem::remove_all(directory);
    MPI_Finalize();
  }
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
