#include "async/queue.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/message.hpp"
#include "base/pack.hpp"
#include "cairn/checkpointables.hpp"
#include "commit/path.hpp"
#include "commit/place.hpp"
#include "commit/stored_files.hpp"
#include "handlers/builtin.hpp"
#include "handlers/contents.hpp"
#include "handlers/resolve.hpp"
#include "handlers/section.hpp"
#include "load/load_operation.hpp"
#include "load/tree_file.hpp"

#include <deque>

namespace cairn {
namespace handlers {
namespace {

/// One load of named things: open, resolve, then the trees, then the others.
class LoadCheckpointables {
 public:
  LoadCheckpointables(comm::Communicator& comm, const Context& context, const Path& path,
                      const Checkpointables& things, const LoadOptions& load)
      : comm_(comm), context_(context), path_(path), load_(load), entries_(by_name(things)) {}

  Report run() {
    base::Clock clock;
    agree();
    const auto opened = comm_.agree_on_root("open", [&] { return open_on_primary(); });
    resolve(*opened);
    load_trees();
    load_others();
    report_.operation = "load_checkpointables";
    report_.path = path_;
    report_.blocked_s = clock.seconds();
    base::log_report(context_.log, report_, comm_.is_primary());
    return report_;
  }

 private:
  /// A thing and what was saved under its name.
  struct Wanted {
    const Checkpointables::Entry* entry = nullptr;
    std::string type;  // of its handler
    std::vector<std::string> files;
    std::shared_ptr<Handler> handler;
  };

  struct TreeLoad {
    TreeLoad(Tree* into, const Context& context, const Path& path, const LoadOptions& options)
        : tree(into), operation(context, path, options, "load_checkpointables") {}
    Tree* tree;
    load_stages::LoadOperation operation;
  };

  void agree();
  std::string open_on_primary();
  void resolve(const std::string& bytes);
  bool join();
  void add_tree(const Checkpointables::Entry& entry);
  void load_trees();
  void load_others();
  void check(const commit::CheckpointableEntry& entry) const;
  void load_other(const Wanted& wanted);

