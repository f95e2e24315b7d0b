#include "comm/communicator.hpp"
#include "harness.hpp"

#include <cstdio>
#include <stdexcept>
#include <thread>

#include <unistd.h>

namespace {

/// How many duplicates the library has made and freed in this process. Some are freed in MPI_Finalize, so
/// they are counted after `main`.
struct Ledger {
  int made = 0, freed = 0, lost = 0;  // lost: poisoned, and left alone for good
  bool freeing_own = false;
  ~Ledger() {
    if (made == freed + lost) return;
    std::fprintf(stderr, "%d duplicates were made, %d freed, %d lost\n", made, freed, lost);
    ::_exit(1);
  }
};
Ledger ledger;

/// Frees a communicator of the test's, and with it the library's duplicate.
void free_own(MPI_Comm& comm) {
  ledger.freeing_own = true;
  MPI_Comm_free(&comm);
}

}  // namespace

extern "C" {

int MPI_Comm_idup(MPI_Comm comm, MPI_Comm* made, MPI_Request* request) {
  ++ledger.made;
  return PMPI_Comm_idup(comm, made, request);
}
int MPI_Comm_free(MPI_Comm* comm) {
  if (!ledger.freeing_own) ++ledger.freed;
  ledger.freeing_own = false;
  return PMPI_Comm_free(comm);
}

}  // extern "C"

using namespace cairn;
using namespace cairn::testing;
using comm::Communicator;
using comm::Lanes;

namespace {

Context world(double timeout_s = 40) {
  Context context(MPI_COMM_WORLD);
  context.ranks.timeout_s = timeout_s;
  return context;
}

std::uint64_t u64(int value) {
  return static_cast<std::uint64_t>(value);
}

/// Keeps one rank out of a stage until it is told to go on.
class Delay : public comm::CommHook {
 public:
  Delay(std::string stage, std::function<void()> until) : stage_(std::move(stage)), until_(std::move(until)) {
    before_ = comm::set_comm_hook(this);
  }
  ~Delay() override { comm::set_comm_hook(before_); }
  void before(std::string_view stage) override {
    if (stage == stage_) until_();
  }

 private:
  std::string stage_;
  std::function<void()> until_;
  comm::CommHook* before_;
};

}  // namespace

TEST_CASE("A communicator knows its rank, size and primary") {
  Communicator comm(world());
  REQUIRE(comm.rank() == rank());
  REQUIRE(comm.size() == size());
  REQUIRE(comm.primary() == 0);
  REQUIRE(comm.is_primary() == (rank() == 0));
  comm.set_primary(size() - 1);
  REQUIRE(comm.is_primary() == (rank() == size() - 1));
  REQUIRE_FALSE(comm.poisoned());
}

TEST_CASE("The duplicate is made once, and is not the caller's") {
  MPI_Comm first = MPI_COMM_NULL;
  {
    Communicator comm(world());
    first = comm.handle();
    int relation = MPI_UNEQUAL;
    MPI_Comm_compare(first, MPI_COMM_WORLD, &relation);
    REQUIRE(relation == MPI_CONGRUENT);
  }
  Communicator again(world());
  REQUIRE(again.handle() == first);
  REQUIRE(again.primary() == 0);
}

TEST_CASE("Errors are returned on the duplicate only") {
  MPI_Errhandler before = MPI_ERRHANDLER_NULL, mine = MPI_ERRHANDLER_NULL;
  Communicator comm(world());
  MPI_Comm_get_errhandler(MPI_COMM_WORLD, &before);
  MPI_Comm_get_errhandler(comm.handle(), &mine);
  REQUIRE(before == MPI_ERRORS_ARE_FATAL);
  REQUIRE(mine == MPI_ERRORS_RETURN);
  MPI_Errhandler_free(&before);
  MPI_Errhandler_free(&mine);
}

