#include "commit/transaction.hpp"

#include "base/message.hpp"
#include "cairn/error.hpp"
#include "commit/manifest.hpp"
#include "commit/owner.hpp"
#include "commit/path.hpp"
#include "commit/place.hpp"
#include "commit/repair.hpp"
#include "commit/token.hpp"

#include <chrono>
#include <exception>
#include <thread>
#include <utility>

#include <fcntl.h>

namespace cairn::commit {

struct Transaction::Rep {
  Names names;
  base::Digest id = {};
  bool overwrite = false;
  FileOptions files = {};
  base::File directory;
  // On the primary:
  base::File parent;
  base::File owner;                      // holds the lock
  base::File token;                      // the descriptor that wrote it
  std::vector<base::File> grandparents;  // of directories made on the way to the parent

  ~Rep() { give_owner_back(); }
  /// A child process of the program may have the descriptor too.
  void give_owner_back() noexcept {
    if (owner) base::unlock(owner);
    owner = {};
  }
  Path hidden_path() const { return names.parent / names.hidden(id); }
};

namespace {

constexpr int most_attempts = 100;

void refuse_living(const Names& names, const std::vector<std::string>& living) {
  if (living.empty()) return;
  throw Error(ErrorCode::locked,
              "another save at " + names.final_path().string() + " is under way: " + living.front() +
                  "; wait for it, or choose another path",
              0, -1, names.final_path());
}

void refuse_existing(const base::File& parent, const Names& names, bool overwrite) {
  const Found found = look_at(parent, names.name).found;
  if (found == Found::nothing || found == Found::empty_directory) return;
  if (found != Found::checkpoint || !overwrite) throw in_the_way(names, found);
}

/// Locks the owner file and writes who this is. False: a repair took the new directory for a dead one's.
bool claim(const base::File& parent, const std::string& hidden, const base::File& directory,
           const base::File& file, bool overwrite) {
  Owner self = this_process();
  self.overwrite = overwrite;
  try {
    if (!base::try_lock(file)) return false;
    self.locked = true;
  } catch (const Error& error) {
    // No locks on this file system: the process's own signs must do.
    if (error.system_error() == 0) throw;
  }
  if (!is_at(parent, hidden, directory)) return false;
  const std::string text = encode(self);
  base::write_at(file, std::as_bytes(std::span(text)), 0);
  return true;
}

}  // namespace

Transaction::Transaction(std::unique_ptr<Rep> rep) : rep_(std::move(rep)) {}
Transaction::Transaction(Transaction&&) noexcept = default;
Transaction& Transaction::operator=(Transaction&&) noexcept = default;
Transaction::~Transaction() = default;

Transaction Transaction::begin(const Path& path, const base::Digest& id, bool overwrite,
                               const FileOptions& files) {
  auto rep = std::make_unique<Rep>();
  rep->names = split_path(path);
  rep->id = id;
  rep->overwrite = overwrite;
  rep->files = files;
  rep->parent = open_or_create(rep->names.parent, files, rep->grandparents);
  refuse_living(rep->names, repair_leftovers(rep->parent, rep->names).living);
  refuse_existing(rep->parent, rep->names, overwrite);

  Transaction transaction(std::move(rep));
  try {
    transaction.make_directory();
    // Another save may have begun since the repair: then neither goes on, rather than both.
    refuse_living(transaction.rep_->names,
                  find_living(transaction.rep_->parent, transaction.rep_->names, id));
  } catch (...) {
    transaction.discard();
    throw;
  }
  return transaction;
}

void Transaction::make_directory() {
  Rep& rep = *rep_;
  const std::string hidden = rep.names.hidden(rep.id);
  for (int attempt = 0;; ++attempt) {
    try {
      rep.directory = create_directory(rep.parent, hidden, rep.files);
      rep.owner = create_file(rep.directory, owner_file, rep.files);
      if (claim(rep.parent, hidden, rep.directory, rep.owner, rep.overwrite)) break;
    } catch (const Error& error) {
      // A repair is just removing it, see `claim`.
      if (error.code() != ErrorCode::not_found && error.code() != ErrorCode::already_exists) throw;
    }
    if (attempt == most_attempts) {
      throw Error(ErrorCode::locked, "another process keeps removing " + rep.hidden_path().string(), 0, -1,
                  rep.names.final_path());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  rep.token = create_file(rep.directory, open_token, rep.files);
  const std::string text = token_text(rep.id);
  base::write_at(rep.token, std::as_bytes(std::span(text)), 0);
}

Transaction Transaction::join(const Path& path, const base::Digest& id) {
  auto rep = std::make_unique<Rep>();
  rep->names = split_path(path);
  rep->id = id;
  const Path hidden = rep->hidden_path();
  // A network file system may show the new directory to other hosts a little later.
  for (int attempt = 0; !rep->directory; ++attempt) {
    if (attempt > 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    rep->directory = base::try_open_directory(hidden);
    if (!rep->directory && attempt == 50) {
      throw Error(ErrorCode::not_found,
                  "this rank does not see " + hidden.string() +
                      ", which the primary rank made: save to a file system that all ranks share",
                  0, -1, rep->names.final_path());
    }
  }
  return Transaction(std::move(rep));
}

const base::File& Transaction::directory() const noexcept {
  return rep_->directory;
}

Path Transaction::temporary_path() const {
  return rep_->hidden_path();
}

Verdict Transaction::decide(const std::string& checkpoint_json, bool sync) {
  Rep& rep = *rep_;
  auto manifest = create_file(rep.directory, manifest_file, rep.files);
  base::write_at(manifest, std::as_bytes(std::span(checkpoint_json)), 0);
  if (sync) {
    base::sync(manifest);
    base::sync(rep.token);
    base::sync(rep.directory);
  }
  manifest.close();
  rep.token.close();
  return settle(commit_token);
}

Verdict Transaction::abort() {
  return settle(abort_token);
}

Verdict Transaction::settle(const char* wanted) {
  if (base::rename_over(rep_->directory, open_token, wanted) == base::RenameResult::done) {
    return wanted == commit_token ? Verdict::committed : Verdict::aborted;
  }
  // Whoever renamed `open` first has decided; over a network, that may be an earlier try of this very rename.
  const TokenKind kind = read_token(rep_->directory).kind;
  return kind == TokenKind::commit || kind == TokenKind::damaged ? Verdict::committed : Verdict::aborted;
}

void Transaction::publish(bool sync) {
  Rep& rep = *rep_;
  try {
    if (sync) {
      for (const auto& directory : rep.grandparents) base::sync(directory);
    }
    put_in_place(rep.parent, rep.names, rep.directory, rep.id, rep.overwrite, sync);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::already_exists && !rep.overwrite &&
        look_at(rep.parent, rep.names.name).found == Found::checkpoint) {
      // Another save was first, and this one may not replace it.
      dispose(rep.parent, rep.names, rep.names.hidden(rep.id), rep.directory, rep.id);
      throw;
    }
    throw base::with_message(error, std::string(base::message_of(error)) +
                                        "; what was saved is complete, and the next save at this path puts "
                                        "it in place");
  }
  rep.give_owner_back();
}

void Transaction::discard() noexcept {
  Rep& rep = *rep_;
  try {
    if (!rep.directory) {
      base::remove_empty_directory(rep.parent, rep.names.hidden(rep.id));
      return;
    }
    if (read_token(rep.directory).kind == TokenKind::commit) return;
    dispose(rep.parent, rep.names, rep.names.hidden(rep.id), rep.directory, rep.id);
  } catch (const std::exception&) {
    // The next save or repair at this path removes it.
  }
  rep.give_owner_back();
}

void Retired::remove() const {
  empty_trash(parent, entry);
}

void remove_checkpoint(const Path& path, bool sync) {
  retire_checkpoint(path, sync).remove();
}

void remove_damaged(const Names& names, bool sync) {
  const auto parent = base::open_directory(names.parent);
  const auto directory = base::open_file(&parent, names.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  dispose(parent, names, names.name, directory, base::random_id());
  if (sync) base::sync(parent);
}

Retired retire_checkpoint(const Path& path, bool sync) {
  const Names names = split_path(path);
  const auto missing = [&] {
    return Error(ErrorCode::not_found, "there is no checkpoint at " + names.final_path().string(), 0, -1,
                 names.final_path());
  };
  auto parent = base::try_open_directory(names.parent);
  if (!parent) throw missing();
  refuse_living(names, repair_leftovers(parent, names).living);
  const Existing existing = look_at(parent, names.name);
  if (existing.found == Found::nothing) throw missing();
  if (existing.found != Found::checkpoint) {
    throw Error(ErrorCode::not_a_checkpoint,
                names.final_path().string() + " is no checkpoint, and is not removed", 0, -1,
                names.final_path());
  }
  if (!move_to_trash(parent, names, names.name, existing.directory, existing.id)) {
    throw Error(ErrorCode::locked, names.final_path().string() + " was replaced just now, and is not removed",
                0, -1, names.final_path());
  }
  if (sync) base::sync(parent);
  return {std::move(parent), names.trash(existing.id)};
}

}  // namespace cairn::commit
