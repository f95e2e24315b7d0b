#include "commit/repair.hpp"

#include "cairn/error.hpp"
#include "commit/manifest.hpp"
#include "commit/owner.hpp"
#include "commit/place.hpp"
#include "commit/token.hpp"
#include "commit/transaction.hpp"
#include "commit/votes.hpp"

#include <algorithm>
#include <chrono>

#include <fcntl.h>

namespace cairn::commit {

namespace {

struct Committed {
  Leftover leftover;
  base::File directory;
  Inspection owner;
  std::chrono::system_clock::time_point created;
};

class Repairer {
 public:
  Repairer(const base::File& parent, const Names& names) : parent_(parent), names_(names) {}

  Repaired run() {
    for (const auto& leftover : find_leftovers(parent_, names_)) {
      try {
        examine(leftover);
      } catch (const Error& error) {
        add("left alone " + show(leftover) + ": " + error.what());
      }
    }
    std::sort(committed_.begin(), committed_.end(),
              [](const Committed& a, const Committed& b) { return a.created < b.created; });
    for (auto& committed : committed_) complete(committed);
    // What was replaced may only go once what replaced it is certain to stand.
    for (const auto& leftover : replaced_) remove_replaced(leftover);
    remove_stale_scratch();
    return std::move(result_);
  }

 private:
  void add(std::string line) { result_.lines.push_back(std::move(line)); }
  std::string show(const Leftover& leftover) const { return (names_.parent / leftover.entry).string(); }

  void examine(const Leftover& leftover) {
    if (leftover.trash) {
      empty_trash(parent_, leftover.entry);
      add("removed " + show(leftover));
      return;
    }
    auto directory = base::try_open_file(&parent_, leftover.entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!directory) return;
    const Token token = read_token(directory);
    if (token.kind == TokenKind::damaged) {
      add("left alone " + show(leftover) + ": its token is damaged; remove it if its save is over");
    } else if (token.kind == TokenKind::commit && token.id != leftover.id) {
      replaced_.push_back(leftover);
    } else {
      examine_owner(leftover, std::move(directory));
    }
  }

  void examine_owner(const Leftover& leftover, base::File directory) {
    Inspection owner = inspect_owner(directory);
    // It may have been decided until its owner's lock was free.
    const Token token = read_token(directory);
    if (owner.life == Life::living) {
      result_.living.push_back(owner.owner ? describe(*owner.owner) : show(leftover));
      add("left alone " + show(leftover) + ": its save is under way (" + result_.living.back() + ")");
    } else if (token.kind == TokenKind::commit || was_elected(owner, token, directory)) {
      const auto created = created_time(directory);
      committed_.push_back({leftover, std::move(directory), std::move(owner), created});
    } else if (owner.life == Life::dead || is_unfinished(directory, token, owner)) {
      remove(leftover, directory);
    } else {
      add("left alone " + show(leftover) + ": whether its save is over cannot be told here" +
          (owner.owner ? " (" + describe(*owner.owner) + ")" : std::string()) + "; remove it if it is");
    }
  }

  /// Whether its job died with all votes in: then it is decided here.
  static bool was_elected(const Inspection& owner, const Token& token, const base::File& directory) {
    return owner.life == Life::dead && token.kind == TokenKind::open && elect_leftover(directory);
  }

  /// Whether its owner got no further than making the directory. A living one that just does so notices, and
  /// makes it again.
  static bool is_unfinished(const base::File& directory, const Token& token, const Inspection& owner) {
    if (!owner.unfinished || token.kind != TokenKind::none) return false;
    const auto entries = base::list(directory);
    return std::all_of(entries.begin(), entries.end(),
                       [](const std::string& entry) { return entry == owner_file; });
  }

  void remove(const Leftover& leftover, const base::File& directory) {
    if (dispose(parent_, names_, leftover.entry, directory, leftover.id)) {
      add("removed " + show(leftover) + ", which was never committed");
    }
  }

  void complete(Committed& committed) {
    const Leftover& leftover = committed.leftover;
    const bool overwrite = !committed.owner.owner || committed.owner.owner->overwrite;
    const Existing existing = look_at(parent_, names_.name);
    const bool stands = existing.found == Found::checkpoint && existing.id != leftover.id;
    if (stands && (!overwrite || created_time(existing.directory) > committed.created)) {
      if (dispose(parent_, names_, leftover.entry, committed.directory, leftover.id)) {
        add("removed " + show(leftover) + ", which a later save has superseded");
      }
      return;
    }
    put_in_place(parent_, names_, committed.directory, leftover.id, overwrite, true);
    add("completed " + names_.final_path().string() + " from " + leftover.entry);
  }

  void remove_replaced(const Leftover& leftover) {
    try {
      const auto directory =
          base::try_open_file(&parent_, leftover.entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      if (!directory || look_at(parent_, names_.name).found != Found::checkpoint) return;
      base::sync(parent_);
      if (dispose(parent_, names_, leftover.entry, directory, leftover.id)) {
        add("removed " + show(leftover) + ", which was replaced");
      }
    } catch (const Error& error) {
      add("left alone " + show(leftover) + ": " + error.what());
    }
  }

  /// A crash between the last rename and the end leaves scratch files behind.
  void remove_stale_scratch() {
    try {
      const Existing existing = look_at(parent_, names_.name);
      if (existing.found != Found::checkpoint) return;
      if (base::status_of(existing.directory, owner_file) &&
          inspect_owner(existing.directory).life == Life::living)
        return;
      commit::remove_scratch(existing.directory);
    } catch (const Error&) {
      // They say nothing in a directory at its final name.
    }
  }

  static std::chrono::system_clock::time_point created_time(const base::File& directory) {
    try {
      return decode(base::read_whole(directory, manifest_file, most_manifest_bytes)).created;
    } catch (const Error&) {
      return {};
    }
  }

  const base::File& parent_;
  const Names& names_;
  std::vector<Committed> committed_;
  std::vector<Leftover> replaced_;
  Repaired result_;
};

}  // namespace

Repaired repair_leftovers(const base::File& parent, const Names& names) {
  return Repairer(parent, names).run();
}

std::vector<std::string> find_living(const base::File& parent, const Names& names, const base::Digest& own) {
  std::vector<std::string> living;
  for (const auto& leftover : find_leftovers(parent, names)) {
    if (leftover.trash || leftover.id == own) continue;
    const auto directory = base::try_open_file(&parent, leftover.entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!directory) continue;
    const Inspection owner = inspect_owner(directory);
    if (owner.life == Life::living) living.push_back(owner.owner ? describe(*owner.owner) : leftover.entry);
  }
  return living;
}

std::vector<std::string> repair(const Path& path) {
  const Names names = split_path(path);
  const auto parent = base::try_open_directory(names.parent);
  if (!parent) return {};
  return repair_leftovers(parent, names).lines;
}

}  // namespace cairn::commit
