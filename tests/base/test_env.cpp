#include "base/env.hpp"
#include "cairn/context.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <thread>

#include <catch2/catch.hpp>

namespace {

/// A variable of the environment for the length of a test.
class Variable {
 public:
  Variable(const std::string& name, const std::string& value) : name_(name) {
    ::setenv(name_.c_str(), value.c_str(), 1);
  }
  ~Variable() { ::unsetenv(name_.c_str()); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  std::string name_;
};

/// Whether CAIRN_<name>=text is refused.
bool is_bad(const std::string& name, const std::string& text) {
  const Variable variable("CAIRN_" + name, text);
  const auto bad = cairn::base::bad_environment();
  return bad.size() == 1 && bad[0].variable == "CAIRN_" + name && bad[0].value == text &&
         !bad[0].allowed.empty();
}

}  // namespace

TEST_CASE("without variables the defaults hold") {
  const cairn::Options options;
  CHECK(options.io.writer == cairn::Writer::automatic);
  CHECK(options.io.block_bytes == 8u << 20);
  CHECK(options.io.threads == 0);
  CHECK(options.io.fsync);
  CHECK(options.integrity.verify == cairn::Verify::blocks);
  CHECK(options.files.permissions == -1);
  CHECK(options.ranks.timeout_s == 600.0);
  CHECK(cairn::base::bad_environment().empty());
}

TEST_CASE("a variable is the value of an option that code leaves out, and of no other") {
  const Variable threads("CAIRN_IO_THREADS", "7");
  const Variable writer("CAIRN_IO_WRITER", "mpio");
  CHECK(cairn::IoOptions().threads == 7);
  CHECK(cairn::IoOptions().writer == cairn::Writer::mpio);
  cairn::IoOptions io{.threads = 3};
  CHECK(io.threads == 3);
  CHECK(io.writer == cairn::Writer::mpio);
}

TEST_CASE("whole numbers are decimal") {
  CHECK_FALSE(is_bad("IO_THREADS", "010"));
  const Variable threads("CAIRN_IO_THREADS", "010");
  CHECK(cairn::env("IO_THREADS", 1) == 10);
  for (const char* text : {"abc", "4x", "0x4", " 4", "4.0", "99999999999"}) CHECK(is_bad("IO_THREADS", text));
}

TEST_CASE("bytes take suffixes of 1024") {
  const std::pair<const char*, unsigned long long> cases[] = {
      {"4096", 4096}, {"1K", 1024}, {"16m", 16ull << 20}, {"2G", 2ull << 30}, {"3T", 3ull << 40}};
  for (const auto& [text, bytes] : cases) {
    const Variable variable("CAIRN_IO_BLOCK_BYTES", text);
    CHECK(cairn::IoOptions().block_bytes == bytes);
    CHECK(cairn::base::bad_environment().empty());
  }
  for (const char* text : {"K", "-1", "1.5M", "1KB", "99999999999T", "8 M"})
    CHECK(is_bad("IO_BLOCK_BYTES", text));
}

TEST_CASE("bools have eight words") {
  for (const char* text : {"1", "true", "yes", "ON"}) {
    const Variable variable("CAIRN_IO_COLLECTIVE", text);
    CHECK(cairn::IoOptions().collective);
  }
  for (const char* text : {"0", "False", "no", "off"}) {
    const Variable variable("CAIRN_IO_FSYNC", text);
    CHECK_FALSE(cairn::IoOptions().fsync);
  }
  for (const char* text : {"2", "y", "truee"}) CHECK(is_bad("IO_FSYNC", text));
}

TEST_CASE("permissions are octal") {
  const Variable variable("CAIRN_FILES_PERMISSIONS", "0640");
  CHECK(cairn::FileOptions().permissions == 0640);
  CHECK(is_bad("FILES_PERMISSIONS", "0689"));
  CHECK(is_bad("FILES_PERMISSIONS", "rw"));
  CHECK(is_bad("FILES_PERMISSIONS", "77777"));
}

TEST_CASE("numbers, words and text") {
  const Variable timeout("CAIRN_RANKS_TIMEOUT_S", "2.5e1");
  CHECK(cairn::RankOptions().timeout_s == 25.0);
  CHECK(is_bad("RANKS_TIMEOUT_S", "soon"));
  CHECK(is_bad("RANKS_TIMEOUT_S", "inf"));
  const Variable verify("CAIRN_INTEGRITY_VERIFY", "full");
  CHECK(cairn::IntegrityOptions().verify == cairn::Verify::full);
  CHECK(is_bad("INTEGRITY_VERIFY", "some"));
  CHECK(is_bad("IO_WRITER", "hdf5"));
  const Variable prefix("CAIRN_FILES_PREFIX", "/scratch");
  CHECK(cairn::FileOptions().prefix == "/scratch");
}

TEST_CASE("a variable set to nothing counts as not set, but for text") {
  const Variable threads("CAIRN_IO_THREADS", "");
  CHECK(cairn::env("IO_THREADS", 5) == 5);
  CHECK(cairn::base::bad_environment().empty());
  const Variable file("CAIRN_LOG_FILE", "");
  CHECK(cairn::env("LOG_FILE", std::string("x")).empty());
}

TEST_CASE("bad values throw nowhere: the default holds, and all of them are told") {
  const Variable threads("CAIRN_IO_THREADS", "abc");
  const Variable writer("CAIRN_IO_WRITER", "fast");
  CHECK(cairn::Options().io.threads == 0);
  CHECK(cairn::Options().io.writer == cairn::Writer::automatic);
  const auto bad = cairn::base::bad_environment();
  REQUIRE(bad.size() == 2);
  CHECK(to_string(bad[0]) == "CAIRN_IO_THREADS=abc: must be a whole number, such as 4");
  CHECK(bad[1].variable == "CAIRN_IO_WRITER");
}

TEST_CASE("every option is listed with its variable, its type, its value, and where that is from") {
  const Variable block("CAIRN_IO_BLOCK_BYTES", "1M");
  const Variable threads("CAIRN_IO_THREADS", "abc");
  const Variable permissions("CAIRN_FILES_PERMISSIONS", "640");
  std::map<std::string, cairn::base::OptionInfo> options;
  for (const auto& option : cairn::base::list_options()) options[option.option] = option;
  CHECK(options.size() == 24);
  CHECK(options["io.block_bytes"].variable == "CAIRN_IO_BLOCK_BYTES");
  CHECK(options["io.block_bytes"].value == "1048576");
  CHECK(options["io.block_bytes"].from_environment);
  CHECK(options["io.threads"].value == "0");
  CHECK_FALSE(options["io.threads"].from_environment);
  CHECK(options["files.permissions"].value == "0640");
  CHECK(options["io.writer"].type == "automatic|mpio|direct");
  CHECK(options["io.writer"].value == "automatic");
  CHECK(options["ranks.timeout_s"].value == "600");
  CHECK(options["log.lines"].value == "false");
}

TEST_CASE("every option is set and told by its name and text, and by no other") {
  cairn::Options options;
  for (const auto& each : cairn::base::list_options()) {
    cairn::base::set_option(options, each.option, each.value);
    CHECK(cairn::base::get_option(options, each.option) == each.value);
  }
  cairn::base::set_option(options, "io.block_bytes", "2M");
  cairn::base::set_option(options, "io.writer", "mpio");
  cairn::base::set_option(options, "files.permissions", "0600");
  CHECK(options.io.block_bytes == 2u << 20);
  CHECK(options.io.writer == cairn::Writer::mpio);
  CHECK(options.files.permissions == 0600);
  CHECK_THROWS_WITH(cairn::base::set_option(options, "io.threads", "many"),
                    Catch::Contains("io.threads=many: must be a whole number"));
  CHECK_THROWS_WITH(cairn::base::set_option(options, "io.thread", "1"), Catch::Contains("cairn env"));
  CHECK(options.io.threads == 0);
}

TEST_CASE("variables of no option are told apart") {
  const Variable misspelt("CAIRN_IO_THREAD", "4");
  const Variable right("CAIRN_IO_THREADS", "4");
  const auto unknown = cairn::base::unknown_variables();
  CHECK(std::count(unknown.begin(), unknown.end(), "CAIRN_IO_THREAD") == 1);
  CHECK(std::count(unknown.begin(), unknown.end(), "CAIRN_IO_THREADS") == 0);
}

TEST_CASE("a scope gives its options to contexts made from a communicator alone, in this thread") {
  CHECK(cairn::Context(MPI_COMM_SELF).io.threads == 0);
  {
    cairn::Options options;
    options.io.threads = 4;
    const cairn::ContextScope outer(options);
    CHECK(cairn::Context(MPI_COMM_SELF).io.threads == 4);
    {
      options.io.threads = 6;
      const cairn::ContextScope inner(options);
      CHECK(cairn::Context(MPI_COMM_SELF).io.threads == 6);
      CHECK(cairn::Context(MPI_COMM_SELF, cairn::Options()).io.threads == 0);
      int elsewhere = -1;
      std::thread([&] { elsewhere = cairn::Context(MPI_COMM_SELF).io.threads; }).join();
      CHECK(elsewhere == 0);
    }
    CHECK(cairn::Context(MPI_COMM_SELF).io.threads == 4);
  }
  CHECK(cairn::Context(MPI_COMM_SELF).io.threads == 0);
}

namespace {
struct CommunicatorClass {
  operator MPI_Comm() const { return MPI_COMM_SELF; }
};
}  // namespace

TEST_CASE("a context is made of an MPI_Comm or of a class that converts to one") {
  const cairn::Context context = CommunicatorClass();
  CHECK(context.comm() == MPI_COMM_SELF);
}
