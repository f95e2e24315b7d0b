#pragma once

#include "base/checksum.hpp"
#include "base/storage.hpp"
#include "cairn/load.hpp"
#include "comm/communicator.hpp"
#include "load/match.hpp"
#include "load/shared_arrays.hpp"
#include "plan/plan.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace cairn::load_stages {

/// An error of a load that may have written to the caller's memory.
Error with_undefined_memory(const Error& error);

/// The Error(locked) of a load that met two checkpoints, one after another, at its path.
Error overwritten(const Path& path);

/// One load of one tree: open, match, read, share (docs/architecture.md). Used once. What is collective is so
/// over the communicator given, the same one for all calls.
class LoadOperation {
 public:
  /// `call`: the function that was called, which must be the same on every rank.
  LoadOperation(const Context& context, const Path& path, const LoadOptions& options, const char* call);

  /// Fills the memory that the tree binds. Throws the same Error on every rank.
  Report run(comm::Communicator& comm, Tree& tree);
  /// Makes a tree of all that the checkpoint holds.
  Tree run_owning(comm::Communicator& comm);

  /// Only a checkpoint of this save will do; another one is Error(locked), on every rank.
  void expect(const base::Digest& save_id) { expected_ = save_id; }

  /// The same as `run` in three steps. Collective: opens the checkpoint, and finds out what goes where.
  /// `prepare`: what may fail on one rank, and then fails on all; before anything else is done.
  void start(comm::Communicator& comm, Tree& tree, const std::function<void()>& prepare = nullptr);
  /// Local, any thread, neither MPI nor HDF5: reads this rank's bytes. Throws on this rank alone.
  void read();
  /// Collective, once every rank has read: shares the replicated arrays.
  Report finish(comm::Communicator& comm);

  /// The last two steps in one, with the time that reading may take. Collective.
  Report fill(comm::Communicator& comm);

  /// Seconds beyond the timeout that reading may take on some rank.
  double allowance_s() const noexcept;

  const Report& report() const noexcept { return report_; }
  const Options& options() const noexcept { return options_; }

 private:
  /// What the primary sends of the checkpoint it opened.
  struct Opened {
    base::Digest save_id = {};
    std::string file_name;
    std::uint64_t file_bytes = 0;
    Stored stored;
  };

  /// What this rank asks for.
  struct Request {
    std::vector<tree::LocalLeaf> leaves;
    std::vector<std::string> wanted;  // their names in the file, sorted
  };

  Request agree_on_request(comm::Communicator& comm, const plan::Resolve& resolve);
  static Opened unpack_opened(std::string_view bytes);
  void open(comm::Communicator& comm, const std::vector<std::string>* wanted);
  std::string open_on_primary(const std::vector<std::string>* wanted) const;
  bool join(const Opened& opened, int rank);
  void match_leaves(comm::Communicator& comm, std::vector<tree::LocalLeaf> leaves);

  const char* call_;
  Options options_;
  Path path_;
  LoadOptions load_;
  base::Digest expected_ = {};  // zero: any
  Opened opened_;
  base::File file_;  // the tree's file, opened by this rank
  int device_ = -1;  // current in the thread of the program
  Matched matched_;
  std::optional<SharedArrays> shared_;
  io::ReadResult result_;
  Report report_;
};

}  // namespace cairn::load_stages
