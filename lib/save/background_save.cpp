#include "save/background_save.hpp"

#include "base/host.hpp"
#include "base/log.hpp"
#include "base/pack.hpp"
#include "commit/token.hpp"
#include "io/thread_count.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <new>
#include <thread>
#include <utility>

namespace cairn::save_stages {
namespace {

/// Sleeps a little longer each time: a verdict comes soon, or it takes as long as a slow rank.
class Patience {
 public:
  void wait() {
    std::this_thread::sleep_for(pause_);
    pause_ = std::min(pause_ * 2, kLongest);
  }

 private:
  static constexpr std::chrono::microseconds kLongest{20000};
  std::chrono::microseconds pause_{200};
};

bool every_leaf(const tree::StoredLeaf&) {
  return true;
}

}  // namespace

BackgroundSave::BackgroundSave(std::shared_ptr<StartedSave> save, comm::Communicator& comm,
                               std::shared_ptr<async::Queue> queue)
    : Task(save->report, comm.primary()),
      save_(std::move(save)),
      rank_(comm.rank()),
      ranks_(comm.size()),
      primary_(comm.primary()),
      queue_(std::move(queue)),
      pace_(save_->options.async.rate_bytes_per_s, cancelled(), [this] { return was_given_up(); }) {
  for (auto& part : save_->request.trees) writers_.emplace_back(part, save_->options, rank_);
  stage();
}

void BackgroundSave::stage() {
  const auto& options = save_->options;
  const int threads = io::thread_count(options.io);
  if (options.async.snapshot) {
    auto& pool = queue_->staging();
    pool.set_bound(options.async.staging_bytes);
    for (auto& [part, job, writer] : writers_) {
      if (writer.reads_device()) pool.pin();
      writer.stage(*part.sink, pool, threads);
    }
    set_snapshotted();
  } else if (options.async.check_borrowed) {
    for (auto& each : writers_) each.writer.note_checksums(threads);
  }
}

void BackgroundSave::do_work() {
  clock_ = base::Clock();
  try {
    vote_and_decide();
  } catch (...) {
    // Where the others decided all the same, it stands; what the primary could not finish, it must say.
    const auto verdict = give_up();
    save_->transaction.reset();  // its lock too: the next save may begin
    if (verdict != commit::Verdict::committed || rank_ == primary_) throw;
  }
  save_->transaction.reset();
  report().commit_s = clock_.lap();
  report().background_s = clock_.seconds();
}

void BackgroundSave::vote_and_decide() {
  auto vote = try_to_write();
  set_snapshotted();
  report().write_s = clock_.lap();
  vote.synced = save_->options.io.fsync;
  if (vote.failure && !cancelled() && was_given_up()) {
    // By another rank, while this one was writing: what failed here may be the directory that is gone.
    given_up_ = true;
    if (rank_ == primary_) give_up();
  } else {
    save_->vote->cast(vote);
  }
  if (vote.failure && !given_up_) throw Error(*vote.failure);
  if (!given_up_) {
    if (rank_ == primary_)
      decide();
    else
      wait_for_verdict();
  }
  if (given_up_)
    set_failed_elsewhere(Error(ErrorCode::cancelled, "another rank gave the save up; its result says why", 0,
                               -1, save_->request.path));
}

commit::Vote BackgroundSave::try_to_write() noexcept {
  commit::Vote vote;
  try {
    vote = write();
  } catch (const Error& error) {
    vote.failure.emplace(error);
  } catch (const std::bad_alloc&) {
    vote.failure.emplace(ErrorCode::out_of_memory, "there was not enough memory to write in the background");
  } catch (const std::exception& error) {
    vote.failure.emplace(ErrorCode::internal, error.what());
  } catch (...) {
    vote.failure.emplace(ErrorCode::internal, "something that is not a std::exception was thrown");
  }
  // What is not put will not be.
  for (auto& each : writers_) {
    each.writer.drop_staged();
    each.part.sink.reset();
  }
  queue_->staging().trim();
  return vote;
}

commit::Vote BackgroundSave::write() {
  const auto& options = save_->options;
  const int threads = io::thread_count(options.io);
  for (auto& each : writers_) put(each, threads);
  set_snapshotted();
  commit::Vote vote;
  for (auto& [part, job, writer] : writers_) {
    vote.tables.emplace(part.name, writer.put_rows(*part.sink));
    part.sink->finish();
    if (!part.structure_file) continue;
    if (options.io.fsync) base::sync(part.structure_file);
    part.structure_file.close();
  }
  for (auto& part : save_->request.others) part->write(options.io.fsync);
  vote.write_s = clock_.seconds();
  vote.host = base::host_name();
  return vote;
}

void BackgroundSave::put(TreeWriter& each, int threads) {
  if (save_->options.async.snapshot)
    each.writer.put_staged(*each.part.sink, threads, &pace_);
  else
    each.writer.put_blocks(*each.part.sink, threads, every_leaf, &pace_);
}

void BackgroundSave::decide() {
  const auto votes = wait_for_votes();
  if (!votes) {
    given_up_ = true;
    give_up();
    return;
  }
  const auto slowest = std::max_element(votes->begin(), votes->end(),
                                        [](const auto& a, const auto& b) { return a.write_s < b.write_s; });
  report().slowest_rank = static_cast<int>(slowest - votes->begin());
  report().slowest_host = slowest->host;
  const bool sync = save_->options.io.fsync;
  const auto& directory = save_->transaction->directory();
  const auto text = commit::encode(commit::elect(directory, std::move(save_->manifest), *votes));
  if (save_->transaction->decide(text, sync) == commit::Verdict::aborted) {
    given_up_ = true;
    give_up();
    return;
  }
  save_->transaction->publish(sync);
}

/// nullopt: a rank gave the save up.
std::optional<std::vector<commit::Vote>> BackgroundSave::wait_for_votes() {
  const auto& directory = save_->transaction->directory();
  std::vector<commit::Vote> votes;
  for (int rank = 0; rank < ranks_; ++rank) {
    Patience patience;
    std::optional<commit::Vote> vote;
    while (!(vote = commit::read_vote(directory, rank, ranks_))) {
      if (cancelled()) throw Error(ErrorCode::cancelled, "the save was cancelled");
      if (commit::read_token(directory).kind != commit::TokenKind::open) return std::nullopt;
      check_deadline("has not voted", rank);
      patience.wait();
    }
    if (vote->failure) throw Error(*vote->failure);
    votes.push_back(std::move(*vote));
  }
  return votes;
}

/// Where the save was given up, the primary says why.
void BackgroundSave::wait_for_verdict() {
  Patience patience;
  commit::TokenKind token;
  while ((token = commit::read_token(save_->transaction->directory()).kind) == commit::TokenKind::open) {
    check_deadline("has not decided", primary_);
    patience.wait();
  }
  // None at all: the primary removes what was given up. (Or another job has replaced what was committed,
  // between two looks; what `result` says is the primary's to know.)
  given_up_ = token != commit::TokenKind::commit;
}

/// Whether another rank has failed: then it is no use to go on writing.
bool BackgroundSave::was_given_up() const {
  return commit::read_token(save_->transaction->directory()).kind != commit::TokenKind::open;
}

/// A deadline or a failure of this rank is no verdict: the token has it. nullopt: it could not be read.
std::optional<commit::Verdict> BackgroundSave::give_up() noexcept {
  try {
    const auto verdict = save_->transaction->abort();
    if (verdict == commit::Verdict::aborted && rank_ == primary_) save_->transaction->discard();
    return verdict;
  } catch (const std::exception&) {
    return std::nullopt;  // the next save at this path finds out
  }
}

double BackgroundSave::allowance_s() const noexcept {
  const auto& options = save_->options;
  const auto rate = static_cast<double>(options.async.rate_bytes_per_s);
  return save_->allowance_s() + (rate > 0 ? static_cast<double>(save_->fullest_bytes) / rate : 0);
}

void BackgroundSave::check_deadline(const char* what, int rank) const {
  const double allowed = save_->options.ranks.timeout_s + allowance_s();
  if (clock_.seconds() > allowed)
    throw Error(ErrorCode::timeout,
                "rank " + std::to_string(rank) + " " + what + " within " +
                    std::to_string(static_cast<long>(allowed)) +
                    " s, and the save was given up (ranks.timeout_s)",
                0, rank_, save_->request.path);
}

/// What the primary alone knows goes to all.
void BackgroundSave::do_conclude(comm::Communicator& comm) {
  save_->request.others.clear();  // what is the program's own ends in its own thread
  auto& own = report();
  const auto bytes = comm.agree_on_root("report", [&] {
    if (given_up_)
      throw Error(ErrorCode::timeout, "another rank gave the save up", 0, rank_, save_->request.path);
    base::Packer pack;
    pack.u64(std::bit_cast<std::uint64_t>(own.commit_s));
    pack.u64(static_cast<std::uint64_t>(own.slowest_rank));
    pack.str(own.slowest_host);
    return std::move(pack).text();
  });
  base::Unpacker unpack(*bytes);
  own.commit_s = std::bit_cast<double>(unpack.u64());
  own.slowest_rank = static_cast<int>(unpack.u64());
  own.slowest_host = unpack.str();
  base::log_report(save_->options.log, own, comm.is_primary());
}

}  // namespace cairn::save_stages