TEST_CASE("Communicators that the caller frees take their duplicates with them") {
  for (int i = 0; i < 200; ++i) {
    MPI_Comm mine = MPI_COMM_NULL;
    MPI_Comm_dup(MPI_COMM_WORLD, &mine);
    {
      Communicator comm{Context(mine)};
      REQUIRE((*comm.sum("count", {1}))[0] == u64(size()));
    }
    MPI_Comm copy = MPI_COMM_NULL;
    MPI_Comm_dup(mine, &copy);  // does not inherit the attribute
    {
      Communicator comm{Context(mine)}, other{Context(copy)};
      REQUIRE(comm.handle() != other.handle());
    }
    free_own(copy);
    const int before = ledger.freed;
    free_own(mine);
    REQUIRE(ledger.freed == before + 1);
  }
}

TEST_CASE("A communicator freed while an operation uses it stays usable for that operation") {
  MPI_Comm mine = MPI_COMM_NULL;
  MPI_Comm_dup(MPI_COMM_WORLD, &mine);
  Communicator comm{Context(mine)};
  free_own(mine);
  REQUIRE((*comm.sum("count", {1}))[0] == u64(size()));
}

TEST_CASE("A communicator in use is locked, on this rank alone") {
  Communicator comm(world());
  try {
    Communicator second(world());
    FAIL("the second was made");
  } catch (const Error& error) {
    REQUIRE(error.code() == ErrorCode::locked);
  }
  REQUIRE((*comm.sum("count", {1}))[0] == u64(size()));
}

TEST_CASE("A null communicator is refused") {
  try {
    Communicator comm{Context(MPI_COMM_NULL)};
    FAIL("it was made");
  } catch (const Error& error) {
    REQUIRE(error.code() == ErrorCode::invalid_argument);
  }
}

TEST_CASE("A thread that may not call MPI is refused") {
  int level = MPI_THREAD_SINGLE;
  MPI_Query_thread(&level);
  if (level >= MPI_THREAD_SERIALIZED) return;
  auto code = ErrorCode::internal;
  std::thread([&] {
    try {
      Communicator comm(world());
    } catch (const Error& error) {
      code = error.code();
    }
  }).join();
  REQUIRE(code == ErrorCode::unsupported);
}

TEST_CASE("agree returns each rank's own value where all succeed") {
  Communicator comm(world());
  auto value = comm.agree("value", [&] { return std::to_string(rank()); });
  REQUIRE(*value == std::to_string(rank()));
  comm.agree("nothing", [] {});
}

TEST_CASE("Whichever ranks fail, all throw the error of the first") {
  Communicator comm(world());
  for (int failing = 0; failing < size(); ++failing) {
    const auto text = require_same_error_everywhere(
        MPI_COMM_WORLD,
        [&] {
          comm.agree("step", [&] {
            if (rank() >= failing)
              throw Error(ErrorCode::no_space, "the disk of " + std::to_string(rank()) + " is full", ENOSPC,
                          -1, "/a/b");
          });
        },
        ErrorCode::no_space, "the disk of " + std::to_string(failing) + " is full");
    REQUIRE(text.find("rank " + std::to_string(failing)) != std::string::npos);
  }
  REQUIRE((*comm.sum("still in step", {1}))[0] == u64(size()));
}

TEST_CASE("Everything that a step throws becomes an Error") {
  Communicator comm(world());
  const int last = size() - 1;
  require_same_error_everywhere(
      MPI_COMM_WORLD,
      [&] {
        comm.agree("step", [&] {
          if (rank() == last) throw std::runtime_error("went wrong");
          return 1;
        });
      },
      ErrorCode::internal, "went wrong");
  require_same_error_everywhere(
      MPI_COMM_WORLD,
      [&] {
        comm.agree("step", [&] {
          if (rank() == last) throw std::bad_alloc();
        });
      },
      ErrorCode::out_of_memory);
  require_same_error_everywhere(
      MPI_COMM_WORLD,
      [&] {
        comm.agree("step", [&] {
          if (rank() == last) throw 5;
        });
      },
      ErrorCode::internal);
}

TEST_CASE("An error keeps the rank, errno and path it was made with") {
  Communicator comm(world());
  try {
    comm.agree("step", [&] {
      if (rank() == size() - 1) throw Error(ErrorCode::mismatch, "differs", EIO, 7, "/x/\xC3\xA9");
    });
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    REQUIRE(error.rank() == 7);
    REQUIRE(error.system_error() == EIO);
    REQUIRE(error.path() == Path("/x/\xC3\xA9"));
  }
}

