#include "io/sample.hpp"

#include <cstring>
#include <numeric>

#include <catch2/catch.hpp>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace cairn;

namespace {

constexpr int kRounds = 2500;
constexpr std::uint64_t kStart = 4096 + 96, kBytes = 3 * 65536 + 4096 * 2 + 312;

/// Where the second process takes over, somewhere in a page.
std::uint64_t boundary(int round) {
  return kStart + 98304 + static_cast<std::uint64_t>(round) * 61 % 4096;
}
std::byte value(int round, std::uint64_t offset) {
  return static_cast<std::byte>(1 + (static_cast<std::uint64_t>(round) * 7 + offset * 13) % 251);
}

/// Two processes that start each round together.
class Barrier {
 public:
  Barrier()
      : barrier_(static_cast<pthread_barrier_t*>(
            ::mmap(nullptr, sizeof *barrier_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    pthread_barrierattr_t attributes;
    pthread_barrierattr_init(&attributes);
    pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(barrier_, &attributes, 2);
    pthread_barrierattr_destroy(&attributes);
  }
  ~Barrier() { ::munmap(barrier_, sizeof *barrier_); }
  Barrier(const Barrier&) = delete;
  void wait() { pthread_barrier_wait(barrier_); }

 private:
  pthread_barrier_t* barrier_;
};

/// One process's part of one round: the bytes before the boundary, or those from it on. False: it failed.
bool write_part(const sample::Directory& directory, int round, bool second) {
  const auto start = second ? boundary(round) : kStart;
  const auto end = second ? kStart + kBytes : boundary(round);
  std::vector<std::byte> memory(end - start);
  for (std::uint64_t i = 0; i < memory.size(); ++i) memory[i] = value(round, start + i);
  std::vector<tree::StoredLeaf> leaves(1);
  leaves[0].path = "bytes";
  leaves[0].element_bytes = 1;
  leaves[0].dtype = Dtype::u8;
  leaves[0].shape = {static_cast<std::int64_t>(memory.size())};
  leaves[0].tiling = {tree::TileKind::one, start, {}, {}, {}};
  const std::vector<plan::Block> blocks = {{0, tree::whole(leaves[0].shape), memory.data(), {1}}};
  io::WriteJob job;
  job.leaves = &leaves;
  job.blocks = blocks;
  job.checksums = false;
  try {
    const auto sink = io::open_direct_sink(directory.file(), "state.h5", sample::options());
    io::write_blocks(*sink, job, sample::options());
  } catch (...) {
    return false;
  }
  return true;
}

}  // namespace

TEST_CASE("two processes that write neighbouring bytes of one page lose none") {
  const sample::Directory directory;
  directory.create("state.h5", kStart + kBytes + 4096);
  Barrier barrier;
  const auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    bool fine = true;
    for (int round = 0; round < kRounds; ++round) {
      barrier.wait();
      fine = write_part(directory, round, true) && fine;
      barrier.wait();
    }
    ::_exit(fine ? 0 : 1);
  }
  const auto file = base::open_file(&directory.file(), "state.h5", O_RDONLY);
  std::vector<std::byte> content(kBytes + 4096 + kStart), expected(content.size());
  int failed = 0, damaged = 0;
  for (int round = 0; round < kRounds; ++round) {
    barrier.wait();
    failed += !write_part(directory, round, false);
    barrier.wait();
    base::read_at(file, content, 0);
    for (std::uint64_t i = kStart; i < kStart + kBytes; ++i) expected[i] = value(round, i);
    damaged += content != expected;
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
  CHECK(failed == 0);
  CHECK(damaged == 0);
}
