#pragma once

#include "save/started_save.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace cairn::save_stages {

/// One save: plan, lay out, write, commit (docs/architecture.md). Each stage takes what the ranks agreed on
/// in the one before. Collective over the communicator; used once.
class SaveOperation {
 public:
  SaveOperation(comm::Communicator& comm, const Options& options, SaveRequest request);

  /// Returns when the checkpoint is committed. Throws the same Error on every rank, with nothing left behind
  /// and an older checkpoint at the path untouched; Error(timeout) where a rank's deadline passed and the
  /// save was given up.
  Report run();

  /// The first stages alone; `snapshot` then does what is to be done before the caller has its memory back.
  /// The rest is for the background, where votes take the place of agreements. Null where all was done here,
  /// since the ranks' writer needs the caller's thread. Throws as `run` does.
  using Snapshot = std::function<void(const std::shared_ptr<StartedSave>&)>;
  std::shared_ptr<StartedSave> start(const Snapshot& snapshot);

  const Report& report() const noexcept { return save_->report; }

 private:
  /// What the vote adds up.
  struct Tally {
    std::vector<base::Digest> table_digests = {};  // by tree
    int slowest_rank = -1;
    std::string slowest_host = {};
  };
  struct Opened {};                          // every rank has opened the files
  using Written = std::vector<io::Written>;  // by tree

  comm::Agreed<Opened> begin(bool background);
  void plan();
  void finish(const comm::Agreed<Opened>& opened);
  bool writes_collectively() const;
  comm::Agreed<std::string> lay_out(bool votes);
  std::string begin_files(bool votes);
  std::string begin_file(TreePart& part);
  void open_parts(const std::string& layout, bool votes);
  void open_sink(TreePart& part);
  void take_others(bool votes);
  comm::Agreed<Written> write(const comm::Agreed<Opened>& opened);
  comm::Agreed<Written> write_all_collectively();
  void finish_structure(TreePart& part);
  comm::Agreed<Tally> tally(const comm::Agreed<Written>& written);
  void commit(const comm::Agreed<Tally>& tally);
  bool settle(const Error& error);

  comm::Communicator& comm_;
  std::shared_ptr<StartedSave> save_ = std::make_shared<StartedSave>();
  bool begun_ = false;        // the same on every rank: whether the lay-out stage was reached
  double write_seconds_ = 0;  // of this rank
};

}  // namespace cairn::save_stages