TEST_CASE("A message that is too long is cut between two characters") {
  Communicator comm(world());
  std::string text = "x";
  while (text.size() < 10000) text += "\xE2\x82\xAC";  // three bytes each
  const auto seen = require_same_error_everywhere(
      MPI_COMM_WORLD, [&] { comm.agree("step", [&] { throw Error(ErrorCode::io, text); }); }, ErrorCode::io);
  REQUIRE(seen.size() < 4200);
  REQUIRE(seen.size() > 3900);
  const auto end = seen.find("...");
  REQUIRE(end != std::string::npos);
  REQUIRE(seen.substr(end - 3, 3) == "\xE2\x82\xAC");
}

TEST_CASE("agree_min takes the minimum of each lane, and fails like agree") {
  Communicator comm(world());
  const auto lanes = comm.agree_min("lanes", 2, [&] { return Lanes{u64(rank() + 5), u64(100 - rank())}; });
  REQUIRE(*lanes == Lanes{5, u64(100 - (size() - 1))});
  require_same_error_everywhere(
      MPI_COMM_WORLD,
      [&] {
        comm.agree_min("lanes", 2, [&]() -> Lanes {
          if (rank() == size() - 1) throw Error(ErrorCode::io, "no lanes");
          return {1, 2};
        });
      },
      ErrorCode::io, "no lanes");
  require_same_error_everywhere(
      MPI_COMM_WORLD, [&] { comm.agree_min("lanes", 2, [&] { return Lanes(rank() == 0 ? 3 : 2); }); },
      ErrorCode::internal, "number of lanes");
}

TEST_CASE("agree_sum adds each lane up, and fails like agree") {
  Communicator comm(world());
  REQUIRE(*comm.agree_sum("lanes", 2, [] {
    return Lanes{u64(rank()), 1};
  }) == Lanes{u64(size() * (size() - 1) / 2), u64(size())});
  for (int failing = 0; failing < size(); ++failing) {
    require_same_error_everywhere(
        MPI_COMM_WORLD,
        [&] {
          comm.agree_sum("lanes", 2, [&]() -> Lanes {
            if (rank() >= failing) throw Error(ErrorCode::io, "no lanes of " + std::to_string(rank()));
            return {1, 2};
          });
        },
        ErrorCode::io, "no lanes of " + std::to_string(failing));
  }
  require_same_error_everywhere(
      MPI_COMM_WORLD, [&] { comm.agree_sum("lanes", 2, [&] { return Lanes(rank() == 0 ? 3 : 2); }); },
      ErrorCode::internal, "number of lanes");
}

TEST_CASE("broadcast gives the bytes of any rank to all") {
  Communicator comm(world());
  for (int root = 0; root < size(); ++root)
    REQUIRE(comm.broadcast("bytes", root, std::string(5, static_cast<char>('a' + rank()))) ==
            std::string(5, static_cast<char>('a' + root)));
}

TEST_CASE("agree_on_root gives the primary's bytes to all, of any size") {
  Communicator comm(world());
  for (const int primary : {0, size() - 1}) {
    comm.set_primary(primary);
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{4075}, std::size_t{4076},
                                    std::size_t{4077}, std::size_t{3000000}}) {
      int runs = 0;
      const auto text = comm.agree_on_root("bytes", [&] {
        ++runs;
        return std::string(bytes, 'a');
      });
      REQUIRE(*text == std::string(bytes, 'a'));
      REQUIRE(runs == (rank() == primary ? 1 : 0));
    }
  }
}

TEST_CASE("agree_on_root gives the primary's error to all") {
  Communicator comm(world());
  comm.set_primary(size() - 1);
  const auto text = require_same_error_everywhere(
      MPI_COMM_WORLD,
      [&] {
        comm.agree_on_root("root",
                           [&]() -> std::string { throw Error(ErrorCode::already_exists, "is there"); });
      },
      ErrorCode::already_exists, "is there");
  REQUIRE(text.find("rank " + std::to_string(size() - 1)) != std::string::npos);
}

