#include "commit/repair.hpp"

#include "base/message.hpp"
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
  /// `acting`: does what it finds is to be done.
  Repairer(const base::File& parent, const Names& names, bool acting)
      : parent_(parent), names_(names), acting_(acting) {}

  Repaired run() {
    for (const auto& leftover : find_leftovers(parent_, names_)) {
      try {
        examine(leftover);
      } catch (const Error& error) {
        add(leftover, Fate::left_alone, error.what());
      }
    }
    std::sort(committed_.begin(), committed_.end(),
              [](const Committed& a, const Committed& b) { return a.created < b.created; });
    for (auto& committed : committed_) complete(committed);
    // What was replaced may only go once what replaced it is certain to stand.
    for (const auto& leftover : replaced_) remove_replaced(leftover);
    if (acting_) remove_stale_scratch();
    return std::move(result_);
  }

 private:
  void add(const Leftover& leftover, Fate fate, std::string why = {}, std::optional<Owner> owner = {}) {
    result_.found.push_back({leftover.entry, fate, std::move(why), std::move(owner)});
  }
  std::string show(const Leftover& leftover) const { return (names_.parent / leftover.entry).string(); }

  void examine(const Leftover& leftover) {
    if (leftover.trash) {
      if (acting_) empty_trash(parent_, leftover.entry);
      add(leftover, Fate::removed);
      return;
    }
    auto directory = base::try_open_file(&parent_, leftover.entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!directory) return;
    const Token token = read_token(directory);
    if (token.kind == TokenKind::damaged) {
      add(leftover, Fate::left_alone, "its token is damaged; remove it if its save is over");
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
      add(leftover, Fate::under_way, "its save is under way (" + result_.living.back() + ")", owner.owner);
    } else if (token.kind == TokenKind::commit || was_elected(owner, token, directory)) {
      // Of one that a look only finds decided, `pending` will be the manifest.
      const bool pending = !acting_ && token.kind != TokenKind::commit;
      const auto created = created_time(directory, pending ? pending_file : manifest_file);
      committed_.push_back({leftover, std::move(directory), std::move(owner), created});
    } else if (owner.life == Life::dead || is_unfinished(directory, token, owner)) {
      remove(leftover, directory);
    } else {
      add(leftover, Fate::left_alone,
          "whether its save is over cannot be told here" +
              (owner.owner ? " (" + describe(*owner.owner) + ")" : std::string()) + "; remove it if it is",
          owner.owner);
    }
  }

  /// Whether its job died with all votes in: then it is decided here.
  bool was_elected(const Inspection& owner, const Token& token, const base::File& directory) const {
    if (owner.life != Life::dead || token.kind != TokenKind::open) return false;
    return acting_ ? elect_leftover(directory) : can_elect(directory);
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
    if (disposed(leftover, directory)) add(leftover, Fate::removed, "which was never committed");
  }

  bool disposed(const Leftover& leftover, const base::File& directory) const {
    return !acting_ || dispose(parent_, names_, leftover.entry, directory, leftover.id);
  }

  void complete(Committed& committed) {
    const Leftover& leftover = committed.leftover;
    const bool overwrite = !committed.owner.owner || committed.owner.owner->overwrite;
    const Existing existing = look_at(parent_, names_.name);
    const bool stands = existing.found == Found::checkpoint && existing.id != leftover.id;
    if (stands && (!overwrite || created_time(existing.directory) > committed.created)) {
      if (disposed(leftover, committed.directory))
        add(leftover, Fate::removed, "which a later save has superseded");
      return;
    }
    if (acting_) {
      put_in_place(parent_, names_, committed.directory, leftover.id, overwrite, true);
    } else if (existing.found == Found::damaged || existing.found == Found::other) {
      add(leftover, Fate::left_alone, std::string(base::message_of(in_the_way(names_, existing.found))));
      return;
    }
    will_stand_ = true;
    add(leftover, Fate::completed, "", committed.owner.owner);
  }

  void remove_replaced(const Leftover& leftover) {
    try {
      const auto directory =
          base::try_open_file(&parent_, leftover.entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      if (!directory) return;
      const bool stands = look_at(parent_, names_.name).found == Found::checkpoint;
      if (!stands && (acting_ || !will_stand_)) return;
      if (acting_) base::sync(parent_);
      if (disposed(leftover, directory)) add(leftover, Fate::removed, "which was replaced");
    } catch (const Error& error) {
      add(leftover, Fate::left_alone, error.what());
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

  static std::chrono::system_clock::time_point created_time(const base::File& directory,
                                                            const char* name = manifest_file) {
    try {
      return decode(base::read_whole(directory, name, most_manifest_bytes)).created;
    } catch (const Error&) {
      return {};
    }
  }

  const base::File& parent_;
  const Names& names_;
  bool acting_;
  bool will_stand_ = false;  // a checkpoint at the final name, once this is done
  std::vector<Committed> committed_;
  std::vector<Leftover> replaced_;
  Repaired result_;
};

}  // namespace

Repaired repair_leftovers(const base::File& parent, const Names& names) {
  return Repairer(parent, names, true).run();
}

Repaired look_at_leftovers(const base::File& parent, const Names& names) {
  return Repairer(parent, names, false).run();
}

std::string to_line(const Finding& finding, const Names& names) {
  const std::string shown = (names.parent / finding.entry).string();
  switch (finding.fate) {
    case Fate::removed:
      return "removed " + shown + (finding.why.empty() ? "" : ", " + finding.why);
    case Fate::completed:
      return "completed " + names.final_path().string() + " from " + finding.entry;
    case Fate::under_way:
    case Fate::left_alone:
      break;
  }
  return "left alone " + shown + ": " + finding.why;
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
  std::vector<std::string> lines;
  if (!parent) return lines;
  for (const auto& finding : repair_leftovers(parent, names).found) lines.push_back(to_line(finding, names));
  return lines;
}

}  // namespace cairn::commit
