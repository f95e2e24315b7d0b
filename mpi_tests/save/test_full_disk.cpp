#include "folder.hpp"
#include "generation.hpp"

#include <cstdio>

#include <catch2/catch.hpp>
#include <sys/mount.h>

using namespace mpi_test;

namespace {

/// A file system of a few MiB, where this process may mount one.
class SmallDisk {
 public:
  explicit SmallDisk(const cairn::Path& path, const char* size) : path_(path) {
    int mounted = 0;
    if (cairn::testing::rank() == 0) {
      std::filesystem::create_directory(path);
      mounted = mount("tmpfs", path.c_str(), "tmpfs", 0, size) == 0 ? 1 : 0;
    }
    MPI_Bcast(&mounted, 1, MPI_INT, 0, MPI_COMM_WORLD);
    mounted_ = mounted == 1;
  }
  ~SmallDisk() {
    MPI_Barrier(MPI_COMM_WORLD);
    if (mounted_ && cairn::testing::rank() == 0) umount2(path_.c_str(), MNT_DETACH);
  }
  bool mounted() const noexcept { return mounted_; }

 private:
  cairn::Path path_;
  bool mounted_ = false;
};

}  // namespace

TEST_CASE(
    "a full disk: found before any data moves where space is reserved, and by the write where it is not") {
  SharedFolder folder(MPI_COMM_WORLD);
  SmallDisk disk(folder.path() / "disk", "size=24m");
  if (!disk.mounted()) {
    WARN("this user cannot mount a file system: not tested");
    std::exit(77);
  }
  const cairn::Path path = folder.path() / "disk" / "checkpoint";
  Generation small(MPI_COMM_WORLD);
  small.fill(1);
  cairn::Context context(MPI_COMM_WORLD);
  cairn::save(context, path, small.tree);
  for (const bool reserve : {true, false}) {
    context.files.reserve = reserve;
    for (const auto writer : {cairn::Writer::direct, cairn::Writer::mpio}) {
      context.io.writer = writer;
      Generation large(MPI_COMM_WORLD, 40);
      large.fill(2);
      const auto error = common_outcome(MPI_COMM_WORLD,
                                        [&] { cairn::save(context, path, large.tree, {.overwrite = true}); });
      REQUIRE(error);
      INFO(error->what());
      if (writer == cairn::Writer::direct || reserve) {
        CHECK(error->code() == cairn::ErrorCode::no_space);
        CHECK(error->system_error() == ENOSPC);
      }
      CHECK(stored_generation(MPI_COMM_WORLD, path) == 1);
      if (cairn::testing::rank() == 0)
        CHECK(std::distance(std::filesystem::directory_iterator(folder.path() / "disk"), {}) == 1);
      MPI_Barrier(MPI_COMM_WORLD);
    }
  }
  small.fill(3);
  cairn::save(context, path, small.tree, {.overwrite = true});
  CHECK(stored_generation(MPI_COMM_WORLD, path) == 3);
}