TEST_CASE("Sums wrap around, exclusive sums begin at zero") {
  Communicator comm(world());
  const auto sum = comm.sum("sum", {~std::uint64_t{0}, u64(rank())});
  REQUIRE((*sum)[0] == std::uint64_t{0} - u64(size()));
  REQUIRE((*sum)[1] == u64(size() * (size() - 1) / 2));
  REQUIRE(*comm.max("max", {u64(rank()), u64(size() - rank())}) == Lanes{u64(size() - 1), u64(size())});
  REQUIRE(*comm.exclusive_sum("below", {1, u64(rank())}) ==
          Lanes{u64(rank()), u64(rank() * (rank() - 1) / 2)});
  REQUIRE(comm.sum("none", {})->empty());
}

TEST_CASE("gather brings each rank's bytes to the primary") {
  Communicator comm(world());
  comm.set_primary(size() / 2);
  const auto parts = comm.gather("gather", std::string(u64(rank()) * 1000, static_cast<char>('a' + rank())));
  if (!comm.is_primary()) {
    REQUIRE(parts.empty());
    return;
  }
  REQUIRE(parts.size() == u64(size()));
  for (int i = 0; i < size(); ++i)
    REQUIRE(parts[u64(i)] == std::string(u64(i) * 1000, static_cast<char>('a' + i)));
}

TEST_CASE("A gather past 2 GiB is refused on every rank") {
  Communicator comm(world());
  const char byte = 'x';
  // Only its size is looked at before the refusal.
  const std::string_view absurd(&byte, rank() == size() - 1 ? std::size_t{3} << 30 : 1);
  require_same_error_everywhere(
      MPI_COMM_WORLD, [&] { comm.gather("absurd", absurd); }, ErrorCode::unsupported);
  REQUIRE((*comm.sum("still in step", {1}))[0] == u64(size()));
}

TEST_CASE("A late rank times out the others, poisons the communicator, and is poisoned for none but itself") {
  if (size() == 1) return;
  MPI_Comm mine = MPI_COMM_NULL;
  MPI_Comm_dup(MPI_COMM_WORLD, &mine);
  const bool late = rank() == size() - 1;
  {
    Context context(mine);
    context.ranks.timeout_s = 40;
    Communicator(context).sum("made", {});
    context.ranks.timeout_s = late ? 40 : 0.2;
    Communicator comm(context);
    // The late rank goes on only when every other has given up.
    Delay delay("late", [&] {
      if (late) MPI_Barrier(MPI_COMM_WORLD);
    });
    bool timed_out = false;
    try {
      comm.agree("late", [] {});
    } catch (const Error& error) {
      timed_out = error.code() == ErrorCode::timeout;
      REQUIRE(std::string(error.what()).find("`late`") != std::string::npos);
    }
    if (!late) MPI_Barrier(MPI_COMM_WORLD);
    REQUIRE(timed_out == !late);
    REQUIRE(comm.poisoned() == !late);
    if (!late) REQUIRE_THROWS_AS(comm.agree("after", [] {}), Error);
  }
  if (!late) REQUIRE_THROWS_AS(Communicator(Context(mine)), Error);
  if (!late) ++ledger.lost;
  MPI_Barrier(MPI_COMM_WORLD);
  free_own(mine);
}

TEST_CASE("allow gives the next collectives more time") {
  if (size() == 1) return;
  MPI_Comm mine = MPI_COMM_NULL;
  MPI_Comm_dup(MPI_COMM_WORLD, &mine);
  {
    Context context(mine);
    context.ranks.timeout_s = 40;
    Communicator(context).sum("made", {});
    context.ranks.timeout_s = 0.01;
    Communicator comm(context);
    comm.allow(40);
    comm.agree("slow", [] {
      if (rank() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    });
    REQUIRE_FALSE(comm.poisoned());
  }
  free_own(mine);
}

TEST_CASE("A communicator of one rank works alone") {
  Communicator comm{Context(MPI_COMM_SELF)};
  REQUIRE(comm.size() == 1);
  REQUIRE((*comm.sum("sum", {3}))[0] == 3);
  REQUIRE(comm.gather("gather", "abc") == std::vector<std::string>{"abc"});
}
