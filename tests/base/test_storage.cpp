#include "base/storage_support.hpp"
#include "cairn/error.hpp"

#include <cerrno>
#include <fstream>
#include <map>
#include <optional>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <unistd.h>

using namespace cairn;
using base::Op;
using test::Call;
using test::ScopedHook;
using test::TemporaryDirectory;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

template <class Step>
std::optional<Error> error_of(Step step) {
  try {
    step();
    return std::nullopt;
  } catch (const Error& error) {
    return error;
  }
}

template <class Step>
void require_error(Step step, ErrorCode code, int system_error) {
  const auto error = error_of(step);
  REQUIRE(error);
  INFO(error->what());
  REQUIRE(error->code() == code);
  REQUIRE(error->system_error() == system_error);
}

}  // namespace

TEST_CASE("bytes are written and read back at offsets") {
  const TemporaryDirectory temporary;
  const auto at = base::open_directory(temporary.path());
  auto file = base::open_file(&at, "data", O_RDWR | O_CREAT, 0600);
  REQUIRE(file.name() == temporary.path() / "data");
  base::write_at(file, bytes_of("world"), 6);
  base::write_at(file, bytes_of("hello "), 0);
  std::string text(11, '?');
  base::read_at(file, std::as_writable_bytes(std::span(text)), 0);
  REQUIRE(text == "hello world");
  REQUIRE(base::status(file).st_size == 11);
  base::truncate(file, 5);
  REQUIRE(base::read_whole(at, "data", 5) == "hello");
  file.close();
  REQUIRE_FALSE(file);
  file.close();
}

TEST_CASE("a read past the end is a truncated file, not a short read") {
  const TemporaryDirectory temporary;
  const auto at = base::open_directory(temporary.path());
  base::write_whole(at, "data", "abc", 0600, true);
  const auto file = base::open_file(&at, "data", O_RDONLY);
  std::string text(4, '?');
  const auto error = error_of([&] { base::read_at(file, std::as_writable_bytes(std::span(text)), 0); });
  REQUIRE(error);
  REQUIRE(error->code() == ErrorCode::corrupt);
  REQUIRE(std::string(error->what()).find("truncated") != std::string::npos);
  REQUIRE(error->path() == temporary.path() / "data");
}

TEST_CASE("a transfer is cut into system calls of at most 1 GiB") {
  const TemporaryDirectory temporary;
  const auto at = base::open_directory(temporary.path());
  const auto file = base::open_file(&at, "data", O_RDWR | O_CREAT, 0600);
  std::uint64_t asked = 0;
  ScopedHook hook([&](const Call& call) {
    if (call.op == Op::write) asked = call.bytes;
    return call.op == Op::write ? EIO : 0;
  });
  // Only the size is looked at: the hook refuses the write.
  const std::byte nothing{};
  const std::span<const std::byte> large(&nothing, (std::size_t{1} << 30) + 1);
  require_error([&] { base::write_at(file, large, 0); }, ErrorCode::io, EIO);
  REQUIRE(asked == std::uint64_t{1} << 30);
}

TEST_CASE("files and directories that are not there") {
  const TemporaryDirectory temporary;
  const auto at = base::open_directory(temporary.path());
  base::write_whole(at, "file", "x", 0600, false);
  require_error([&] { base::open_file(&at, "none", O_RDONLY); }, ErrorCode::not_found, ENOENT);
  require_error([&] { base::open_directory(temporary.path() / "none"); }, ErrorCode::not_found, ENOENT);
  REQUIRE_FALSE(base::try_open_file(&at, "none", O_RDONLY));
  REQUIRE_FALSE(base::try_open_directory(temporary.path() / "none"));
  REQUIRE_FALSE(base::try_open_directory(temporary.path() / "file"));
  REQUIRE_FALSE(base::status_of(at, "none"));
  REQUIRE(base::status_of(at, "file"));
  require_error([&] { base::remove_file(at, "none"); }, ErrorCode::not_found, ENOENT);
  REQUIRE_NOTHROW(base::remove_tree(at, "none"));
  REQUIRE(base::read_pseudo_file(temporary.path() / "none").empty());
}

