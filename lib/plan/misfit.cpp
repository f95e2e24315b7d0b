#include "plan/misfit.hpp"

#include "base/pack.hpp"
#include "plan/description.hpp"
#include "plan/diagnosis.hpp"
#include "plan/pack_boxes.hpp"

#include <algorithm>
#include <string>

namespace cairn::plan {
namespace {

constexpr std::size_t kMostLeaves = 8;  // that one message tells of
constexpr std::size_t kLanes = 4;       // of a leaf: coverage, links

/// Text that the primary wrote, thrown by every rank. It may be longer than what an Error carries between
/// ranks.
[[noreturn]] void throw_from_primary(comm::Communicator& comm, const std::function<Finding()>& write) {
  const auto message = comm.agree_on_root("diagnose", [&] {
    const auto finding = write();
    base::Packer packer;
    packer.u64(static_cast<std::uint64_t>(finding.rank + 1));
    packer.str(finding.text);
    return std::move(packer).text();
  });
  base::Unpacker unpacker(*message);
  const int rank = static_cast<int>(unpacker.u64()) - 1;
  throw Error(ErrorCode::mismatch, std::string(unpacker.str()), 0, rank);
}

/// The leaves whose own sums are not zero: the same on every rank.
std::vector<std::size_t> find_bad(comm::Communicator& comm, const base::Digest& id,
                                  std::span<const tree::LocalLeaf> leaves,
                                  std::span<const base::Digest> contents) {
  const auto sums = comm.agree_sum("diagnose", kLanes * leaves.size(), [&] {
    const Place place{comm.rank(), comm.size(), comm.primary()};
    comm::Lanes lanes;
    std::size_t first_shard = 0;
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      const auto own = contents.subspan(first_shard, leaves[i].shards.size());
      first_shard += leaves[i].shards.size();
      const auto coverage = coverage_part(id, i, leaves[i], place);
      const auto links = link_part(id, i, leaves[i], own, place);
      lanes.insert(lanes.end(), {coverage.lo, coverage.hi, links.lo, links.hi});
    }
    return lanes;
  });
  std::vector<std::size_t> bad;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    const auto* lanes = sums->data() + kLanes * i;
    if (std::any_of(lanes, lanes + kLanes, [](auto lane) { return lane != 0; })) bad.push_back(i);
  }
  return bad;
}

std::string pack_held(const tree::LocalLeaf& leaf, std::span<const base::Digest> contents) {
  base::Packer packer;
  const bool sharded = leaf.kind == Kind::sharded;
  std::uint64_t count = 0;
  for (const auto& shard : leaf.shards)
    if (!sharded || !tree::is_empty(shard.box)) ++count;
  packer.u64(count);
  for (std::size_t i = 0; i < leaf.shards.size(); ++i) {
    const auto& shard = leaf.shards[i];
    if (sharded && tree::is_empty(shard.box)) continue;
    packer.u64(static_cast<std::uint64_t>(shard.replica));
    packer.u64(static_cast<std::uint64_t>(shard.replicas));
    packer.u64(contents[i].lo);
    packer.u64(contents[i].hi);
    pack_box(packer, shard.box);
  }
  return std::move(packer).text();
}

/// Adds one rank's boxes of one leaf.
void unpack_held(base::Unpacker& unpacker, int rank, std::vector<HeldBox>& held) {
  for (auto count = unpacker.u64(); count > 0; --count) {
    HeldBox each;
    each.rank = rank;
    each.replica = static_cast<int>(unpacker.u64());
    each.replicas = static_cast<int>(unpacker.u64());
    each.content.lo = unpacker.u64();
    each.content.hi = unpacker.u64();
    each.box = unpack_box(unpacker);
    held.push_back(std::move(each));
  }
}

std::vector<Finding> diagnose(const tree::LocalLeaf& leaf, const std::vector<HeldBox>& held) {
  if (stored_kind(leaf.kind) == Kind::replicated) return diagnose_replicated(leaf.path, held);
  auto findings = diagnose_coverage(leaf.path, leaf.shape, held);
  for (auto& finding : diagnose_copies(leaf.path, held)) findings.push_back(std::move(finding));
  return findings;
}

Finding join(const std::vector<Finding>& findings, std::size_t bad_leaves) {
  if (findings.empty())
    return {"arrays changed on some rank while they were being compared; save when no thread writes them",
            -1};
  Finding all{"the ranks' parts do not fit together:", -1};
  for (const auto& finding : findings) {
    all.text += "\n  " + finding.text;
    if (all.rank < 0) all.rank = finding.rank;
  }
  if (bad_leaves > kMostLeaves)
    all.text += "\n  and " + std::to_string(bad_leaves - kMostLeaves) + " more arrays are wrong";
  return all;
}

}  // namespace

void throw_different(comm::Communicator& comm, const SaveRequest& request, int primary,
                     std::span<const tree::LocalLeaf> leaves) {
  // The primary is not agreed on yet, so rank 0 speaks. Each rank compares for itself: only what differs
  // travels.
  const auto mine = comm.agree("describe", [&] { return describe(request, primary, leaves); });
  const auto first = comm.agree_on_root("describe", [&] { return *mine; });
  const auto differences = comm.gather("describe", first_difference(*mine, *first));
  throw_from_primary(comm, [&] {
    Finding finding;
    finding.text = explain(differences, finding.rank);
    return finding;
  });
}

void throw_misfit(comm::Communicator& comm, const base::Digest& id, std::span<const tree::LocalLeaf> leaves,
                  std::span<const base::Digest> contents) {
  auto bad = find_bad(comm, id, leaves, contents);
  const auto bad_leaves = bad.size();
  bad.resize(std::min(bad.size(), kMostLeaves));

  const auto mine = comm.agree("diagnose", [&] {
    std::string text;
    std::size_t first_shard = 0, next = 0;
    for (std::size_t i = 0; i < leaves.size() && next < bad.size(); ++i) {
      const auto own = contents.subspan(first_shard, leaves[i].shards.size());
      first_shard += leaves[i].shards.size();
      if (bad[next] != i) continue;
      text += pack_held(leaves[i], own);
      ++next;
    }
    return text;
  });
  const auto parts = comm.gather("diagnose", *mine);
  throw_from_primary(comm, [&] {
    std::vector<std::vector<HeldBox>> held(bad.size());
    for (std::size_t rank = 0; rank < parts.size(); ++rank) {
      base::Unpacker unpacker(parts[rank]);
      for (auto& boxes : held) unpack_held(unpacker, static_cast<int>(rank), boxes);
    }
    std::vector<Finding> findings;
    for (std::size_t i = 0; i < bad.size(); ++i)
      for (auto& finding : diagnose(leaves[bad[i]], held[i])) findings.push_back(std::move(finding));
    return join(findings, bad_leaves);
  });
}

}  // namespace cairn::plan
