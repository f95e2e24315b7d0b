#pragma once

#include "commands.hpp"

#include <optional>
#include <string>

namespace cairn::command {

/// What was asked for: the command, and its request.
struct CommandLine {
  std::string command = {};
  Path path = {};  // of commands that have no request of their own
  bool as_json = false;
  VerifyRequest verify = {};
  DiffRequest diff = {};
  GcRequest gc = {};
  RemoveRequest remove = {};
  CatRequest cat = {};
};

/// Fills it in. nullopt: all is well; else the exit status, after help, the version, or what is wrong was
/// printed.
std::optional<int> parse(int argc, char** argv, CommandLine& given);

}  // namespace cairn::command
