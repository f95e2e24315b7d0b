#pragma once

#include "async/queue.hpp"
#include "async/task.hpp"
#include "base/clock.hpp"
#include "io/block_writer.hpp"
#include "io/pace.hpp"
#include "save/started_save.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <vector>

namespace cairn::save_stages {

/// The rest of a save that has been started: it is written, each rank votes, and the primary decides. The
/// work calls neither MPI nor HDF5.
class BackgroundSave final : public async::Task {
 public:
  /// This rank's snapshot (without `async.snapshot`: it notes what it borrows). Throws on this rank alone.
  BackgroundSave(std::shared_ptr<StartedSave> save, comm::Communicator& comm,
                 std::shared_ptr<async::Queue> queue);

 private:
  /// What writes one tree. Stays where it is: the writer refers to the job.
  struct TreeWriter {
    TreeWriter(TreePart& of, const Options& options, int rank)
        : part(of), job(of.job(options, rank)), writer(job) {}
    TreePart& part;
    io::WriteJob job;
    io::BlockWriter writer;
  };

  double allowance_s() const noexcept override;
  void do_work() override;
  void vote_and_decide();
  void do_conclude(comm::Communicator& comm) override;
  commit::Vote write();
  commit::Vote try_to_write() noexcept;
  void decide();
  std::optional<std::vector<commit::Vote>> wait_for_votes();
  void wait_for_verdict();
  std::optional<commit::Verdict> give_up() noexcept;
  void stage();
  void put(TreeWriter& writer, int threads);
  bool was_given_up() const;
  void check_deadline(const char* what, int rank) const;

  std::shared_ptr<StartedSave> save_;
  int rank_, ranks_, primary_;
  std::shared_ptr<async::Queue> queue_;  // has the staging memory
  std::deque<TreeWriter> writers_;       // by tree
  io::Pace pace_;
  bool given_up_ = false;  // on the primary: by another rank, which says why
  base::Clock clock_;      // of the work
};

}  // namespace cairn::save_stages
