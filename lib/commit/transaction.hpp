#pragma once

#include "base/checksum.hpp"
#include "base/storage.hpp"
#include "cairn/options.hpp"
#include "commit/path.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

/// A checkpoint that is being written: its temporary directory, the token that decides, and the rename that
/// makes it visible. Nothing here is collective; who calls what is said at each function. The protocol is in
/// docs/format.md.
namespace cairn::commit {

enum class Verdict { committed, aborted };

class Transaction {
 public:
  /// On the primary, with a path from `resolve_path`. Makes the parent directories that are missing, repairs
  /// what a dead save left at this path (completes what was committed, removes what was not and is provably
  /// dead), refuses what it must (already_exists: a checkpoint without `overwrite`, or what is no checkpoint,
  /// except an empty directory; locked: a living save on this path), makes `.<name>.<id>` with the token
  /// `open` and the locked `owner` file. Leaves no directory of its own where it throws.
  static Transaction begin(const Path& path, const base::Digest& id, bool overwrite,
                           const FileOptions& files);
  /// On the other ranks: opens the directory that the primary made. not_found where this rank does not see
  /// it.
  static Transaction join(const Path& path, const base::Digest& id);

  Transaction(Transaction&&) noexcept;
  Transaction& operator=(Transaction&&) noexcept;
  ~Transaction();  // closes; neither aborts nor commits

  const base::File& directory() const noexcept;
  Path temporary_path() const;

  /// On the primary, once all ranks' votes are in: writes `checkpoint.json`, fsyncs it and the directory, and
  /// renames the token `open` to `commit`. `aborted`: another rank's deadline passed first. Throws where a
  /// step failed, even the last one: call `abort` then, which says what holds.
  Verdict decide(const std::string& checkpoint_json, bool sync);
  /// On any rank that gives up: renames `open` to `abort`, or reads the verdict that was there before.
  Verdict abort();
  /// On the primary, after `committed`: fsyncs the token, renames into place, fsyncs the parent, removes the
  /// replaced checkpoint (by rename first), checks that the directory at the final path is this one. A
  /// failure to remove the old one is not an error. Where it throws, the checkpoint is committed all the
  /// same, and the next `begin` or `repair` puts it in place; but where another save that may not be replaced
  /// was there first, this one is removed.
  void publish(bool sync);
  /// On the primary, after `aborted`: renames the temporary directory away and deletes it. Never throws.
  void discard() noexcept;

 private:
  struct Rep;
  explicit Transaction(std::unique_ptr<Rep> rep);
  void make_directory();
  Verdict settle(const char* wanted);
  std::unique_ptr<Rep> rep_;
};

/// Completes or removes what dead saves left at this path, as `begin` does first. Returns what it did, a line
/// each.
std::vector<std::string> repair(const Path& path);

/// A checkpoint that was renamed away, and is to be deleted.
struct Retired {
  base::File parent;
  std::string entry;
  void remove() const;  // deletes it; done where it is gone
};

/// What `remove_checkpoint` does first: from then on nobody finds it. The same errors.
Retired retire_checkpoint(const Path& path, bool sync);

/// Repairs, then removes the checkpoint at this path: renamed first, then deleted. Errors: not_found,
/// not_a_checkpoint (nothing is removed), locked (a save is under way). Not collective.
void remove_checkpoint(const Path& path, bool sync);

/// The same for what is no checkpoint any more: whatever directory has this name is renamed and deleted.
void remove_damaged(const Names& names, bool sync);

}  // namespace cairn::commit
