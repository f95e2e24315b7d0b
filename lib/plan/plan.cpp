#include "plan/plan.hpp"

#include "plan/blocks.hpp"
#include "plan/coverage.hpp"
#include "plan/description.hpp"
#include "plan/misfit.hpp"
#include "plan/pack_boxes.hpp"
#include "plan/request_check.hpp"
#include "plan/tiling_choice.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace cairn::plan {
namespace {

using comm::Lanes;

/// What the first agreement carries. The others contribute the greatest number to the primary's lanes, so
/// that the minimum is the primary's.
enum RequestLane : std::size_t {
  kHashLo,
  kHashLoInverse,
  kHashHi,
  kHashHiInverse,
  kIdLo,
  kIdHi,
  kBlockBytes,
  kAlignmentBytes,
  kFlags,
  kPermissions,
  kRate,
  kRequestLanes
};
constexpr std::uint64_t kCollective = 1, kChecksums = 2, kFsync = 4, kReserve = 8;
constexpr int kFlagBits = 4;

/// What every sum begins with; a lane for each sharded and each appended leaf follows.
enum SumLane : std::size_t { kCoverageLo, kCoverageHi, kLinksLo, kLinksHi, kPages, kSumLanes };

void put_options(const Options& options, Lanes& lanes) {
  lanes[kBlockBytes] = options.io.block_bytes;
  lanes[kAlignmentBytes] = options.io.alignment_bytes;
  const auto flag = [](bool set, std::uint64_t bit) { return set ? bit : 0; };
  lanes[kFlags] = flag(options.io.collective, kCollective) | flag(options.integrity.checksums, kChecksums) |
                  flag(options.io.fsync, kFsync) | flag(options.files.reserve, kReserve) |
                  static_cast<std::uint64_t>(options.io.writer) << kFlagBits;
  lanes[kPermissions] = static_cast<std::uint32_t>(options.files.permissions);
  lanes[kRate] = options.async.rate_bytes_per_s;
}

void take_options(const Lanes& lanes, Options& options) {
  options.io.block_bytes = lanes[kBlockBytes];
  options.io.alignment_bytes = lanes[kAlignmentBytes];
  options.io.collective = (lanes[kFlags] & kCollective) != 0;
  options.integrity.checksums = (lanes[kFlags] & kChecksums) != 0;
  options.io.fsync = (lanes[kFlags] & kFsync) != 0;
  options.files.reserve = (lanes[kFlags] & kReserve) != 0;
  options.io.writer = static_cast<Writer>(lanes[kFlags] >> kFlagBits);
  options.files.permissions = static_cast<std::int32_t>(static_cast<std::uint32_t>(lanes[kPermissions]));
  options.async.rate_bytes_per_s = lanes[kRate];
}

bool is_same(const Lanes& lanes) {
  return lanes[kHashLo] == ~lanes[kHashLoInverse] && lanes[kHashHi] == ~lanes[kHashHiInverse];
}

Lanes request_lanes(const comm::Communicator& comm, const Options& options, const base::Digest& digest) {
  Lanes lanes(kRequestLanes, ~std::uint64_t{0});
  lanes[kHashLo] = digest.lo;
  lanes[kHashLoInverse] = ~digest.lo;
  lanes[kHashHi] = digest.hi;
  lanes[kHashHiInverse] = ~digest.hi;
  if (comm.rank() == options.ranks.primary) {
    const auto id = base::random_id();
    lanes[kIdLo] = id.lo;
    lanes[kIdHi] = id.hi;
    put_options(options, lanes);
  }
  return lanes;
}

/// Makes one plan: each member function is a stage, and each stage rests on what was agreed in the one
/// before.
class Planner {
 public:
  Planner(comm::Communicator& comm, Options& options, const SaveRequest& request)
      : comm_(comm), options_(options), request_(request) {}

