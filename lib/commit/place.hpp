#pragma once

#include "base/checksum.hpp"
#include "base/storage.hpp"
#include "cairn/error.hpp"
#include "commit/path.hpp"

#include <string>

/// Putting a committed directory at its final name, and removing what it replaced. Every step can be repeated
/// by another process after a crash, and none relies on nobody else being at work.
namespace cairn::commit {

enum class Found {
  nothing,
  empty_directory,
  checkpoint,  // a directory with a valid token `commit`
  damaged,     // a directory with checkpoint.json, but without that token
  other,       // a file, a symbolic link, a directory of somebody else's
};
struct Existing {
  Found found = Found::nothing;
  base::File directory;  // of a checkpoint
  base::Digest id = {};  // of a checkpoint
};
/// What is at this name now; symbolic links are not followed.
Existing look_at(const base::File& parent, const std::string& name);

/// The Error(already_exists) for what is in the way of a save: a checkpoint without `overwrite`, or what is
/// not ours to replace.
Error in_the_way(const Names& names, Found found);

bool is_same(const base::File& a, const base::File& b);
/// Whether this name refers to this directory.
bool is_at(const base::File& parent, const std::string& name, const base::File& directory);

/// Renames the directory at `entry`, which must be `directory`, to its trash name: from then on no reader
/// takes it for a checkpoint. False: something else was there, which is left or put back.
bool move_to_trash(const base::File& parent, const Names& names, const std::string& entry,
                   const base::File& directory, const base::Digest& id);

/// Renames the directory at `entry`, which must be `directory`, to its trash name and deletes it, the token
/// first. False: something else was there, which is left or put back.
bool dispose(const base::File& parent, const Names& names, const std::string& entry,
             const base::File& directory, const base::Digest& id);
/// Deletes a directory that has its trash name.
void empty_trash(const base::File& parent, const std::string& entry);

/// Removes what only a directory under its hidden name needs: `owner`, `votes`, `pending`,
/// and what elections left.
void remove_scratch(const base::File& directory) noexcept;

/// Makes the committed directory, whose hidden name is that of `id`, the one at the final name: fsyncs it,
/// renames, fsyncs the parent (where `sync`), removes the scratch files, and disposes of what it replaced.
/// Done at once where it is there already. Error(already_exists) where something is in the way; the directory
/// then keeps its hidden name. Failing to remove what was replaced is not an error: the next save or repair
/// does it.
void put_in_place(const base::File& parent, const Names& names, const base::File& directory,
                  const base::Digest& id, bool overwrite, bool sync);

}  // namespace cairn::commit
