#pragma once

#include "base/storage.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Who writes a checkpoint: the file `owner` in its temporary directory, which the owner keeps locked (OFD)
/// for the length of the transaction, so that a leftover of a dead process can be told from a save under way.
namespace cairn::commit {

inline constexpr const char* owner_file = "owner";

struct Owner {
  std::string host;
  std::string boot_id;              // of the kernel that the process runs on
  std::int64_t pid = 0;             // in the namespace below
  std::uint64_t pid_namespace = 0;  // its inode number; 0: unknown
  std::uint64_t start_time = 0;     // of the process, in clock ticks since boot; 0: unknown
  std::string job;                  // of the batch system; empty: none
  bool locked = false;              // the lock could be taken: false on file systems without locks
  bool overwrite = false;           // the save may replace an older checkpoint
};

/// This process. Not collective; any thread.
Owner this_process();

std::string encode(const Owner& owner);
std::optional<Owner> decode_owner(std::string_view text);  // nullopt: not an owner
std::string describe(const Owner& owner);                  // "process 17 on node3 (job 4711)"

enum class Life {
  living,   // its transaction is under way
  dead,     // it cannot write any more: proven
  unknown,  // on another host, or the signs contradict each other
};

/// What is known about the owner of a temporary directory.
struct Inspection {
  Life life = Life::unknown;
  std::optional<Owner> owner;  // nullopt: no file, or nothing readable in it
  bool unfinished = false;     // the file is empty or not there, and nobody holds it: the owner died, or was
                               // about to write it
  base::File lock;             // held while this lives, where it could be taken
};
/// Never throws for what cannot be read or locked: that is unknown.
Inspection inspect_owner(const base::File& directory);

}  // namespace cairn::commit