TEST_CASE("a whole small file is created once, and read within its bound") {
  const TemporaryDirectory temporary;
  const auto at = base::open_directory(temporary.path());
  base::write_whole(at, "data", "12345", 0600, true);
  require_error([&] { base::write_whole(at, "data", "x", 0600, true); }, ErrorCode::already_exists, EEXIST);
  REQUIRE(base::read_whole(at, "data", 5) == "12345");
  require_error([&] { base::read_whole(at, "data", 4); }, ErrorCode::corrupt, 0);
  REQUIRE(::mkfifo((temporary.path() / "pipe").c_str(), 0600) == 0);
  require_error([&] { base::read_whole(at, "pipe", 4); }, ErrorCode::corrupt, 0);
}

TEST_CASE("a tree is removed with all that is in it, and symbolic links are not followed") {
  const TemporaryDirectory temporary;
  const auto at = base::open_directory(temporary.path());
  std::filesystem::create_directories(temporary.path() / "tree/a/b");
  std::filesystem::create_directories(temporary.path() / "outside");
  std::ofstream(temporary.path() / "tree/a/b/file") << "x";
  std::ofstream(temporary.path() / "outside/file") << "x";
  std::filesystem::create_directory_symlink(temporary.path() / "outside", temporary.path() / "tree/a/link");
  REQUIRE_FALSE(base::remove_empty_directory(at, "tree"));
  base::remove_tree(at, "tree");
  REQUIRE(base::list(at) == std::vector<std::string>{"outside"});
  REQUIRE(std::filesystem::exists(temporary.path() / "outside/file"));
}

TEST_CASE("names are listed in order, twice the same") {
  const TemporaryDirectory temporary;
  const auto at = base::open_directory(temporary.path());
  for (const char* name : {"b", "a", ".hidden", "c"}) base::write_whole(at, name, "", 0600, false);
  const std::vector<std::string> names{".hidden", "a", "b", "c"};
  REQUIRE(base::list(at) == names);
  REQUIRE(base::list(at) == names);
}

TEST_CASE("renames tell what was there, with and without the file system's help") {
  const TemporaryDirectory temporary;
  const auto at = base::open_directory(temporary.path());
  const bool refuse_flags = GENERATE(false, true);
  ScopedHook hook([&](const Call& call) {
    return call.op == Op::rename && call.offset != 0 && refuse_flags ? EINVAL : 0;
  });
  base::write_whole(at, "a", "a", 0600, false);
  base::write_whole(at, "b", "b", 0600, false);
  REQUIRE(base::rename_new(at, "a", "b") == base::RenameResult::exists);
  REQUIRE(base::rename_new(at, "none", "c") == base::RenameResult::missing);
  REQUIRE(base::rename_new(at, "a", "c") == base::RenameResult::done);
  REQUIRE(base::rename_over(at, "none", "b") == base::RenameResult::missing);
  REQUIRE(base::exchange(at, "b", "c") == !refuse_flags);
  REQUIRE(base::read_whole(at, "c", 9) == (refuse_flags ? "a" : "b"));
  REQUIRE(base::rename_over(at, "b", "c") == base::RenameResult::done);
  REQUIRE(base::list(at) == std::vector<std::string>{"c"});

  base::make_directory(at, "full", 0700);
  base::write_whole(at, "full/file", "", 0600, false);
  base::make_directory(at, "other", 0700);
  REQUIRE(base::rename_over(at, "other", "full") == base::RenameResult::exists);
  REQUIRE(base::rename_new(at, "other", "full") == base::RenameResult::exists);
}

TEST_CASE("a lock is held against other descriptors, of this process too") {
  const TemporaryDirectory temporary;
  const auto at = base::open_directory(temporary.path());
  auto first = base::open_file(&at, "lock", O_RDWR | O_CREAT, 0600);
  const auto second = base::open_file(&at, "lock", O_RDWR);
  REQUIRE(base::try_lock(first));
  REQUIRE_FALSE(base::try_lock(second));
  first.close();
  REQUIRE(base::try_lock(second));
}

TEST_CASE("modes are set") {
  const TemporaryDirectory temporary;
  const auto at = base::open_directory(temporary.path());
  const auto file = base::open_file(&at, "file", O_RDWR | O_CREAT, 0600);
  base::change_mode(file, 0640);
  REQUIRE((base::status(file).st_mode & 0777) == 0640);
  REQUIRE_FALSE(base::is_network_file_system(at));
}

