#pragma once

#include "base/checksum.hpp"
#include "base/storage.hpp"
#include "cairn/error.hpp"
#include "cairn/options.hpp"
#include "commit/manifest.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// How a background save is decided without a message between ranks: each rank writes its vote into its own
/// slot of the file `votes`, and once all are in, whoever may decide (the primary, or a repair after the
/// job's death) makes `checkpoint.json` out of them and of `pending` (docs/format.md).
namespace cairn::commit {

inline constexpr const char* votes_file = "votes";
inline constexpr const char* pending_file = "pending";
inline constexpr std::string_view elected_prefix = "elected.";  // of a checkpoint.json being made by a repair

struct Vote {
  std::map<std::string, base::Digest> tables = {};  // of the rows that the rank wrote, by checkpointable
  double write_s = 0;                               // what it took
  std::string host = {};
  bool synced = true;                 // the rank's data is on the disk, and so is the vote
  std::optional<Error> failure = {};  // the rank's part is not there: the save is given up
};

/// On the primary, before any rank opens its slot: reserves the slots of `ranks` ranks, large enough for a
/// vote on the tables of these checkpointables. `sync`: fsyncs them.
void prepare_votes(const base::File& directory, int ranks, const std::vector<std::string>& tables,
                   const FileOptions& files, bool sync);

/// On the primary, before any rank votes: writes the manifest that lacks the table digests, and the sizes and
/// digests of files that are no trees'. `sync`: fsyncs it.
void write_pending(const base::File& directory, const Manifest& pending, const FileOptions& files, bool sync);

/// One rank's own slot. Opened before the rank's first byte is written.
class VoteSlot {
 public:
  VoteSlot(const base::File& directory, int rank, int ranks);
  /// Once. Fsyncs it where the vote is synced, so that it holds though the node dies.
  void cast(const Vote& vote);

 private:
  base::File file_;
  int rank_, ranks_;
};

/// The vote of a rank, or nullopt: not cast yet. Opens the file anew, so that a network file system shows
/// what other hosts wrote.
std::optional<Vote> read_vote(const base::File& directory, int rank, int ranks);

/// The manifest once all votes are in: the table digests are the sums, and files that are no trees' are
/// measured.
Manifest elect(const base::File& directory, Manifest pending, const std::vector<Vote>& votes);

/// Whether every rank's vote is in, synced, and no failure.
bool can_elect(const base::File& directory);

/// For a directory whose job is dead: makes `checkpoint.json` where every rank's vote is in, synced, and no
/// failure, and renames the token. False: the save is not decided. Several processes may do so at once.
bool elect_leftover(const base::File& directory);

}  // namespace cairn::commit
