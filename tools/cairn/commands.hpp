#pragma once

#include <filesystem>
#include <string>

/// The subcommands of `cairn`. Each prints to std::cout and returns the exit status of the process. All throw
/// Error; none but `verify` starts MPI.
namespace cairn::command {

using Path = std::filesystem::path;

/// Exit statuses, the same for every subcommand.
enum Status : int { sound = 0, damaged = 1, different = 1, unusable = 2 };

/// What the checkpoint holds.
int show(const Path& path, bool as_json);

/// The checkpoints in a directory, what dead jobs left there, and who saves in it; of a checkpoint what
/// `show` prints.
int list(const Path& directory, bool as_json);

/// Reads every byte and compares it with its checksum, on all the ranks that the command was started on.
/// Starts and ends MPI.
struct VerifyRequest {
  Path path = {};
  bool as_json = false;
  bool progress = false;  // also where stderr is no terminal
};
int verify(int argc, char** argv, const VerifyRequest& request);

/// Compares two checkpoints; `different` where they differ.
struct DiffRequest {
  Path a = {}, b = {};
  std::string checkpointable = {};  // empty: all, with metrics and custom metadata
  double atol = 0, rtol = 0;        // |a - b| <= atol + rtol * |b| counts as the same
  bool structure = false;           // names, kinds, dtypes and shapes alone
  bool as_json = false;
};
int diff(const DiffRequest& request);

/// Completes and removes what dead jobs left in a directory.
struct GcRequest {
  Path directory = {};
  bool yes = false;      // otherwise it says what it would do
  bool damaged = false;  // and the damaged steps that were set aside
  bool as_json = false;
};
int gc(const GcRequest& request);

int pin(const Path& path, bool pinned, bool as_json);

struct RemoveRequest {
  Path path = {};
  bool yes = false;    // without asking
  bool force = false;  // a pinned one as well
  bool as_json = false;
};
int remove(const RemoveRequest& request);

/// Prints the values of one leaf, or one file.
struct CatRequest {
  Path path = {};
  std::string leaf = {};            // of other checkpointables than trees: a file; empty: the only one
  std::string checkpointable = {};  // empty: the one that has it
  std::string slice = {};
  bool raw = false;      // the stored bytes
  bool as_json = false;  // with what they are of; not with `raw`
};
int cat(const CatRequest& request);

/// Versions, and the options in force with their environment variables.
int env(bool as_json);

}  // namespace cairn::command
