#pragma once

#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>

#include <mpi.h>

/// `--name value` pairs of a command line, for the examples. What is not understood ends the program with a
/// message.
class Arguments {
 public:
  Arguments(int argc, char** argv, std::string usage) : argc_(argc), argv_(argv), usage_(std::move(usage)) {
    for (int at = 1; at < argc_; at += 2)
      if (std::string_view(argv_[at]) == "--help") fail(EXIT_SUCCESS, "");
    if (argc_ % 2 == 0) fail(EXIT_FAILURE, std::string("a value is missing after ") + argv_[argc_ - 1]);
  }

  /// The value of `--name`, or the fallback.
  long number(std::string_view name, long fallback) {
    const char* text = find(name);
    if (text == nullptr) return fallback;
    char* end = nullptr;
    const long value = std::strtol(text, &end, 10);
    if (end == text || *end != '\0')
      fail(EXIT_FAILURE, std::string(name) + " wants a whole number, not " + text);
    return value;
  }
  std::string text(std::string_view name, std::string fallback) {
    const char* text = find(name);
    return text != nullptr ? text : std::move(fallback);
  }
  /// After the last question: anything that nobody asked for is a mistake.
  void finish() const {
    if (2 * found_ != argc_ - 1) fail(EXIT_FAILURE, "an option is unknown or given twice");
  }

 private:
  const char* find(std::string_view name) {
    for (int at = 1; at + 1 < argc_; at += 2)
      if (argv_[at] == name) return ++found_, argv_[at + 1];
    return nullptr;
  }
  [[noreturn]] void fail(int status, const std::string& message) const {
    auto& out = status == EXIT_SUCCESS ? std::cout : std::cerr;
    if (!message.empty()) out << argv_[0] << ": " << message << '\n';
    out << usage_;
    std::exit(status);
  }

  int argc_;
  char** argv_;
  std::string usage_;
  int found_ = 0;
};

/// Runs `run`, which returns an exit status, between MPI_Init and MPI_Finalize. Its errors are the same on
/// every rank: the first rank prints them.
template <class Run>
int run_under_mpi(int& argc, char**& argv, const char* name, Run run) {
  MPI_Init(&argc, &argv);
  int status = EXIT_FAILURE;
  try {
    status = run();
  } catch (const std::exception& error) {
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (rank == 0) std::cerr << name << ": " << error.what() << '\n';
  }
  MPI_Finalize();
  return status;
}