  comm::Communicator& comm_;
  const Context& context_;
  const Path& path_;
  const LoadOptions& load_;
  Entries entries_;
  base::Digest save_id_ = {};
  base::File directory_;
  std::vector<Wanted> wanted_;
  std::deque<TreeLoad> trees_;
  std::uint64_t other_bytes_ = 0;                      // of what are no trees
  std::optional<load_stages::OpenedManifest> opened_;  // on the primary
  Report report_;
};

void LoadCheckpointables::agree() {
  Options options = context_;
  const plan::SaveRequest request{"load_checkpointables", path_, "state", false, {}, {}, {}};
  agree_on_contents(comm_, options, request, entries_, [&](const auto& entry) {
    if (auto problem = problem_of(entry.thing, true); !problem.empty())
      throw Error(ErrorCode::invalid_argument, problem);
    return describe(entry.thing);
  });
}

std::string LoadCheckpointables::open_on_primary() {
  opened_ = load_stages::open_manifest(commit::resolve_path(path_, context_.files));
  base::Packer pack;
  pack.u64(opened_->manifest.save_id.lo);
  pack.u64(opened_->manifest.save_id.hi);
  for (const auto* wanted : entries_) {
    const auto& entry = load_stages::find_entry(opened_->manifest, wanted->name, path_);
    pack.str(entry.handler);
    pack.u64(entry.handler == tree_type ? 0 : entry.bytes);
    pack.u64(entry.files.size());
    for (const auto& file : entry.files) pack.str(file.name);
  }
  return std::move(pack).text();
}

/// The same checkpoint as on the primary, and the same handlers.
void LoadCheckpointables::resolve(const std::string& bytes) {
  const auto lanes = comm_.agree_min("resolve", 3, [&] {
    base::Unpacker unpack(bytes);
    save_id_.lo = unpack.u64();
    save_id_.hi = unpack.u64();
    std::string types;
    for (const auto* entry : entries_) {
      auto& wanted = wanted_.emplace_back();
      wanted.entry = entry;
      const std::string recorded(unpack.str());
      other_bytes_ += unpack.u64();
      for (auto files = unpack.u64(); files > 0; --files) wanted.files.emplace_back(unpack.str());
      try {
        wanted.handler = for_load(context_.handlers, entry->name, recorded, entry->thing);
      } catch (const Error& error) {
        throw Error(error.code(), "`" + entry->name + "`: " + std::string(base::message_of(error)), 0,
                    comm_.rank(), path_);
      }
      wanted.type = wanted.handler->type();
      types += wanted.type + "\n";
      if (wanted.type == tree_type) add_tree(*entry);
    }
    const auto hash = base::digest(types).lo;
    return comm::Lanes{join() ? 1u : 0u, hash, ~hash};
  });
  if ((*lanes)[0] == 0) throw load_stages::overwritten(path_);
  if ((*lanes)[1] != ~(*lanes)[2])
    throw Error(ErrorCode::mismatch,
                "the ranks have other handlers for the same thing: give all contexts the same ones", 0, -1,
                path_);
}

bool LoadCheckpointables::join() {
  auto checkpoint = commit::open_checkpoint(commit::resolve_path(path_, context_.files));
  directory_ = std::move(checkpoint.directory);
  return checkpoint.save_id == save_id_;
}

void LoadCheckpointables::add_tree(const Checkpointables::Entry& entry) {
  LoadOptions options = load_;
  options.checkpointable_name = entry.name;
  // Its leaves are bound to memory, which may be written to where the tree itself is const.
  auto* const tree = const_cast<Tree*>(entry.thing.get_if<const Tree>());
  trees_.emplace_back(tree, context_, path_, options).operation.expect(save_id_);
}

/// All of them are opened and matched before the memory of any is touched.
void LoadCheckpointables::load_trees() {
  for (auto& [tree, operation] : trees_) operation.start(comm_, *tree);
  for (auto& [tree, operation] : trees_) {
    const auto report = operation.fill(comm_);
    report_.bytes += report.bytes;
    report_.verified_bytes += report.verified_bytes;
    report_.leaves += report.leaves;
    report_.plan_s += report.plan_s;
    report_.write_s += report.write_s;
  }
}

void LoadCheckpointables::load_others() {
  const auto is_other = [](const Wanted& wanted) { return wanted.type != tree_type; };
  if (std::none_of(wanted_.begin(), wanted_.end(), is_other)) return;
  // Read once for their digests, once to be loaded.
  comm_.allow(2 * static_cast<double>(other_bytes_) / context_.ranks.slowest_bytes_per_s);
  comm_.agree_on_root("check files", [&] {
    for (const auto& wanted : wanted_)
      if (is_other(wanted)) check(opened_->manifest.checkpointables.at(wanted.entry->name));
    return std::string();
  });
  for (const auto& wanted : wanted_)
    if (is_other(wanted)) load_other(wanted);
  // Handlers open their files by path.
  comm_.agree_on_root("check path", [&] {
    const auto now = base::try_open_directory(directory_.name());
    if (!now || !commit::is_same(now, directory_)) throw load_stages::overwritten(path_);
    return std::string();
  });
  comm_.allow(0);
}

/// On the primary.
void LoadCheckpointables::check(const commit::CheckpointableEntry& entry) const {
  try {
    commit::check_files(opened_->checkpoint.directory, entry, context_.integrity.verify != Verify::off);
  } catch (const Error& error) {
    if (load_stages::vanished(error)) throw load_stages::overwritten(path_);
    throw;
  }
}

void LoadCheckpointables::load_other(const Wanted& wanted) {
  const auto& name = wanted.entry->name;
  Section section(comm_, context_, {&directory_, directory_.name(), name, &wanted.files});
  try {
    section.run([&] { wanted.handler->load(section, wanted.entry->thing); });
  } catch (const Error& error) {
    throw Error(error.code(), "`" + name + "`: " + std::string(base::message_of(error)), error.system_error(),
                error.rank(), error.path());
  }
}

}  // namespace
}  // namespace handlers

inline namespace CAIRN_ABI {

Report load_checkpointables(const Context& context, const Path& path, const Checkpointables& things,
                            const LoadOptions& options) {
  comm::Communicator comm(context);
  async::Queue::finish_all(comm);
  return handlers::LoadCheckpointables(comm, context, path, things, options).run();
}

}  // namespace CAIRN_ABI
}  // namespace cairn
