#include "folder.hpp"
#include "generation.hpp"

#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <unistd.h>

using namespace mpi_test;

namespace {

std::string bytes_of(const cairn::Path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Rank 0 does something to the files; the others wait.
void on_rank_0(const std::function<void()>& change) {
  MPI_Barrier(MPI_COMM_WORLD);
  if (cairn::testing::rank() == 0) change();
  MPI_Barrier(MPI_COMM_WORLD);
}

void flip(const cairn::Path& path, std::uint64_t offset) {
  const int file = open(path.c_str(), O_RDWR);
  unsigned char byte = 0;
  if (pread(file, &byte, 1, static_cast<off_t>(offset)) != 1) std::abort();
  byte = static_cast<unsigned char>(byte ^ 0x40);
  if (pwrite(file, &byte, 1, static_cast<off_t>(offset)) != 1) std::abort();
  close(file);
}

/// What a full verify finds; an error that it throws counts as found.
std::vector<cairn::Error> findings(const cairn::Path& path) {
  try {
    return cairn::verify(MPI_COMM_WORLD, path);
  } catch (const cairn::Error& error) {
    return {error};
  }
}

bool loads(const cairn::Path& path) {
  Generation state(MPI_COMM_WORLD);
  return common_outcome(MPI_COMM_WORLD, [&] { cairn::load(MPI_COMM_WORLD, path, state.tree); }) == nullptr &&
         state.whole();
}

}  // namespace

TEST_CASE(
    "a changed byte anywhere in any file is found by a full verify, and no wrong value is ever loaded") {
  SharedFolder folder(MPI_COMM_WORLD);
  const cairn::Path path = folder.path() / "checkpoint";
  Generation state(MPI_COMM_WORLD);
  state.fill(5);
  cairn::save(MPI_COMM_WORLD, path, state.tree);
  REQUIRE(cairn::verify(MPI_COMM_WORLD, path).empty());
  std::mt19937_64 random(4);
  for (const char* name : {"checkpoint.json", "commit", "state.h5"}) {
    const cairn::Path file = path / name;
    const std::uint64_t size = std::filesystem::file_size(file);
    REQUIRE(size > 0);
    const std::uint64_t tries = std::min<std::uint64_t>(size, std::string(name) == "state.h5" ? 150 : 60);
    for (std::uint64_t i = 0; i < tries; ++i) {
      // The first bytes of each file one by one, the rest drawn.
      const std::uint64_t offset = i < tries / 3 ? i : random() % size;
      on_rank_0([&] { flip(file, offset); });
      INFO(name << " byte " << offset);
      const auto found = findings(path);
      CHECK(!found.empty());
      if (i % 5 == 0) {
        Generation loaded(MPI_COMM_WORLD);
        const auto error =
            common_outcome(MPI_COMM_WORLD, [&] { cairn::load(MPI_COMM_WORLD, path, loaded.tree); });
        if (!error) CHECK((loaded.whole() && loaded.number == 5));
      }
      on_rank_0([&] { flip(file, offset); });
    }
  }
  CHECK(cairn::verify(MPI_COMM_WORLD, path).empty());
}

TEST_CASE("a changed byte of an array is named: array, box and writing rank, by load and by verify") {
  SharedFolder folder(MPI_COMM_WORLD);
  const cairn::Path path = folder.path() / "checkpoint";
  const int rank = cairn::testing::rank(), size = cairn::testing::size();
  std::vector<std::uint64_t> rows(6000, 0x1122334455667788u + static_cast<std::uint64_t>(rank));
  cairn::Tree tree;
  tree["group/rows"] =
      cairn::sharded(rows, {.shape = {6000 * size}, .start = {6000 * rank}, .count = {6000}});
  cairn::save(MPI_COMM_WORLD, path, tree);
  const int writer = size - 1;
  std::uint64_t offset = 0;
  if (rank == 0) {
    const std::uint64_t value = 0x1122334455667788u + static_cast<std::uint64_t>(writer);
    const auto bytes = bytes_of(path / "state.h5");
    offset = bytes.find(std::string(reinterpret_cast<const char*>(&value), 8) +
                        std::string(reinterpret_cast<const char*>(&value), 8));
    REQUIRE(offset != std::string::npos);
  }
  on_rank_0([&] { flip(path / "state.h5", offset + 8 * 100); });
  const auto expect_named = [&](const cairn::Error& error) {
    const std::string text = error.what();
    INFO(text);
    CHECK(error.code() == cairn::ErrorCode::corrupt);
    CHECK(text.find("group/rows") != std::string::npos);
    CHECK(text.find("[" + std::to_string(6000 * writer) + ":" + std::to_string(6000 * size) + "]") !=
          std::string::npos);
    CHECK(text.find("rank " + std::to_string(writer)) != std::string::npos);
  };
  const auto error = common_outcome(MPI_COMM_WORLD, [&] { cairn::load(MPI_COMM_WORLD, path, tree); });
  REQUIRE(error);
  expect_named(*error);
  const auto found = cairn::verify(MPI_COMM_WORLD, path);
  REQUIRE(found.size() == 1);
  expect_named(found[0]);
}

TEST_CASE("truncated, swapped and foreign files are refused, and never crash") {
  SharedFolder folder(MPI_COMM_WORLD);
  const cairn::Path path = folder.path() / "checkpoint", other = folder.path() / "other",
                    copy = folder.path() / "copy";
  Generation state(MPI_COMM_WORLD);
  state.fill(5);
  cairn::save(MPI_COMM_WORLD, path, state.tree);
  state.fill(6);
  cairn::save(MPI_COMM_WORLD, other, state.tree);
  on_rank_0([&] { std::filesystem::copy(path, copy, std::filesystem::copy_options::recursive); });
  const auto refused = [&](const char* what, const std::function<void()>& change) {
    on_rank_0(change);
    INFO(what);
    Generation loaded(MPI_COMM_WORLD);
    const auto error =
        common_outcome(MPI_COMM_WORLD, [&] { cairn::load(MPI_COMM_WORLD, path, loaded.tree); });
    REQUIRE(error);
    INFO(error->what());
    CHECK(
        (error->code() == cairn::ErrorCode::corrupt || error->code() == cairn::ErrorCode::not_a_checkpoint));
    CHECK(!findings(path).empty());
    on_rank_0([&] {
      std::filesystem::remove_all(path);
      std::filesystem::copy(copy, path, std::filesystem::copy_options::recursive);
    });
    CHECK(loads(path));
  };
  const auto write = [&](const char* name, const std::string& text) {
    std::filesystem::remove_all(path / name);
    std::ofstream(path / name, std::ios::binary) << text;
  };
  for (const char* name : {"state.h5", "checkpoint.json", "commit"}) {
    const auto size = std::filesystem::file_size(copy / name);
    refused("one byte short", [&] { std::filesystem::resize_file(path / name, size - 1); });
    refused("half", [&] { std::filesystem::resize_file(path / name, size / 2); });
    refused("empty", [&] { std::filesystem::resize_file(path / name, 0); });
    refused("longer", [&] { std::filesystem::resize_file(path / name, size + 1); });
    refused("gone", [&] { std::filesystem::remove(path / name); });
    refused("of another checkpoint", [&] {
      std::filesystem::copy_file(other / name, path / name,
                                 std::filesystem::copy_options::overwrite_existing);
    });
    refused("text", [&] { write(name, "not what it was\n"); });
    refused("zeros", [&] { write(name, std::string(size, '\0')); });
    refused("a folder", [&] {
      std::filesystem::remove(path / name);
      std::filesystem::create_directory(path / name);
    });
  }
  refused("json of something else",
          [&] { write("checkpoint.json", R"({"version": 1, "data": [1, 2, 3]})"); });
  refused("deep json", [&] { write("checkpoint.json", std::string(100000, '[')); });

  const auto missing = common_outcome(
      MPI_COMM_WORLD, [&] { cairn::load(MPI_COMM_WORLD, folder.path() / "none", state.tree); });
  REQUIRE(missing);
  CHECK(missing->code() == cairn::ErrorCode::not_found);
  CHECK(!cairn::is_checkpoint(MPI_COMM_WORLD, folder.path() / "none"));
  CHECK(!cairn::is_checkpoint(MPI_COMM_WORLD, folder.path()));
}
