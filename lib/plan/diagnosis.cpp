#include "plan/diagnosis.hpp"

#include "plan/description.hpp"

#include <algorithm>
#include <map>

namespace cairn::plan {
namespace {

constexpr std::size_t kMostFindings = 4;  // of one leaf

std::string quoted(const std::string& path) {
  return "`" + path + "`";
}

std::string copy_text(const HeldBox& held) {
  return "replica " + std::to_string(held.replica) + " of " + std::to_string(held.replicas) + " on rank " +
         std::to_string(held.rank);
}

/// What is wrong among the copies of one box; empty where nothing is.
std::vector<Finding> diagnose_box(const std::string& path, const std::vector<const HeldBox*>& copies) {
  std::vector<Finding> findings;
  const auto& first = *copies.front();
  const auto say = [&](const std::string& what, int rank) {
    findings.push_back({"of " + quoted(path) + ", the box " + tree::to_string(first.box) + " " + what, rank});
  };
  std::vector<const HeldBox*> by_replica(static_cast<std::size_t>(first.replicas), nullptr);
  for (const auto* copy : copies) {
    if (copy->replicas != first.replicas) {
      say("is " + copy_text(first) + ", but " + copy_text(*copy), copy->rank);
      return findings;
    }
    auto*& slot = by_replica[static_cast<std::size_t>(copy->replica)];
    if (slot != nullptr)
      say("is " + copy_text(*slot) + ", and on rank " + std::to_string(copy->rank) + " too", copy->rank);
    slot = copy;
  }
  for (std::size_t i = 0; i < by_replica.size(); ++i) {
    const auto* copy = by_replica[i];
    if (copy == nullptr)
      say("is " + copy_text(first) + ", but replica " + std::to_string(i) + " is on no rank", first.rank);
    else if (copy->content != first.content)
      say("differs between rank " + std::to_string(first.rank) + " and rank " + std::to_string(copy->rank) +
              ", which hold copies of it",
          copy->rank);
    if (findings.size() >= kMostFindings) break;
  }
  return findings;
}

}  // namespace

std::vector<Finding> diagnose_coverage(const std::string& path, const Dims& shape,
                                       const std::vector<HeldBox>& held) {
  std::vector<tree::Box> boxes;
  std::vector<int> ranks;
  for (const auto& each : held) {
    if (each.replica != 0) continue;
    boxes.push_back(each.box);
    ranks.push_back(each.rank);
  }
  std::vector<Finding> findings;
  if (const auto overlap = find_overlap(boxes)) {
    const int a = ranks[overlap->a], b = ranks[overlap->b];
    const std::string who = a == b ? "rank " + std::to_string(a) + " holds twice"
                                   : ranks_text({std::min(a, b), std::max(a, b)}) + " both hold";
    findings.push_back(
        {"of " + quoted(path) + ", " + who + " " + tree::to_string(overlap->box), std::min(a, b)});
  }
  if (const auto gap = find_gap(shape, boxes))
    findings.push_back({"of " + quoted(path) + ", whose shape is " + tree::to_string(shape) +
                            ", no rank holds " + tree::to_string(*gap),
                        -1});
  return findings;
}

std::vector<Finding> diagnose_copies(const std::string& path, const std::vector<HeldBox>& held) {
  std::map<std::string, std::vector<const HeldBox*>> by_box;
  for (const auto& each : held) by_box[tree::to_string(each.box)].push_back(&each);
  std::vector<Finding> findings;
  for (auto& [box, copies] : by_box) {
    std::stable_sort(copies.begin(), copies.end(),
                     [](const auto* a, const auto* b) { return a->replica < b->replica; });
    for (auto& finding : diagnose_box(path, copies)) {
      findings.push_back(std::move(finding));
      if (findings.size() >= kMostFindings) return findings;
    }
  }
  return findings;
}

std::vector<Finding> diagnose_replicated(const std::string& path, const std::vector<HeldBox>& held) {
  std::vector<int> differ;
  for (const auto& each : held)
    if (each.content != held.front().content) differ.push_back(each.rank);
  if (differ.empty()) return {};
  return {{"the replicated value " + quoted(path) + " on " + ranks_text(differ) + " is not that of rank " +
               std::to_string(held.front().rank),
           differ.front()}};
}

}  // namespace cairn::plan
