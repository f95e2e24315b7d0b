#pragma once

#include "base/storage.hpp"
#include "cairn/context.hpp"
#include "cairn/tree.hpp"
#include "comm/communicator.hpp"
#include "commit/manifest.hpp"
#include "commit/transaction.hpp"
#include "commit/votes.hpp"
#include "io/write.hpp"
#include "plan/plan.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cairn::save_stages {

/// One tree of a save, and the HDF5 file that it makes.
struct TreePart {
  std::string name;
  std::string file = {};       // its own name; empty: that of the checkpointable
  const Tree* tree = nullptr;  // the caller's, until the plan is made
  plan::SavePlan plan = {};
  std::uint64_t table_offset = 0;  // of the block table in the file
  std::unique_ptr<io::Sink> sink;  // null: MPI-IO will open the file collectively
  base::File structure_file;       // on the primary: the descriptor that wrote the structure
  std::optional<Tree> kept;        // whose own values are read in the background; only without a snapshot

  std::string file_name() const { return file.empty() ? name + ".h5" : file; }
  io::WriteJob job(const Options& options, int rank) const;
};

/// A part of a save that is no tree: what it is, a higher layer knows.
class OtherPart {
 public:
  explicit OtherPart(std::string name) : name_(std::move(name)) {}
  virtual ~OtherPart() = default;
  OtherPart(const OtherPart&) = delete;
  OtherPart& operator=(const OtherPart&) = delete;

  const std::string& name() const noexcept { return name_; }
  virtual std::string type() const = 0;
  /// Takes what is to be saved, so that the caller may change it. Collective: throws the same on every rank.
  virtual void take(comm::Communicator& comm, const Options& options, const base::File& directory,
                    const Path& path) = 0;
  /// The names of the files that this rank's part consists of, once it was taken.
  virtual std::vector<std::string> files() const = 0;
  /// Bytes that this rank will write, as far as it is known.
  virtual std::uint64_t bytes() const noexcept = 0;
  /// Local, any thread, neither MPI nor HDF5: writes this rank's part, and where `sync` flushes its files to
  /// the disk.
  virtual void write(bool sync) = 0;

 private:
  std::string name_;
};

/// What a save is asked to do.
struct SaveRequest {
  std::string operation;
  Path path = {};
  bool overwrite = false;
  Json custom_metadata = {};
  Metrics metrics = {};
  base::Digest id = {};  // where the ranks have agreed on one; else the plan of the one tree makes it
  std::vector<TreePart> trees = {};
  std::vector<std::unique_ptr<OtherPart>> others = {};
};

/// A save that is planned, laid out and opened on every rank, and of which no byte of data is written yet.
struct StartedSave {
  Options options;
  SaveRequest request;
  std::optional<commit::Transaction> transaction;
  commit::Manifest manifest;             // on the primary: without what only the votes tell
  std::optional<commit::VoteSlot> vote;  // of a save in the background
  std::uint64_t fullest_bytes = 0;       // of the fullest rank, summed over the trees; with what else is
                                         // written, and read back by the primary
  Report report;

  /// Seconds beyond the timeout that moving the data may take on some rank.
  double allowance_s() const noexcept {
    return static_cast<double>(fullest_bytes) / options.ranks.slowest_bytes_per_s;
  }
};

}  // namespace cairn::save_stages
