#include "io/sample.hpp"

#include <cstring>

#include <catch2/catch.hpp>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace cairn;

namespace {

constexpr int kRounds = 300;
constexpr int kStripes = 6;  // which the two processes own in turn
constexpr std::uint64_t kStart = 4096 + 96;
constexpr std::uint64_t kStripeBytes = (1u << 20) + 16384;  // enough for O_DIRECT in between

/// The first byte of a stripe: they meet somewhere in a page, elsewhere in each round.
std::uint64_t start_of(int round, int stripe) {
  const auto number = static_cast<std::uint64_t>(stripe);
  if (stripe == 0 || stripe == kStripes) return kStart + number * kStripeBytes;
  return kStart + number * kStripeBytes + (static_cast<std::uint64_t>(round) * 61 + number * 997) % 4096;
}
const std::uint64_t kEnd = start_of(0, kStripes);

std::byte value(int round, int stripe) {
  return static_cast<std::byte>(1 + (round * kStripes + stripe) % 251);
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

/// One process's stripes of one round. Past the page cache, all but their edges, where their memory is
/// congruent to the file modulo pages. False: it failed.
bool write_part(const sample::Directory& directory, int round, int first) {
  const bool past_the_cache = first == 0 || round % 2 == 0;
  sample::PageMemory memory(kStripes * (kStripeBytes + 8192));
  std::uint64_t used = past_the_cache ? 0 : 1, dense = 0;
  std::vector<tree::StoredLeaf> leaves(1);
  leaves[0].path = "bytes";
  leaves[0].element_bytes = 1;
  leaves[0].dtype = Dtype::u8;
  leaves[0].tiling.kind = tree::TileKind::boxes;
  std::vector<plan::Block> blocks;
  for (int stripe = first; stripe < kStripes; stripe += 2) {
    const auto start = start_of(round, stripe), bytes = start_of(round, stripe + 1) - start;
    if (past_the_cache) used += (start % 4096 + 4096 - used % 4096) % 4096;
    std::fill_n(memory.data() + used, bytes, value(round, stripe));
    leaves[0].tiling.boxes.push_back({{dense}, {bytes}});
    leaves[0].tiling.offsets.push_back(start);
    blocks.push_back({0, leaves[0].tiling.boxes.back(), memory.data() + used, {1}});
    used += bytes;
    dense += bytes;
  }
  leaves[0].shape = {dense};
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
  directory.create("state.h5", kEnd + 4096);
  Barrier barrier;
  const auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    bool fine = true;
    for (int round = 0; round < kRounds; ++round) {
      barrier.wait();
      fine = write_part(directory, round, 1) && fine;
      barrier.wait();
    }
    ::_exit(fine ? 0 : 1);
  }
  const auto file = base::open_file(&directory.file(), "state.h5", O_RDONLY);
  std::vector<std::byte> content(kEnd + 4096), expected(content.size());
  int failed = 0, damaged = 0;
  for (int round = 0; round < kRounds; ++round) {
    barrier.wait();
    failed += !write_part(directory, round, 0);
    barrier.wait();
    base::read_at(file, content, 0);
    for (int stripe = 0; stripe < kStripes; ++stripe)
      std::fill(expected.begin() + static_cast<std::ptrdiff_t>(start_of(round, stripe)),
                expected.begin() + static_cast<std::ptrdiff_t>(start_of(round, stripe + 1)),
                value(round, stripe));
    damaged += content != expected;
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
  CHECK(failed == 0);
  CHECK(damaged == 0);
}
