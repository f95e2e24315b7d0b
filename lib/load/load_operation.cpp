#include "load/load_operation.hpp"

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/message.hpp"
#include "base/pack.hpp"
#include "commit/path.hpp"
#include "device/memory.hpp"
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
plan::SaveRequest as_request(const char* operation, const Path& path, const LoadOptions& load) {
  const nlohmann::json options = {{"partial", load.partial},
                                  {"cast", static_cast<int>(load.cast)},
                                  {"rename", load.rename},
                                  {"whole", load.whole},
                                  {"deal_per_rank", load.deal_per_rank}};
  return {operation, path, load.checkpointable_name, false, options};
}

/// In what the ranks may differ: the lengths before the load resizes, and the order, which no load asks for.
void forget_what_may_differ(std::vector<tree::LocalLeaf>& leaves) {
  for (auto& leaf : leaves) {
    if (leaf.dtype == Dtype::string) leaf.element_bytes = 0;
    leaf.fortran_order = false;
  }
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

Error with_undefined_memory(const Error& error) {
  return base::with_message(
      error, std::string(base::message_of(error)) + "; what the tree's memory holds is undefined now");
}

Error overwritten(const Path& path) {
  return Error(ErrorCode::locked, "the checkpoint was overwritten while it was loaded; load again", 0, -1,
               path);
}

LoadOperation::LoadOperation(const Context& context, const Path& path, const LoadOptions& options,
                             const char* call)
    : call_(call), options_(context), path_(path), load_(options) {
  report_.operation = "load";
  report_.path = path;
}

Report LoadOperation::run(comm::Communicator& comm, Tree& tree) {
  base::Clock total;
  start(comm, tree);
  fill(comm);
  report_.blocked_s = total.seconds();
  base::log_report(options_.log, report_, comm.is_primary());
  return report_;
}

Tree LoadOperation::run_owning(comm::Communicator& comm) {
  base::Clock total;
  agree_on_request(comm, [](std::vector<tree::Problem>&) { return std::vector<tree::LocalLeaf>(); });
  open(comm, nullptr);
  std::vector<tree::LocalLeaf> leaves;
  auto tree = comm.agree("make tree", [&] {
    Tree made = make_owning_tree(opened_.stored, load_, comm.rank(), comm.size());
    std::vector<tree::Problem> problems;
    leaves = tree::resolve(made, problems);
    return made;
  });
  match_leaves(comm, std::move(leaves));
  fill(comm);
  report_.blocked_s = total.seconds();
  base::log_report(options_.log, report_, comm.is_primary());
  return std::move(*tree);
}

void LoadOperation::start(comm::Communicator& comm, Tree& tree, const std::function<void()>& prepare) {
  base::Clock clock;
  auto request = agree_on_request(comm, [&](std::vector<tree::Problem>& problems) {
    if (prepare) prepare();
    tree::unshare(tree);
    return tree::resolve(tree, problems);
  });
  open(comm, &request.wanted);
  match_leaves(comm, std::move(request.leaves));
  report_.plan_s = clock.seconds();
}

LoadOperation::Request LoadOperation::agree_on_request(comm::Communicator& comm,
                                                       const plan::Resolve& resolve) {
  Request own;
  std::vector<tree::LocalLeaf> described;
  const auto request = as_request(call_, path_, load_);
  const auto lanes = comm.agree_min("load", 2, [&] {
    std::vector<tree::Problem> problems;
    own.leaves = resolve(problems);
    plan::check_request(request, options_, comm.size(), problems);
    plan::throw_if_any(problems);
    for (const auto& leaf : own.leaves) own.wanted.push_back(name_in_file(leaf.path, load_));
    std::sort(own.wanted.begin(), own.wanted.end());
    described = own.leaves;
    forget_what_may_differ(described);
    const auto hash = plan::agreed_digest(request, options_.ranks.primary, described).lo;
    return comm::Lanes{hash, ~hash};
  });
  if ((*lanes)[0] != ~(*lanes)[1]) plan::throw_different(comm, request, options_.ranks.primary, described);
  comm.set_primary(options_.ranks.primary);
  return own;
}

void LoadOperation::open(comm::Communicator& comm, const std::vector<std::string>* wanted) {
  constexpr int kAttempts = 100;  // an overwrite may come between, but not every time
  for (int attempt = 0;; ++attempt) {
    const auto bytes = comm.agree_on_root("open", [&] { return open_on_primary(wanted); });
    const auto joined = comm.agree_min("join", 1, [&] {
      opened_ = unpack_opened(*bytes);
      const bool same = join(opened_, comm.rank());
      if (!same && attempt == kAttempts)
        throw Error(ErrorCode::not_found, "this rank does not see the checkpoint that the primary opened", 0,
                    comm.rank(), path_);
      return comm::Lanes{same ? 1u : 0u};
    });
    if ((*joined)[0] == 1) return;
  }
}

LoadOperation::Opened LoadOperation::unpack_opened(std::string_view bytes) {
  base::Unpacker unpack(bytes);
  Opened opened;
  opened.save_id.lo = unpack.u64();
  opened.save_id.hi = unpack.u64();
  opened.file_name = unpack.str();
  opened.file_bytes = unpack.u64();
  opened.stored.world_size = static_cast<int>(unpack.u64());
  opened.stored.unwanted = unpack.str();
  opened.stored.leaves = tree::unpack_leaves(unpack.str());
  opened.stored.rows = unpack_rows(unpack, opened.stored.leaves);
  return opened;
}

std::string LoadOperation::open_on_primary(const std::vector<std::string>* wanted) const {
  return with_manifest(commit::resolve_path(path_, options_.files), [&](const OpenedManifest& opened) {
    if (expected_ != base::Digest{} && opened.manifest.save_id != expected_) throw overwritten(path_);
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
bool LoadOperation::join(const Opened& opened, int rank) {
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
                "this rank sees another size of " + file_.name().string() + " than the primary", 0, rank,
                path_);
  return true;
}

void LoadOperation::match_leaves(comm::Communicator& comm, std::vector<tree::LocalLeaf> leaves) {
  void* const nccl = options_.device.nccl;
  device_ = device::current_device();  // reading may be another thread's
  const auto lanes = comm.agree_min("match", 1, [&] {
    matched_ = match(std::move(leaves), opened_.stored, load_, comm.rank(), comm.size());
    shared_.emplace(matched_.shared, opened_.stored, comm.rank(), comm.size(), options_.device.stream);
    report_.leaves = opened_.stored.leaves.size();
    return comm::Lanes{shared_->fits_nccl(nccl) ? 1u : 0u};
  });
  if ((*lanes)[0] == 1) shared_->use_nccl(nccl, options_.ranks.timeout_s);
}

void LoadOperation::read() {
  base::Clock clock;
  std::vector<io::Want> wants = std::move(matched_.own);
  wants.insert(wants.end(), shared_->reads().begin(), shared_->reads().end());
  std::stable_sort(wants.begin(), wants.end(), [](const auto& a, const auto& b) { return a.leaf < b.leaf; });
  io::ReadJob job{&opened_.stored.leaves, opened_.stored.rows, wants, options_.integrity.verify};
  job.device = device_;
  job.device_stream = options_.device.stream;
  job.pinned_bytes = options_.device.pinned_bytes;
  result_ = io::read(file_, job, options_.io);
  report_.write_s = clock.seconds();
}

Report LoadOperation::finish(comm::Communicator& comm) {
  base::Clock clock;
  shared_->exchange(comm);
  comm.agree("share", [&] { shared_->finish(); });
  const auto sum = comm.sum("account", {result_.bytes, result_.verified_bytes});
  report_.bytes = (*sum)[0];
  report_.verified_bytes = (*sum)[1];
  report_.write_s += clock.seconds();
  return report_;
}

double LoadOperation::allowance_s() const noexcept {
  std::uint64_t all = 0;
  for (const auto& leaf : opened_.stored.leaves) all += leaf.bytes();
  return static_cast<double>(all) / options_.ranks.slowest_bytes_per_s;
}

Report LoadOperation::fill(comm::Communicator& comm) {
  comm.allow(allowance_s());
  try {
    comm.agree("read", [&] { read(); });
    finish(comm);
    comm.allow(0);
    return report_;
  } catch (const Error& error) {
    throw with_undefined_memory(error);
  }
}

}  // namespace cairn::load_stages
