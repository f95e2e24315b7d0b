#pragma once

#include "base/storage.hpp"
#include "cairn/context.hpp"
#include "cairn/tree.hpp"
#include "comm/communicator.hpp"
#include "commit/transaction.hpp"
#include "h5/file_layout.hpp"
#include "io/write.hpp"
#include "plan/plan.hpp"

#include <memory>
#include <optional>

namespace cairn::save_stages {

/// One save of one tree: plan, lay out, write, commit (docs/architecture.md). Each stage takes what the ranks
/// agreed on in the one before. Collective over the context's communicator; used once.
class SaveOperation {
 public:
  SaveOperation(const Context& context, plan::SaveRequest request);

  /// Returns when the checkpoint is committed. Throws the same Error on every rank, with nothing left behind
  /// and an older checkpoint at the path untouched; Error(timeout) where a rank's deadline passed and the
  /// save was given up.
  Report run(const Tree& tree);

 private:
  /// Where the bytes belong: the tilings (in the plan's leaves) and the block table.
  struct Placement {
    std::uint64_t table_offset = 0;
  };
  /// What the vote adds up.
  struct Tally {
    base::Digest table_digest = {};
    int slowest_rank = -1;
    std::string slowest_host = {};
  };

  comm::Agreed<Placement> lay_out(comm::Agreed<plan::SavePlan>& plan);
  std::string begin_file(const plan::SavePlan& plan);
  void open(const comm::Agreed<plan::SavePlan>& plan, const comm::Agreed<Placement>& placement);
  comm::Agreed<io::Written> write(const comm::Agreed<plan::SavePlan>& plan,
                                  const comm::Agreed<Placement>& placement);
  comm::Agreed<Tally> tally(const comm::Agreed<io::Written>& written);
  void commit(const comm::Agreed<plan::SavePlan>& plan, const comm::Agreed<Placement>& placement,
              const comm::Agreed<Tally>& tally);
  std::string manifest(const plan::SavePlan& plan, const Placement& placement, const Tally& tally) const;
  bool settle(const Error& error);
  std::string file_name() const { return request_.checkpointable_name + ".h5"; }
  bool writes_collectively() const;

  comm::Communicator comm_;
  Options options_;
  plan::SaveRequest request_;
  bool begun_ = false;  // the same on every rank: whether the lay-out stage was reached
  std::optional<commit::Transaction> transaction_;
  std::unique_ptr<io::Sink> sink_;
  h5::FileLayout file_;        // on the primary
  base::File structure_file_;  // on the primary: the descriptor that wrote the structure
  double write_seconds_ = 0;   // of this rank
  Report report_;
};

}  // namespace cairn::save_stages