  comm::Agreed<SavePlan> run(const Resolve& resolve) {
    agree_on_request(resolve);
    agree_on_parts();
    place_parts();
    choose_tilings();
    auto fullest = agree_on_grids();
    gather_boxes();
    return std::move(fullest).then([&](Lanes&&) { return std::move(plan_); });
  }

 private:
  void agree_on_request(const Resolve& resolve);
  Lanes describe_request(const Resolve& resolve);
  void agree_on_parts();
  Lanes sum_own_parts();
  void place_parts();
  void gather_rows();
  void choose_tilings();
  comm::Agreed<Lanes> agree_on_grids();
  void gather_boxes();

  Place place() const noexcept { return {comm_.rank(), comm_.size(), comm_.primary()}; }
  std::uint64_t own_pages() const noexcept {
    const auto rows = plan_.row_format.rows_per_page();
    return (plan_.blocks.size() + rows - 1) / rows;
  }

  comm::Communicator& comm_;
  Options& options_;
  const SaveRequest& request_;
  std::vector<tree::LocalLeaf> leaves_;
  std::vector<base::Digest> contents_;
  std::vector<std::size_t> sharded_, appended_;  // indices of leaves
  Lanes sums_;
  std::vector<std::size_t> uneven_;  // sharded leaves that are not one tile: first candidates for a grid,
                                     // then those that are none
  SavePlan plan_;
};

void Planner::agree_on_request(const Resolve& resolve) {
  const auto lanes = comm_.agree_min("plan", kRequestLanes, [&] { return describe_request(resolve); });
  if (!is_same(*lanes)) throw_different(comm_, request_, options_.ranks.primary, leaves_);
  comm_.set_primary(options_.ranks.primary);
  take_options(*lanes, options_);
  plan_.id = {(*lanes)[kIdLo], (*lanes)[kIdHi]};
}

Lanes Planner::describe_request(const Resolve& resolve) {
  std::vector<tree::Problem> problems;
  check_request(request_, options_, comm_.size(), problems);
  leaves_ = resolve(problems);
  if (leaves_.empty() && problems.empty())
    problems.push_back({"", "the tree is empty; give it something to save"});
  check_leaves(leaves_, comm_.size(), problems);
  throw_if_any(problems);

  return request_lanes(comm_, options_, agreed_digest(request_, options_.ranks.primary, leaves_));
}

void Planner::agree_on_parts() {
  for (std::size_t i = 0; i < leaves_.size(); ++i) {
    if (leaves_[i].kind == Kind::sharded) sharded_.push_back(i);
    if (leaves_[i].kind == Kind::appended) appended_.push_back(i);
  }
  const auto lanes = kSumLanes + sharded_.size() + appended_.size();
  sums_ = std::move(*comm_.agree_sum("plan parts", lanes, [&] { return sum_own_parts(); }));
  const auto misfit = [&](SumLane lane) { return sums_[lane] != 0; };
  if (misfit(kCoverageLo) || misfit(kCoverageHi) || misfit(kLinksLo) || misfit(kLinksHi))
    throw_misfit(comm_, plan_.id, leaves_, contents_);
}

Lanes Planner::sum_own_parts() {
  std::size_t ndims = 1;
  plan_.leaves.reserve(leaves_.size());
  for (const auto& leaf : leaves_) {
    plan_.leaves.push_back(stored_leaf(leaf, comm_.size()));
    ndims = std::max(ndims, plan_.leaves.back().shape.ndims());
  }
  plan_.row_format = tree::RowFormat::for_ndims(ndims);
  plan_.blocks = divide(leaves_, place(), options_.io.block_bytes);
  for (const auto& block : plan_.blocks)
    plan_.bytes += tree::product(block.box.count) * leaves_[block.leaf].element_bytes;
  contents_ = contents_of(leaves_, options_.integrity.checksums, options_.device.stream);

  base::Digest coverage, links;
  std::span<const base::Digest> contents = contents_;
  for (std::size_t i = 0; i < leaves_.size(); ++i) {
    const auto shards = leaves_[i].shards.size();
    coverage += coverage_part(plan_.id, i, leaves_[i], place());
    links += link_part(plan_.id, i, leaves_[i], contents.first(shards), place());
    contents = contents.subspan(shards);
  }
  Lanes lanes = {coverage.lo, coverage.hi, links.lo, links.hi, own_pages()};
  for (const auto i : sharded_) lanes.push_back(run_lane(leaves_[i]));
  for (const auto i : appended_) lanes.push_back(static_cast<std::uint64_t>(leaves_[i].rows));
  return lanes;
}

/// Where this rank's rows of the appended leaves and of the block table begin, and how many all ranks have.
void Planner::place_parts() {
  Lanes own = {own_pages()};
  for (const auto i : appended_) own.push_back(static_cast<std::uint64_t>(leaves_[i].rows));
  const auto below = comm_.exclusive_sum("plan rows", std::move(own));

  const auto rows_per_page = plan_.row_format.rows_per_page();
  plan_.table_first_row = (*below)[0] * rows_per_page;
  plan_.table_rows = sums_[kPages] * rows_per_page;

  auto block = plan_.blocks.begin();
  for (std::size_t k = 0; k < appended_.size(); ++k) {
    const auto leaf = appended_[k];
    plan_.leaves[leaf].shape[0] = static_cast<std::int64_t>(sums_[kSumLanes + sharded_.size() + k]);
    block = std::find_if(block, plan_.blocks.end(), [&](const Block& each) { return each.leaf >= leaf; });
    for (; block != plan_.blocks.end() && block->leaf == leaf; ++block) shift_rows(*block, (*below)[1 + k]);
  }

  gather_rows();

  // What follows is the same on every rank, and so is what it throws.
  for (const auto& leaf : plan_.leaves) {
    std::uint64_t bytes = 0;
    constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
    if (!tree::checked_product(leaf.shape, leaf.element_bytes, bytes) || bytes > kMost - plan_.total_bytes)
      throw Error(ErrorCode::invalid_argument, "with `" + leaf.path + "` of shape " +
                                                   tree::to_string(leaf.shape) +
                                                   ", the checkpoint has more than 2^63-1 bytes");
    plan_.total_bytes += bytes;
  }
}

/// The primary learns how many rows each rank has, for the index: on as many ranks, each gets its own back.
void Planner::gather_rows() {
  if (appended_.empty()) return;
  base::Packer own;
  for (const auto i : appended_) own.u64(static_cast<std::uint64_t>(leaves_[i].rows));
  for (const auto& part : comm_.gather("plan rows", std::move(own).text())) {
    base::Unpacker unpack(part);
    for (const auto i : appended_) plan_.leaves[i].rows.push_back(static_cast<std::int64_t>(unpack.u64()));
  }
}

void Planner::choose_tilings() {
  for (auto& leaf : plan_.leaves)
    leaf.tiling.kind = leaf.bytes() == 0 ? tree::TileKind::none : tree::TileKind::one;
  for (std::size_t k = 0; k < sharded_.size(); ++k) {
    auto& leaf = plan_.leaves[sharded_[k]];
    if (leaf.tiling.kind == tree::TileKind::none || fits_one_tile(leaf, sums_[kSumLanes + k])) continue;
    leaf.tiling.kind = tree::TileKind::boxes;
    uneven_.push_back(sharded_[k]);
  }
}

/// Finds the leaves whose boxes are the cells of a grid; what is left in `uneven_` is tiled by its boxes.
comm::Agreed<Lanes> Planner::agree_on_grids() {
  Lanes own = {plan_.bytes};
  for (const auto i : uneven_)
    for (const auto count : largest_count(leaves_[i])) own.push_back(static_cast<std::uint64_t>(count));
  auto most = comm_.max("plan cells", std::move(own));
  plan_.fullest_bytes = (*most)[0];
  if (uneven_.empty()) return most;

  std::vector<Dims> cells;
  auto lane = most->begin() + 1;
  for (const auto i : uneven_) {
    Dims& cell = cells.emplace_back();
    for (std::size_t dim = 0; dim < leaves_[i].shape.ndims(); ++dim) cell.push_back(*lane++);
  }
  const auto usable = [&](std::size_t k) { return is_usable_cell(plan_.leaves[uneven_[k]], cells[k]); };
  Lanes off(uneven_.size(), 1);
  for (std::size_t k = 0; k < uneven_.size(); ++k)
    if (usable(k)) off[k] = count_off_grid(leaves_[uneven_[k]], cells[k]);
  const auto off_grid = comm_.sum("plan grids", std::move(off));

  std::vector<std::size_t> left;
  for (std::size_t k = 0; k < uneven_.size(); ++k) {
    auto& tiling = plan_.leaves[uneven_[k]].tiling;
    if ((*off_grid)[k] != 0) {
      left.push_back(uneven_[k]);
      continue;
    }
    tiling.kind = tree::TileKind::grid;
    tiling.cell = cells[k];
  }
  uneven_ = std::move(left);
  return most;
}

/// The primary gets the boxes of the leaves that are tiled by them.
void Planner::gather_boxes() {
  if (uneven_.empty()) return;
  const auto mine = comm_.agree("plan boxes", [&] {
    base::Packer packer;
    for (const auto i : uneven_) {
      std::vector<const tree::Box*> boxes;
      for (const auto& shard : leaves_[i].shards)
        if (shard.replica == 0 && !tree::is_empty(shard.box)) boxes.push_back(&shard.box);
      packer.u64(boxes.size());
      for (const auto* box : boxes) pack_box(packer, *box);
    }
    return std::move(packer).text();
  });
  const auto parts = comm_.gather("plan boxes", *mine);
  comm_.agree("plan boxes", [&] {
    if (!comm_.is_primary()) return;
    plan_.boxes.resize(plan_.leaves.size());
    for (const auto& part : parts) {
      base::Unpacker unpacker(part);
      for (const auto i : uneven_)
        for (auto count = unpacker.u64(); count > 0; --count) plan_.boxes[i].push_back(unpack_box(unpacker));
    }
    for (const auto i : uneven_)
      std::sort(plan_.boxes[i].begin(), plan_.boxes[i].end(), [](const tree::Box& a, const tree::Box& b) {
        return std::lexicographical_compare(a.start.begin(), a.start.end(), b.start.begin(), b.start.end());
      });
  });
}

}  // namespace

