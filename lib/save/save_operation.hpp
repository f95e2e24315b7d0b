#pragma once

#include "save/started_save.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace cairn::save_stages {

/// On the primary, once all ranks have written: the commit. Error(timeout): a rank gave the save up.
void decide_and_publish(StartedSave& save, int rank);

/// After an error, once there may be a directory: true if the checkpoint was committed all the same (a rank
/// that was late finds the verdict of the others). What failed on all ranks is cleared away before any of
/// them returns; after a timeout each acts on its own. Collective but for a timeout.
bool settle(comm::Communicator& comm, StartedSave& save, const Error& error);

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

  /// Of a save that is made in several calls: all but the commit. `begun`: what earlier calls began, whose
  /// directory this goes on with; null in the first. `check` is called on every rank once the plan is agreed
  /// on; where it throws on one, what was begun stays as it was, and any later error gives it up: `checked`
  /// says which, the same on every rank.
  using Check = std::function<void(SaveRequest&)>;
  /// `keep` is called on every rank at the end, to note what there is now: where it throws on one, all is
  /// given up.
  using Keep = std::function<void(StartedSave&)>;
  std::shared_ptr<StartedSave> add(StartedSave* begun, const Check& check, const Keep& keep, bool& checked);

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
  comm::Agreed<Opened> open(bool votes);
  void finish(const comm::Agreed<Opened>& opened);
  bool writes_collectively() const;
  comm::Agreed<std::string> lay_out(bool votes);
  std::string begin_files(bool votes);
  void open_parts(const std::string& layout, bool votes);
  void open_sink(TreePart& part);
  void take_others(bool votes);
  comm::Agreed<Written> write(const comm::Agreed<Opened>& opened);
  comm::Agreed<Written> write_all_collectively();
  comm::Agreed<Tally> tally(const comm::Agreed<Written>& written);
  comm::Agreed<Tally> write_and_tally(const comm::Agreed<Opened>& opened);
  void commit(const comm::Agreed<Tally>& tally);
  void note(const Tally& tally);
  bool settle(const Error& error);

  comm::Communicator& comm_;
  std::shared_ptr<StartedSave> save_ = std::make_shared<StartedSave>();
  bool begun_ = false;        // the same on every rank: whether the lay-out stage was reached
  double write_seconds_ = 0;  // of this rank
};

}  // namespace cairn::save_stages
