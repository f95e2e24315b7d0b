#include "choose.hpp"

#include "names.hpp"

#include <algorithm>
#include <vector>

namespace cairn::command {
namespace {

/// A leaf of a tree or a file of anything else, with where it is.
struct Candidate {
  std::string name;  // of the checkpointable
  const commit::CheckpointableEntry* entry = nullptr;
  std::string leaf;
};

std::vector<Candidate> candidates_of(const load_stages::OpenedManifest& opened,
                                     const std::string& checkpointable) {
  std::vector<Candidate> all;
  if (!checkpointable.empty()) find_checkpointable(opened.manifest, checkpointable);
  for (const auto& [name, entry] : opened.manifest.checkpointables) {
    if (!checkpointable.empty() && name != checkpointable) continue;
    for (const auto& file : entry.files) all.push_back({name, &entry, file.name});
    if (entry.handler != commit::tree_handler) continue;
    for (const auto& leaf : load_stages::open_tree_file(opened, entry).leaves)
      all.push_back({name, &entry, leaf.path});
  }
  return all;
}

std::vector<std::string_view> leaves_of(const std::vector<Candidate>& all) {
  std::vector<std::string_view> names;
  for (const auto& each : all) names.push_back(each.leaf);
  return names;
}

}  // namespace

const commit::CheckpointableEntry& find_checkpointable(const commit::Manifest& manifest,
                                                       const std::string& name) {
  const auto found = manifest.checkpointables.find(name);
  if (found != manifest.checkpointables.end()) return found->second;
  std::vector<std::string_view> names;
  for (const auto& [each, entry] : manifest.checkpointables) names.push_back(each);
  throw Error(ErrorCode::not_found, "there is no checkpointable `" + name + '`' + suggestion(name, names));
}

Chosen choose(const load_stages::OpenedManifest& opened, const std::string& checkpointable,
              const std::string& leaf) {
  const auto all = candidates_of(opened, checkpointable);
  auto matching = all;
  if (!leaf.empty()) std::erase_if(matching, [&](const Candidate& each) { return each.leaf != leaf; });
  if (matching.empty())
    throw Error(ErrorCode::not_found, "there is no leaf `" + leaf + '`' + suggestion(leaf, leaves_of(all)));
  if (matching.size() > 1 && leaf.empty())
    throw Error(ErrorCode::invalid_argument, "say which leaf" + suggestion("", leaves_of(all)));
  if (matching.size() > 1)
    throw Error(ErrorCode::invalid_argument, "several have a leaf `" + leaf + "`: say --checkpointable " +
                                                 matching[0].name + " or " + matching[1].name);
  return {matching[0].name, matching[0].entry, matching[0].leaf};
}

}  // namespace cairn::command
