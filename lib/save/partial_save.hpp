#pragma once

#include "comm/duplicate.hpp"
#include "save/save_operation.hpp"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace cairn::save_stages {

/// A checkpoint that is made in several calls. It is kept with the communicator until it is finalized; its
/// directory stays hidden, and its lock tells other jobs that it is alive.
class PartialSave final : public comm::Attachment {
 public:
  /// What this rank has begun at the path; made where there is nothing.
  using Find = std::function<const PartialSave&()>;
  /// The ranks find the same one, or Error(mismatch): a relative path means another one after a change of
  /// directory. Collective.
  static void agree_on_begun(comm::Communicator& comm, const Find& find);

  /// Collective, once the ranks have found it. Where it throws, `over` says whether what was begun is given
  /// up.
  Report add(comm::Communicator& comm, const Options& options, SaveRequest request);
  /// Collective; over in any case.
  Report finalize(comm::Communicator& comm);
  bool over() const noexcept { return save_ == nullptr; }
  void end() noexcept override;

 private:
  void check(const SaveRequest& request) const;
  void check_leaves(const TreePart& added) const;
  void name_files(SaveRequest& request) const;
  void keep(StartedSave& done);

  std::shared_ptr<StartedSave> save_;                   // null: nothing is begun
  std::map<std::string, std::vector<TreePart>> trees_;  // the pieces of each
  std::set<std::string> others_;                        // names
  bool primary_ = false;
  std::uint64_t bytes_ = 0, leaves_ = 0;
};

}  // namespace cairn::save_stages
