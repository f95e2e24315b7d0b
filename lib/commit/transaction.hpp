#pragma once

#include "base/checksum.hpp"
#include "base/storage.hpp"
#include "cairn/options.hpp"

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
  /// On the primary. Repairs what a dead save left at this path (completes what was committed, removes what
  /// was not and is provably dead), refuses what it must (already_exists; locked: a living save on this path;
  /// not_found: no parent directory... which is created where its own parent exists), makes `.<name>.<id>`
  /// with the token `open` and the locked `owner` file.
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
  /// step before the rename failed (call `abort` then).
  Verdict decide(const std::string& checkpoint_json, bool sync);
  /// On any rank that gives up: renames `open` to `abort`, or reads the verdict that was there before.
  Verdict abort();
  /// On the primary, after `committed`: renames into place, fsyncs the parent, removes the replaced
  /// checkpoint (by rename first), checks that the directory at the final path is this one. A failure to
  /// remove the old one is not an error.
  void publish(bool sync);
  /// On the primary, after `aborted`: renames the temporary directory away and deletes it. Never throws.
  void discard() noexcept;

 private:
  struct Rep;
  explicit Transaction(std::unique_ptr<Rep> rep);
  std::unique_ptr<Rep> rep_;
};

/// Completes or removes what dead saves left at this path, as `begin` does first. Returns what it did, a line
/// each.
std::vector<std::string> repair(const Path& path);

}  // namespace cairn::commit
