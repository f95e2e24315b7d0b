#pragma once

#include "base/storage.hpp"
#include "cairn/context.hpp"
#include "cairn/tree.hpp"
#include "comm/communicator.hpp"
#include "commit/manifest.hpp"
#include "commit/transaction.hpp"
#include "commit/votes.hpp"
#include "h5/file_layout.hpp"
#include "io/write.hpp"
#include "plan/plan.hpp"

#include <functional>
#include <memory>
#include <optional>

namespace cairn::save_stages {

/// A save that is planned, laid out and opened on every rank, and of which no byte of data is written yet.
struct StartedSave {
  Options options;
  plan::SaveRequest request;
  plan::SavePlan plan;
  std::uint64_t table_offset = 0;  // of the block table in the file
  std::optional<commit::Transaction> transaction;
  std::unique_ptr<io::Sink> sink;  // null: MPI-IO will open the file collectively
  base::File structure_file;       // on the primary: the descriptor that wrote the structure
  commit::Manifest manifest;       // on the primary: without the digest of the block table
  std::optional<Tree> tree;        // whose own values are read in the background; only without a snapshot
  std::optional<commit::VoteSlot> vote;  // of a save in the background
  Report report;

  io::WriteJob job(int rank) const;
  std::string file_name() const { return request.checkpointable_name + ".h5"; }
};

/// One save of one tree: plan, lay out, write, commit (docs/architecture.md). Each stage takes what the ranks
/// agreed on in the one before. Collective over the communicator; used once.
class SaveOperation {
 public:
  SaveOperation(comm::Communicator& comm, const Options& options, plan::SaveRequest request);

  /// Returns when the checkpoint is committed. Throws the same Error on every rank, with nothing left behind
  /// and an older checkpoint at the path untouched; Error(timeout) where a rank's deadline passed and the
  /// save was given up.
  Report run(const Tree& tree);

  /// The first stages alone; `snapshot` then does what is to be done before the caller has its memory back.
  /// The rest is for the background, where votes take the place of agreements. Null where all was done here,
  /// since the ranks' writer needs the caller's thread. Throws as `run` does.
  using Snapshot = std::function<void(const std::shared_ptr<StartedSave>&)>;
  std::shared_ptr<StartedSave> start(const Tree& tree, const Snapshot& snapshot);

  const Report& report() const noexcept { return save_->report; }

 private:
  /// What the vote adds up.
  struct Tally {
    base::Digest table_digest = {};
    int slowest_rank = -1;
    std::string slowest_host = {};
  };
  struct Opened {};  // every rank has opened the file

  comm::Agreed<Opened> begin(const Tree& tree, bool background);
  void finish(const comm::Agreed<Opened>& opened);
  bool writes_collectively() const;
  comm::Agreed<std::string> lay_out(bool votes);
  std::string begin_file(bool votes);
  void open_sink();
  comm::Agreed<io::Written> write(const comm::Agreed<Opened>& opened);
  comm::Agreed<Tally> tally(const comm::Agreed<io::Written>& written);
  void commit(const comm::Agreed<Tally>& tally);
  bool settle(const Error& error);

  comm::Communicator& comm_;
  std::shared_ptr<StartedSave> save_ = std::make_shared<StartedSave>();
  bool begun_ = false;        // the same on every rank: whether the lay-out stage was reached
  double write_seconds_ = 0;  // of this rank
};

}  // namespace cairn::save_stages
