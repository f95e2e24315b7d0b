#pragma once

#include <filesystem>

/// The subcommands of `cairn`. Each prints to std::cout and returns the exit status of the process.
namespace cairn::command {

/// Exit statuses, the same for every subcommand.
enum Status : int { sound = 0, damaged = 1, unusable = 2 };

/// What the checkpoint holds. MPI is not started. Throws Error.
int show(const std::filesystem::path& path, bool as_json);

/// Reads every byte and compares it with its checksum, on all the ranks that the command was started on.
/// Starts and ends MPI. Throws Error where there is no checkpoint to verify; `unusable` is then the status.
int verify(int argc, char** argv, const std::filesystem::path& path);

/// Versions, and the options in force with their environment variables. MPI is not started.
int env();

}  // namespace cairn::command
