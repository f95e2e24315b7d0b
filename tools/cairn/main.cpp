// The command `cairn`: looks at checkpoints from a shell.

#include "cairn/error.hpp"
#include "commands.hpp"

#include <exception>
#include <filesystem>
#include <iostream>

#include <CLI/CLI.hpp>

namespace {

int run(int argc, char** argv) {
  namespace command = cairn::command;
  CLI::App app("Looks at checkpoints of Cairn.", "cairn");
  app.set_version_flag("--version", CAIRN_COMMAND_VERSION);
  app.require_subcommand(1);
  app.footer("Exit status: 0 sound, 1 damaged, 2 wrong usage or not a checkpoint.");

  std::filesystem::path path;
  bool as_json = false;
  auto* show = app.add_subcommand("show", "what a checkpoint holds: names, types, shapes, sizes, metadata");
  show->add_option("PATH", path, "the checkpoint's directory")->required();
  show->add_flag("--json", as_json, "as JSON");
  auto* verify = app.add_subcommand(
      "verify", "compare every byte with its checksum; also under mpirun, which shares the work");
  verify->add_option("PATH", path, "the checkpoint's directory")->required();
  auto* env =
      app.add_subcommand("env", "versions, and the options in force with their environment variables");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? command::sound : command::unusable;
  }
  if (*show) return command::show(path, as_json);
  if (*verify) return command::verify(argc, argv, path);
  if (*env) return command::env();
  return command::unusable;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const cairn::Error& error) {
    std::cerr << "cairn: " << error.what() << '\n';
    return error.code() == cairn::ErrorCode::corrupt ? cairn::command::damaged : cairn::command::unusable;
  } catch (const std::exception& error) {
    std::cerr << "cairn: " << error.what() << '\n';
    return cairn::command::unusable;
  }
}
