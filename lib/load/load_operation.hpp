#pragma once

#include "base/checksum.hpp"
#include "base/storage.hpp"
#include "cairn/load.hpp"
#include "comm/communicator.hpp"
#include "load/match.hpp"

#include <optional>
#include <string>
#include <vector>

namespace cairn::load_stages {

/// One load of one tree: open, match, read, share (docs/architecture.md). Collective over the context's
/// communicator; used once.
class LoadOperation {
 public:
  LoadOperation(const Context& context, const Path& path, const LoadOptions& options);

  /// Fills the memory that the tree binds. Throws the same Error on every rank.
  Report run(Tree& tree);
  /// Makes a tree of all that the checkpoint holds.
  Tree run_owning();

 private:
  /// What the primary sends of the checkpoint it opened.
  struct Opened {
    base::Digest save_id = {};
    std::string file_name;
    std::uint64_t file_bytes = 0;
    Stored stored;
  };

  void agree_on_request(std::vector<tree::LocalLeaf> leaves, std::vector<tree::Problem> problems);
  Opened open(const std::vector<std::string>* wanted);
  std::string open_on_primary(const std::vector<std::string>* wanted) const;
  bool join(const Opened& opened);
  Report fill(const Opened& opened, std::vector<tree::LocalLeaf> leaves);
  void account(std::uint64_t bytes, std::uint64_t verified_bytes);

  comm::Communicator comm_;
  Options options_;
  Path path_;
  LoadOptions load_;
  base::File file_;  // the tree's file, opened by this rank
  Report report_;
};

}  // namespace cairn::load_stages
