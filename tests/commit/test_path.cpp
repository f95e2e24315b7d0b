#include "base/storage_support.hpp"
#include "cairn/error.hpp"
#include "commit/path.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>

using namespace cairn;

namespace {

FileOptions with_prefix(const std::string& prefix) {
  return FileOptions{.permissions = -1, .reserve = false, .prefix = prefix};
}
FileOptions with_permissions(int permissions) {
  return FileOptions{.permissions = permissions, .reserve = false, .prefix = {}};
}

std::optional<ErrorCode> code_of(const Path& path) {
  try {
    commit::resolve_path(path, with_prefix(""));
    return std::nullopt;
  } catch (const Error& error) {
    return error.code();
  }
}

mode_t mode_of(const base::File& file) {
  return base::status(file).st_mode & 07777;
}

}  // namespace

TEST_CASE("a path is below the prefix, and slashes at its end mean nothing") {
  REQUIRE(commit::resolve_path("run/ckpt", with_prefix("")) == "run/ckpt");
  REQUIRE(commit::resolve_path("run/ckpt//", with_prefix("")) == "run/ckpt");
  REQUIRE(commit::resolve_path("run/ckpt/.", with_prefix("")) == "run/ckpt");
  REQUIRE(commit::resolve_path("run/ckpt/./", with_prefix("")) == "run/ckpt");
  REQUIRE(commit::resolve_path("../ckpt", with_prefix("")) == "../ckpt");
  REQUIRE(commit::resolve_path("run/ckpt/", with_prefix("/scratch")) == "/scratch/run/ckpt");
  REQUIRE(commit::resolve_path("/run/ckpt", with_prefix("/scratch")) == "/run/ckpt");
}

TEST_CASE("a path that names no checkpoint is refused") {
  for (const char* path : {"", ".", "..", "/", "//", "./", "a/..", "a/../", ".ckpt", "a/.ckpt", "a/.ckpt/"}) {
    INFO(path);
    REQUIRE(code_of(path) == ErrorCode::invalid_argument);
  }
  REQUIRE(code_of(std::string("a\0b", 3)) == ErrorCode::invalid_argument);
  REQUIRE(code_of(std::string(201, 'n')) == ErrorCode::invalid_argument);
  REQUIRE_FALSE(code_of(std::string(200, 'n')));
  REQUIRE_FALSE(code_of("a.b"));
}

TEST_CASE("the longest name leaves room for the hidden ones") {
  const auto names = commit::split_path(std::string(200, 'n'));
  REQUIRE(names.trash(base::random_id()).size() <= 255);
}

TEST_CASE("leftovers are told from other entries") {
  const test::TemporaryDirectory temporary;
  const auto parent = base::open_directory(temporary.path());
  const auto names = commit::split_path(temporary.path() / "ckpt");
  const base::Digest id{1, 2};
  REQUIRE(names.hidden(id) == ".ckpt.00000000000000020000000000000001");
  REQUIRE(names.trash(id) == names.hidden(id) + ".trash");
  for (const std::string& entry :
       {names.hidden(id), names.trash(id), std::string("ckpt"), std::string(".ckpt"),
        std::string(".ckpt.backup"), names.hidden(id) + ".x", names.hidden(id) + "0",
        names.hidden(id) + "." + base::to_hex(id), ".x" + names.hidden(id)}) {
    base::make_directory(parent, entry, 0700);
  }
  const auto found = commit::find_leftovers(parent, names);
  REQUIRE(found.size() == 2);
  REQUIRE(found[0].entry == names.hidden(id));
  REQUIRE_FALSE(found[0].trash);
  REQUIRE(found[1].entry == names.trash(id));
  REQUIRE(found[1].trash);
  REQUIRE(found[0].id == id);
}

TEST_CASE("permissions are those asked for, else what the umask leaves") {
  const test::TemporaryDirectory temporary;
  const auto parent = base::open_directory(temporary.path());
  const mode_t before = ::umask(027);
  const auto plain = commit::create_file(parent, "plain", with_permissions(-1));
  const auto plain_directory = commit::create_directory(parent, "plain_directory", with_permissions(-1));
  const auto asked = commit::create_file(parent, "asked", with_permissions(0664));
  const auto asked_directory = commit::create_directory(parent, "asked_directory", with_permissions(0664));
  const auto closed_directory = commit::create_directory(parent, "closed_directory", with_permissions(0400));
  ::umask(before);
  REQUIRE(mode_of(plain) == 0640);
  REQUIRE(mode_of(plain_directory) == 0750);
  REQUIRE(mode_of(asked) == 0664);
  REQUIRE(mode_of(asked_directory) == 0775);
  REQUIRE(mode_of(closed_directory) == 0700);
}

TEST_CASE("a directory keeps the set-group bit that it inherits") {
  const test::TemporaryDirectory temporary;
  REQUIRE(::chmod(temporary.path().c_str(), 02700) == 0);
  const auto parent = base::open_directory(temporary.path());
  REQUIRE(mode_of(commit::create_directory(parent, "asked", with_permissions(0640))) == 02750);
}

TEST_CASE("permissions that are no file mode are refused") {
  for (const int permissions : {-2, 01000, 99999}) {
    try {
      commit::file_mode(with_permissions(permissions));
      FAIL();
    } catch (const Error& error) {
      REQUIRE(error.code() == ErrorCode::invalid_argument);
    }
  }
}
