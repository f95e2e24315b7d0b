#pragma once

#include "base/storage_support.hpp"
#include "cairn/error.hpp"
#include "commit/manifest.hpp"
#include "commit/path.hpp"
#include "commit/reader.hpp"
#include "commit/repair.hpp"
#include "commit/transaction.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/wait.h>
#include <unistd.h>

/// A save and a load of one small file, by the calls that a real one makes.
namespace cairn::test {

inline FileOptions plain_files() {
  return FileOptions{.permissions = -1, .reserve = false, .prefix = {}};
}

inline std::string manifest_text(const base::Digest& id, int generation) {
  commit::Manifest manifest;
  manifest.world_size = 1;
  manifest.save_id = id;
  manifest.created = std::chrono::system_clock::time_point(std::chrono::seconds(generation));
  manifest.custom_metadata = Json(nlohmann::json(generation));
  return commit::encode(manifest);
}

inline std::string data_text(const base::Digest& id, int generation) {
  return base::to_hex(id) + " " + std::to_string(generation);
}

/// The code of the Error that `step` throws; nullopt: none.
template <class Step>
std::optional<ErrorCode> code_of(Step step) {
  try {
    step();
    return std::nullopt;
  } catch (const Error& error) {
    return error.code();
  }
}

inline commit::Transaction begin(const Path& path, bool overwrite = false) {
  return commit::Transaction::begin(path, base::random_id(), overwrite, plain_files());
}

/// Writes what the ranks write: two files that belong together.
inline void write_data(const commit::Transaction& transaction, const base::Digest& id, int generation) {
  const std::string text = data_text(id, generation);
  for (const char* name : {"data1", "data2"}) {
    auto file = base::open_file(&transaction.directory(), name, O_WRONLY | O_CREAT | O_EXCL, 0666);
    base::write_at(file, std::as_bytes(std::span(text)), 0);
    base::sync(file);
    file.close();
  }
}

/// A whole save. Throws what it met, after it gave up as a save does.
inline void save(const Path& path, int generation, bool overwrite, bool sync = true) {
  const auto id = base::random_id();
  auto transaction = commit::Transaction::begin(path, id, overwrite, plain_files());
  try {
    write_data(transaction, id, generation);
    if (transaction.decide(manifest_text(id, generation), sync) != commit::Verdict::committed) {
      throw Error(ErrorCode::timeout, "aborted");
    }
    transaction.publish(sync);
  } catch (const Error&) {
    if (transaction.abort() == commit::Verdict::aborted) transaction.discard();
    throw;
  }
}

/// A save that ends after the decision, as at a crash.
inline base::Digest save_without_publishing(const Path& path, int generation, bool overwrite) {
  const auto id = base::random_id();
  auto transaction = commit::Transaction::begin(path, id, overwrite, plain_files());
  write_data(transaction, id, generation);
  transaction.decide(manifest_text(id, generation), true);
  return id;
}

/// What a reader finds at the path: the generation, or nullopt. Throws std::runtime_error where it is not
/// one whole save.
inline std::optional<int> load(const Path& path) {
  for (;;) {
    std::optional<commit::OpenedCheckpoint> opened;
    try {
      opened = commit::open_checkpoint(path);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::not_found) return std::nullopt;
      throw;
    }
    const auto text = commit::read_manifest(*opened);
    if (!text) continue;
    const auto manifest = commit::decode(*text);
    const int generation = manifest.custom_metadata.value().get<int>();
    std::string expected = data_text(opened->save_id, generation), first, second;
    try {
      first = base::read_whole(opened->directory, "data1", 1000);
      second = base::read_whole(opened->directory, "data2", 1000);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::not_found) throw;
      continue;  // replaced meanwhile
    }
    if (manifest.save_id != opened->save_id || first != expected || second != expected) {
      throw std::runtime_error("a mix of two saves: " + expected + ", " + first + ", " + second);
    }
    return generation;
  }
}

inline std::vector<std::string> names_in(const Path& path) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

/// Repairs, after a look that changes nothing and foretells it.
inline std::vector<std::string> repair(const Path& path) {
  const auto names = commit::split_path(path);
  const auto before = names_in(path.parent_path());
  std::vector<std::string> foretold;
  for (const auto& finding : commit::look_at_leftovers(base::open_directory(names.parent), names).found)
    foretold.push_back(commit::to_line(finding, names));
  if (names_in(path.parent_path()) != before) throw std::logic_error("the look has changed something");
  auto lines = commit::repair(path);
  std::string difference;
  for (const auto& line : foretold) difference += "\nforetold: " + line;
  for (const auto& line : lines) difference += "\ndone:     " + line;
  if (lines != foretold) throw std::logic_error("the repair did something else than foretold:" + difference);
  return lines;
}

inline std::vector<std::string> only(const std::string& name) {
  return {name};
}

inline std::string text_of(const Path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Whether a call is a rename with a flag, which NFS refuses.
inline bool has_rename_flag(const Call& call) {
  return call.op == base::Op::rename && call.offset != 0;
}

/// Runs `step` in a child process; its exit status (99: it threw), or minus the signal that ended it.
inline int run_in_child(const std::function<int()>& step) {
  const pid_t child = ::fork();
  if (child == 0) {
    int answer = 99;
    try {
      answer = step();
    } catch (const std::exception&) {
    }
    ::_exit(answer);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace cairn::test
