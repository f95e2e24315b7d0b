#pragma once

#include "cairn/error.hpp"
#include "cairn/metrics.hpp"
#include "checkpointer/root_lock.hpp"
#include "commit/path.hpp"
#include "commit/repair.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What is in a directory of checkpoints, a Checkpointer's root or any other, for people to look at. Changes
/// nothing. Not collective; any thread.
namespace cairn::checkpointer {

enum class State {
  intact,      // for all that metadata and sizes of files say; cairn::verify reads the arrays too
  damaged,     // `problem` says why
  unreadable,  // `problem` says why: made by a newer version, or not to be read by this user
  unfinished,  // not committed yet, and `writer` is at it
};

struct ListedCheckpoint {
  std::string name = {};
  std::optional<std::int64_t> step = {};  // the number at the end of the name
  State state = State::intact;
  bool in_place = true;    // false: committed, and still under its hidden name
  bool set_aside = false;  // a damaged one that a Checkpointer has renamed
  bool pinned = false;
  std::string problem = {};
  std::string writer = {};  // of the save under way at this name; empty: none
  std::chrono::system_clock::time_point time = {};
  Metrics metrics = {};
  std::uint64_t bytes = 0;
};

struct ListedLeftover {
  std::string name = {};  // of the checkpoint that it belongs to
  commit::Finding finding = {};
  std::uint64_t bytes = 0;
};

struct Listing {
  std::optional<RootHolder> holder = {};           // nullopt: no Checkpointer's root
  std::vector<ListedCheckpoint> checkpoints = {};  // by step, then by name; those without a step last
  std::vector<ListedLeftover> leftovers = {};      // with those of saves under way
};

/// Error(not_found) where there is no directory.
Listing list_checkpoints(const Path& directory);

/// The names of the checkpoints that a directory has leftovers of.
std::vector<std::string> names_with_leftovers(const base::File& directory);

/// Whether a name is one that a damaged step was given: NAME.damaged, NAME.damaged-2.
bool is_set_aside(std::string_view name) noexcept;

}  // namespace cairn::checkpointer