comm::Agreed<base::Digest> agree_on_request(comm::Communicator& comm, Options& options,
                                            const SaveRequest& request,
                                            const std::function<void(std::vector<tree::Problem>&)>& check) {
  auto lanes = comm.agree_min("request", kRequestLanes, [&] {
    std::vector<tree::Problem> problems;
    check_request(request, options, comm.size(), problems);
    check(problems);
    throw_if_any(problems);
    return request_lanes(comm, options, agreed_digest(request, options.ranks.primary, {}));
  });
  if (!is_same(*lanes)) throw_different(comm, request, options.ranks.primary, {});
  comm.set_primary(options.ranks.primary);
  take_options(*lanes, options);
  return std::move(lanes).then([](Lanes&& agreed) { return base::Digest{agreed[kIdLo], agreed[kIdHi]}; });
}

comm::Agreed<SavePlan> make_save_plan(comm::Communicator& comm, Options& options, const SaveRequest& request,
                                      const Resolve& resolve) {
  return Planner(comm, options, request).run(resolve);
}

comm::Agreed<SavePlan> make_save_plan(comm::Communicator& comm, Options& options, const SaveRequest& request,
                                      const Tree& tree) {
  return make_save_plan(comm, options, request, Resolve([&](std::vector<tree::Problem>& problems) {
                          return tree::resolve(tree, problems);
                        }));
}

}  // namespace cairn::plan
