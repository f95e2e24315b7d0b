#include "command_line.hpp"

#include "names.hpp"

#include <algorithm>
#include <iostream>
#include <vector>

#include <CLI/CLI.hpp>

namespace cairn::command {
namespace {

CLI::Option* add_json(CLI::App& app, bool& as_json) {
  return app.add_flag("--json", as_json, "as JSON");
}

void add_path(CLI::App& app, Path& path, const char* what = "the checkpoint's directory") {
  app.add_option("PATH", path, what)->required();
}

void add_show_and_ls(CLI::App& app, CommandLine& given) {
  auto& ls =
      *app.add_subcommand("ls", "the checkpoints in a directory: steps, sizes, states, what dead jobs left");
  ls.add_option("ROOT", given.path, "a Checkpointer's root, or any directory of checkpoints")->required();
  add_json(ls, given.as_json);
  auto& show = *app.add_subcommand("show", "what a checkpoint holds: names, types, shapes, sizes, metadata");
  add_path(show, given.path);
  add_json(show, given.as_json);
}

void add_cat(CLI::App& app, CatRequest& cat) {
  auto& command = *app.add_subcommand("cat", "the values of a leaf, or a file that is no tree");
  add_path(command, cat.path);
  command.add_option("LEAF", cat.leaf, "its name, such as fluid/T; not needed where there is only one");
  command.add_option("--checkpointable", cat.checkpointable, "where it is, if several have one of that name");
  command.add_option("--slice", cat.slice, "a part of an array, as in Python: \"0:10, 3, ::2\"");
  auto* format = command
                     .add_option_function<std::string>(
                         "--format", [&cat](const std::string& name) { cat.raw = name == "raw"; },
                         "text (a value a line, or a row a line), or raw: the stored bytes")
                     ->check(CLI::IsMember({"text", "raw"}));
  add_json(command, cat.as_json)->excludes(format);
}

void add_verify(CLI::App& app, VerifyRequest& verify) {
  auto& command = *app.add_subcommand(
      "verify", "compare every byte with its checksum; also under mpirun, which shares the work");
  add_path(command, verify.path);
  add_json(command, verify.as_json);
  command.add_flag("--progress", verify.progress,
                   "tell how far it is, on stderr, also where that is no terminal");
}

void add_diff(CLI::App& app, DiffRequest& diff) {
  auto& command =
      *app.add_subcommand("diff", "how two checkpoints differ: 0 they do not, 1 they do, 2 trouble");
  command.add_option("A", diff.a, "a checkpoint's directory")->required();
  command.add_option("B", diff.b, "another's")->required();
  command.add_option("--checkpointable", diff.checkpointable, "compare this one alone");
  command.add_option("--atol", diff.atol, "|a-b| <= ATOL + RTOL*|b| counts as the same")
      ->check(CLI::NonNegativeNumber);
  command.add_option("--rtol", diff.rtol, "see --atol")->check(CLI::NonNegativeNumber);
  command.add_flag("--structure", diff.structure, "names, kinds, dtypes and shapes alone");
  add_json(command, diff.as_json);
}

void add_management(CLI::App& app, CommandLine& given) {
  auto& pin = *app.add_subcommand("pin", "keep a checkpoint, whatever a Checkpointer's policy says");
  auto& unpin = *app.add_subcommand("unpin", "let it go again");
  for (auto* command : {&pin, &unpin}) {
    add_path(*command, given.path);
    add_json(*command, given.as_json);
  }
  auto& rm = *app.add_subcommand("rm", "remove a checkpoint");
  add_path(rm, given.remove.path);
  rm.add_flag("--yes", given.remove.yes, "do not ask");
  rm.add_flag("--force", given.remove.force, "also a pinned one");
  add_json(rm, given.remove.as_json);
  auto& gc = *app.add_subcommand("gc", "complete and remove what dead jobs left; says what it would do");
  gc.add_option("ROOT", given.gc.directory, "a Checkpointer's root, or any directory of checkpoints")
      ->required();
  gc.add_flag("--yes", given.gc.yes, "do it");
  gc.add_flag("--damaged", given.gc.damaged, "also remove damaged steps that were set aside, NAME.damaged");
  add_json(gc, given.gc.as_json);
}

/// The line of the help that begins with "Usage:".
std::string usage_of(const CLI::App& app) {
  const std::string help = app.help(app.get_parent() == nullptr ? "" : "cairn");
  const auto begin = help.find("Usage:");
  return begin == help.npos ? std::string() : help.substr(begin, help.find('\n', begin) - begin);
}

/// Names of commands or of options, for suggestions.
std::vector<std::string> names_of(const CLI::App& app, bool options) {
  std::vector<std::string> names;
  if (!options)
    for (const auto* each : app.get_subcommands({})) names.push_back(each->get_name());
  else
    for (const auto* each : app.get_options())
      for (const auto& name : each->get_lnames()) names.push_back("--" + name);
  return names;
}

std::string suggest(const std::string& given, const std::vector<std::string>& names) {
  return suggestion(given, std::vector<std::string_view>(names.begin(), names.end()));
}

std::string unknown(const std::string& what, const std::string& given,
                    const std::vector<std::string>& names) {
  return "there is no " + what + " `" + given + '`' + suggest(given, names);
}

/// What is wrong, in our words where it is a name that is unknown.
std::string describe(const CLI::App& app, const CLI::App* command, int argc, char** argv,
                     const CLI::Error& error) {
  if (command == nullptr) {
    if (argc < 2) return "say which command" + suggest("", names_of(app, false));
    const std::string first = argv[1];
    return first.front() == '-' ? unknown("option", first, names_of(app, true))
                                : unknown("command", first, names_of(app, false));
  }
  const bool extra = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError);
  // What is missing may be what follows a misspelt option.
  if (!extra && error.get_exit_code() != static_cast<int>(CLI::ExitCodes::RequiredError)) return error.what();
  const auto names = names_of(*command, true);
  for (int i = 2; i < argc; ++i) {
    const std::string given = std::string(argv[i]).substr(0, std::string(argv[i]).find('='));
    if (given.size() > 1 && given.starts_with(extra ? "-" : "--") &&
        std::find(names.begin(), names.end(), given) == names.end())
      return unknown("option", given, names);
  }
  return error.what();
}

}  // namespace

std::optional<int> parse(int argc, char** argv, CommandLine& given) {
  CLI::App app("Looks at checkpoints of Cairn, and looks after them.", "cairn");
  app.set_version_flag("--version", CAIRN_COMMAND_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 sound (diff: the same), 1 damaged (diff: different), 2 wrong usage or no checkpoint.");
  add_show_and_ls(app, given);
  add_cat(app, given.cat);
  add_verify(app, given.verify);
  add_diff(app, given.diff);
  add_management(app, given);
  add_json(*app.add_subcommand("env", "versions, and the options in force with their environment variables"),
           given.as_json);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Error& error) {
    if (error.get_exit_code() == 0) return app.exit(error) == 0 ? sound : unusable;
    const auto chosen = app.get_subcommands();
    const auto* command = chosen.empty() ? nullptr : chosen.front();
    const std::string name = command == nullptr ? "cairn" : "cairn " + command->get_name();
    std::cerr << name << ": " << describe(app, command, argc, argv, error) << '\n'
              << usage_of(command == nullptr ? app : *command) << "\n`" << name << " --help` says more.\n";
    return unusable;
  }
  given.command = app.get_subcommands().front()->get_name();
  return std::nullopt;
}

}  // namespace cairn::command
