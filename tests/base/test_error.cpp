#include "cairn/error.hpp"

#include <cerrno>
#include <set>

#include <catch2/catch.hpp>

using cairn::Error;
using cairn::ErrorCode;

TEST_CASE("an error's text begins with its code and holds the message") {
  const Error error(ErrorCode::invalid_argument, "leaf `w` has no data");
  CHECK(std::string(error.what()) == "invalid_argument: leaf `w` has no data");
  CHECK(error.code() == ErrorCode::invalid_argument);
  CHECK(error.system_error() == 0);
  CHECK(error.rank() == -1);
  CHECK(error.path().empty());
}

TEST_CASE("an error's text names the system's error, the path and the rank") {
  const Error error(ErrorCode::no_space, "cannot write", ENOSPC, 3, "run/ckpt");
  CHECK(std::string(error.what()) == "no_space: cannot write: No space left on device [run/ckpt] (rank 3)");
  CHECK(error.system_error() == ENOSPC);
  CHECK(error.rank() == 3);
  CHECK(error.path() == "run/ckpt");
}

TEST_CASE("an error built again from another's text reads the same") {
  const Error first(ErrorCode::io, "cannot read", EIO, -1, "run/ckpt/state.h5");
  const auto message = [](const Error& error) {
    return std::string(error.what()).substr(std::string(to_string(error.code())).size() + 2);
  };
  const Error ranked(first.code(), message(first), first.system_error(), 12, first.path());
  CHECK(std::string(ranked.what()) == "io: cannot read: Input/output error [run/ckpt/state.h5] (rank 12)");
  const Error again(ranked.code(), message(ranked), ranked.system_error(), ranked.rank(), ranked.path());
  CHECK(std::string(again.what()) == ranked.what());
}

TEST_CASE("a rank is named though a longer number in the text begins with it") {
  const Error error(ErrorCode::mismatch, "rank 12 differs", 0, 1);
  CHECK(std::string(error.what()) == "mismatch: rank 12 differs (rank 1)");
}

TEST_CASE("errors copy without throwing, and are assigned") {
  STATIC_REQUIRE(std::is_nothrow_copy_constructible_v<Error>);
  Error a(ErrorCode::io, "a", EIO);
  const Error b(ErrorCode::locked, "b", 0, 5);
  a = b;
  CHECK(a.code() == ErrorCode::locked);
  CHECK(a.rank() == 5);
  CHECK(std::string(a.what()) == b.what());
}

TEST_CASE("codes keep the numbers of the C interface, and have names") {
  CHECK(static_cast<int>(ErrorCode::invalid_argument) == 1);
  CHECK(static_cast<int>(ErrorCode::internal) == 16);
  std::set<std::string> names;
  for (int code = 1; code <= 16; ++code) names.insert(to_string(static_cast<ErrorCode>(code)));
  CHECK(names.size() == 16);
  CHECK(names.count("unknown") == 0);
  CHECK(std::string(to_string(static_cast<ErrorCode>(17))) == "unknown");
}