TEST_CASE("space is reserved, or said not to be") {
  const TemporaryDirectory temporary;
  const auto at = base::open_directory(temporary.path());
  const auto file = base::open_file(&at, "file", O_RDWR | O_CREAT, 0600);
  int answer = EOPNOTSUPP;
  ScopedHook hook([&](const Call& call) { return call.op == Op::allocate ? answer : 0; });
  REQUIRE_FALSE(base::allocate(file, 0, 4096));
  answer = ENOSPC;
  require_error([&] { base::allocate(file, 0, 4096); }, ErrorCode::no_space, ENOSPC);
  answer = 0;
  if (base::allocate(file, 4096, 4096)) REQUIRE(base::status(file).st_size == 8192);
  REQUIRE(base::allocate(file, 0, 0));
}

TEST_CASE("EINTR of a hook is a fault like any other: only the system's own is tried again") {
  const TemporaryDirectory temporary;
  ScopedHook hook([](const Call& call) { return call.op == Op::open ? EINTR : 0; });
  require_error([&] { base::open_directory(temporary.path()); }, ErrorCode::io, EINTR);
}

TEST_CASE("what an errno means") {
  REQUIRE(base::code_of(ENOSPC) == ErrorCode::no_space);
  REQUIRE(base::code_of(EDQUOT) == ErrorCode::no_space);
  REQUIRE(base::code_of(ENOENT) == ErrorCode::not_found);
  REQUIRE(base::code_of(EEXIST) == ErrorCode::already_exists);
  REQUIRE(base::code_of(ENAMETOOLONG) == ErrorCode::invalid_argument);
  REQUIRE(base::code_of(EIO) == ErrorCode::io);
  REQUIRE(base::code_of(EACCES) == ErrorCode::io);
  REQUIRE(std::string(base::to_string(Op::open)) == "open");
  REQUIRE(std::string(base::to_string(Op::chmod)) == "chmod");
}

TEST_CASE("every call can be failed, and its error has errno, code and path") {
  const TemporaryDirectory temporary;
  const auto at = base::open_directory(temporary.path());
  base::write_whole(at, "file", "x", 0600, false);
  auto file = base::open_file(&at, "file", O_RDWR);
  const std::map<Op, std::function<void()>> calls = {
      {Op::open, [&] { base::open_file(&at, "file", O_RDONLY); }},
      {Op::read,
       [&] {
         std::byte b;
         base::read_at(file, {&b, 1}, 0);
       }},
      {Op::write, [&] { base::write_at(file, bytes_of("y"), 0); }},
      {Op::fsync, [&] { base::sync(file); }},
      {Op::truncate, [&] { base::truncate(file, 1); }},
      {Op::allocate, [&] { base::allocate(file, 0, 1); }},
      {Op::stat, [&] { base::status(file); }},
      {Op::make_dir, [&] { base::make_directory(at, "file", 0700); }},
      {Op::remove, [&] { base::remove_file(at, "file"); }},
      {Op::rename, [&] { base::rename_over(at, "file", "b"); }},
      {Op::list, [&] { base::list(at); }},
      {Op::lock, [&] { base::try_lock(file); }},
      {Op::chmod, [&] { base::change_mode(file, 0600); }},
      {Op::close, [&] { file.close(); }},
  };
  for (const auto& [op, call] : calls) {
    if (op == Op::close) continue;  // last: it closes all the same
    ScopedHook hook([op = op](const Call& asked) { return asked.op == op ? ENOSPC : 0; });
    const auto error = error_of(call);
    INFO(base::to_string(op));
    REQUIRE(error);
    REQUIRE(error->code() == ErrorCode::no_space);
    REQUIRE(error->system_error() == ENOSPC);
    REQUIRE(error->path() == (op == Op::list ? temporary.path() : temporary.path() / "file"));
  }
  ScopedHook hook(
      [](const Call& asked) { return asked.op == Op::close || asked.op == Op::write_back ? EIO : 0; });
  base::start_write_back(file, 0, 1);
  require_error(calls.at(Op::close), ErrorCode::io, EIO);
  REQUIRE_FALSE(file);
}

TEST_CASE("a moved file is closed once") {
  const TemporaryDirectory temporary;
  const auto at = base::open_directory(temporary.path());
  base::write_whole(at, "file", "x", 0600, false);
  int closed = 0;
  ScopedHook hook([&](const Call& call) {
    closed += call.op == Op::close ? 1 : 0;
    return 0;
  });
  {
    auto first = base::open_file(&at, "file", O_RDONLY);
    const int descriptor = first.descriptor();
    base::File second(std::move(first));
    REQUIRE_FALSE(first);
    REQUIRE(second.descriptor() == descriptor);
    base::File third;
    third = std::move(second);
    REQUIRE(third.descriptor() == descriptor);
  }
  REQUIRE(closed == 1);
}
