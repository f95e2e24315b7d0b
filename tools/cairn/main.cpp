// The command `cairn`: looks at checkpoints from a shell, and looks after them.

#include "cairn/error.hpp"
#include "command_line.hpp"
#include "commands.hpp"
#include "nearby.hpp"

#include <exception>
#include <iostream>
#include <string>

namespace {

using namespace cairn::command;

int run(const CommandLine& given, int argc, char** argv) {
  const auto& name = given.command;
  if (name == "show") return show(given.path, given.as_json);
  if (name == "ls") return list(given.path, given.as_json);
  if (name == "verify") return verify(argc, argv, given.verify);
  if (name == "diff") return diff(given.diff);
  if (name == "cat") return cat(given.cat);
  if (name == "pin" || name == "unpin") return pin(given.path, name == "pin", given.as_json);
  if (name == "rm") return remove(given.remove);
  if (name == "gc") return gc(given.gc);
  return env(given.as_json);
}

int fail(const CommandLine& given, const std::string& what, bool damage) {
  std::cerr << "cairn " << given.command << ": " << what << '\n';
  // 1 of `diff` says that two checkpoints could be compared.
  return damage && given.command != "diff" ? damaged : unusable;
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine given;
  if (const auto status = parse(argc, argv, given)) return *status;
  try {
    const int status = run(given, argc, argv);
    if (std::cout.flush()) return status;
    return fail(given, "the output cannot be written", false);
  } catch (const cairn::Error& error) {
    const bool takes_root = given.command == "ls" || given.command == "gc";
    return fail(given, text_with_neighbours(error, takes_root), error.code() == cairn::ErrorCode::corrupt);
  } catch (const std::exception& error) {
    return fail(given, error.what(), false);
  }
}
