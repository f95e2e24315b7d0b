#include "load/load_operation.hpp"

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/pack.hpp"
#include "commit/path.hpp"
#include "io/read.hpp"
#include "load/shared_arrays.hpp"
#include "load/tree_file.hpp"
#include "plan/description.hpp"
#include "plan/misfit.hpp"
#include "plan/request_check.hpp"
#include "tree/index.hpp"

#include <algorithm>

#include <fcntl.h>

namespace cairn::load_stages {
namespace {

/// What must be the same on every rank, as a request whose description is compared.
plan::SaveRequest as_request(const Path& path, const LoadOptions& load) {
  const nlohmann::json options = {{"partial", load.partial},
                                  {"cast", static_cast<int>(load.cast)},
                                  {"rename", load.rename},
                                  {"whole", load.whole},
                                  {"deal_per_rank", load.deal_per_rank}};
  return {"load", path, load.checkpointable_name, false, options};
}

/// What a leaf is before the load resizes it may differ between ranks.
void forget_lengths(std::vector<tree::LocalLeaf>& leaves) {
  for (auto& leaf : leaves)
    if (leaf.dtype == Dtype::string) leaf.element_bytes = 0;
}

void pack_rows(base::Packer& pack, const std::vector<tree::BlockRow>& rows, const tree::RowFormat& format) {
  pack.u64(format.ndims);
  pack.u64(format.bytes);
  std::string bytes(rows.size() * format.bytes, '\0');
  for (std::size_t i = 0; i < rows.size(); ++i)
    tree::encode_row(rows[i], format,
                     std::as_writable_bytes(std::span(bytes)).subspan(i * format.bytes, format.bytes));
  pack.str(bytes);
}

std::vector<tree::BlockRow> unpack_rows(base::Unpacker& unpack, const std::vector<tree::StoredLeaf>& leaves) {
  tree::RowFormat format;
  format.ndims = static_cast<std::uint32_t>(unpack.u64());
  format.bytes = static_cast<std::uint32_t>(unpack.u64());
  const auto bytes = std::as_bytes(std::span(unpack.str()));
  std::vector<tree::BlockRow> rows(bytes.size() / format.bytes);
  for (std::size_t i = 0; i < rows.size(); ++i)
    tree::decode_row(bytes.subspan(i * format.bytes, format.bytes), format, leaves, rows[i]);
  return rows;
}

/// The wanted leaves and their rows, numbered anew, and the names of the others.
Stored select(TreeFile&& file, std::vector<tree::BlockRow>&& rows, const std::vector<std::string>* wanted) {
  Stored stored;
  if (!wanted) {
    stored.leaves = std::move(file.leaves);
    stored.rows = std::move(rows);
    return stored;
  }
  constexpr std::size_t kNamesShown = 8;
  std::size_t others = 0;
  constexpr std::uint32_t kNone = ~std::uint32_t{0};
  std::vector<std::uint32_t> number(file.leaves.size(), kNone);
  for (std::size_t i = 0; i < file.leaves.size(); ++i) {
    if (std::binary_search(wanted->begin(), wanted->end(), file.leaves[i].path)) {
      number[i] = static_cast<std::uint32_t>(stored.leaves.size());
      stored.leaves.push_back(std::move(file.leaves[i]));
    } else if (++others <= kNamesShown) {
      stored.unwanted += (others > 1 ? ", `" : "`") + file.leaves[i].path + "`";
    }
  }
  if (others > kNamesShown) stored.unwanted += " and " + std::to_string(others - kNamesShown) + " more";
  for (auto& row : rows) {
    if (number[row.leaf] == kNone) continue;
    row.leaf = number[row.leaf];
    stored.rows.push_back(std::move(row));
  }
  return stored;
}

}  // namespace

LoadOperation::LoadOperation(const Context& context, const Path& path, const LoadOptions& options)
    : comm_(context), options_(context), path_(path), load_(options) {
  report_.operation = "load";
  report_.path = path;
}

Report LoadOperation::run(Tree& tree) {
  base::Clock total, clock;
  std::vector<tree::Problem> problems;
  tree::unshare(tree);
  auto leaves = tree::resolve(tree, problems);
  agree_on_request(leaves, std::move(problems));
  std::vector<std::string> wanted;
  for (const auto& leaf : leaves) wanted.push_back(name_in_file(leaf.path, load_));
  std::sort(wanted.begin(), wanted.end());
  const Opened opened = open(&wanted);
  report_.plan_s = clock.lap();
  fill(opened, std::move(leaves));
  report_.blocked_s = total.seconds();
  if (comm_.is_primary()) base::log_report(options_.log, report_);
  return report_;
}

Tree LoadOperation::run_owning() {
  base::Clock total, clock;
  agree_on_request({}, {});
  const Opened opened = open(nullptr);
  report_.plan_s = clock.lap();
  std::vector<tree::LocalLeaf> leaves;
  auto tree = comm_.agree("make tree", [&] {
    Tree made = make_owning_tree(opened.stored, load_, comm_.rank(), comm_.size());
    std::vector<tree::Problem> problems;
    leaves = tree::resolve(made, problems);
    return made;
  });
  fill(opened, std::move(leaves));
  report_.blocked_s = total.seconds();
  if (comm_.is_primary()) base::log_report(options_.log, report_);
  return std::move(*tree);
}

void LoadOperation::agree_on_request(std::vector<tree::LocalLeaf> leaves,
                                     std::vector<tree::Problem> problems) {
  forget_lengths(leaves);
  const auto request = as_request(path_, load_);
  const auto lanes = comm_.agree_min("load", 2, [&] {
    plan::check_request(request, options_, comm_.size(), problems);
    plan::throw_if_any(problems);
    const auto hash = plan::agreed_digest(request, options_.ranks.primary, leaves).lo;
    return comm::Lanes{hash, ~hash};
  });
  if ((*lanes)[0] != ~(*lanes)[1]) plan::throw_different(comm_, request, options_.ranks.primary, leaves);
  comm_.set_primary(options_.ranks.primary);
}

LoadOperation::Opened LoadOperation::open(const std::vector<std::string>* wanted) {
  constexpr int kAttempts = 100;  // an overwrite may come between, but not every time
  for (int attempt = 0;; ++attempt) {
    const auto bytes = comm_.agree_on_root("open", [&] { return open_on_primary(wanted); });
    base::Unpacker unpack(*bytes);
    Opened opened;
    opened.save_id.lo = unpack.u64();
    opened.save_id.hi = unpack.u64();
    opened.file_name = unpack.str();
    opened.file_bytes = unpack.u64();
    opened.stored.world_size = static_cast<int>(unpack.u64());
    opened.stored.unwanted = unpack.str();
    opened.stored.leaves = tree::unpack_leaves(unpack.str());
    opened.stored.rows = unpack_rows(unpack, opened.stored.leaves);
    const auto joined = comm_.agree_min("join", 1, [&] {
      const bool same = join(opened);
      if (!same && attempt == kAttempts)
        throw Error(ErrorCode::not_found, "this rank does not see the checkpoint that the primary opened", 0,
                    comm_.rank(), path_);
      return comm::Lanes{same ? 1u : 0u};
    });
    if ((*joined)[0] == 1) return opened;
  }
}

std::string LoadOperation::open_on_primary(const std::vector<std::string>* wanted) const {
  return with_manifest(commit::resolve_path(path_, options_.files), [&](const OpenedManifest& opened) {
    const auto& entry = find_entry(opened.manifest, load_.checkpointable_name, path_);
    if (entry.handler != "tree")
      throw Error(
          ErrorCode::mismatch,
          "the checkpointable `" + load_.checkpointable_name + "` is no tree but of handler " + entry.handler,
          0, -1, path_);
    auto file = open_tree_file(opened, entry);
    std::vector<tree::BlockRow> rows;
    if (options_.integrity.verify != Verify::off) rows = read_rows(file, entry);
    const Stored stored = select(std::move(file), std::move(rows), wanted);
    base::Packer pack;
    pack.u64(opened.manifest.save_id.lo);
    pack.u64(opened.manifest.save_id.hi);
    pack.str(entry.file);
    pack.u64(entry.bytes);
    pack.u64(static_cast<std::uint64_t>(opened.manifest.world_size));
    pack.str(stored.unwanted);
    pack.str(tree::pack_leaves(stored.leaves));
    pack_rows(pack, stored.rows, {entry.row_ndims, entry.row_bytes});
    return std::move(pack).text();
  });
}

/// Opens the same checkpoint as the primary did; false where another one stands there now.
bool LoadOperation::join(const Opened& opened) {
  try {
    const auto checkpoint = commit::open_checkpoint(commit::resolve_path(path_, options_.files));
    if (checkpoint.save_id != opened.save_id) return false;
    file_ = base::open_file(&checkpoint.directory, opened.file_name, O_RDONLY);
  } catch (const Error& error) {
    if (vanished(error)) return false;
    throw;
  }
  if (static_cast<std::uint64_t>(base::status(file_).st_size) != opened.file_bytes)
    throw Error(ErrorCode::corrupt,
                "this rank sees another size of " + file_.name().string() + " than the primary", 0,
                comm_.rank(), path_);
  return true;
}

Report LoadOperation::fill(const Opened& opened, std::vector<tree::LocalLeaf> leaves) {
  base::Clock clock;
  auto matched = comm_.agree(
      "match", [&] { return match(std::move(leaves), opened.stored, load_, comm_.rank(), comm_.size()); });
  std::optional<SharedArrays> shared;
  std::uint64_t largest = 0;
  for (const auto& leaf : opened.stored.leaves) largest += leaf.bytes();
  comm_.allow(static_cast<double>(largest) / options_.ranks.slowest_bytes_per_s);
  try {
    const auto result = comm_.agree("read", [&] {
      shared.emplace(matched->shared, opened.stored, comm_.rank(), comm_.size());
      std::vector<io::Want> wants = std::move(matched->own);
      wants.insert(wants.end(), shared->reads().begin(), shared->reads().end());
      std::stable_sort(wants.begin(), wants.end(),
                       [](const auto& a, const auto& b) { return a.leaf < b.leaf; });
      return io::read(file_, {&opened.stored.leaves, opened.stored.rows, wants, options_.integrity.verify},
                      options_.io);
    });
    shared->exchange(comm_);
    comm_.agree("share", [&] { shared->finish(); });
    comm_.allow(0);
    account(result->bytes, result->verified_bytes);
  } catch (const Error& error) {
    throw Error(error.code(),
                std::string(error.what()).substr(std::string(to_string(error.code())).size() + 2) +
                    "; what the tree's memory holds is undefined now",
                error.system_error(), error.rank(), error.path());
  }
  report_.leaves = opened.stored.leaves.size();
  report_.write_s = clock.lap();
  return report_;
}

/// Sums over the ranks.
void LoadOperation::account(std::uint64_t bytes, std::uint64_t verified_bytes) {
  const auto sum = comm_.sum("account", {bytes, verified_bytes});
  report_.bytes = (*sum)[0];
  report_.verified_bytes = (*sum)[1];
}

}  // namespace cairn::load_stages
