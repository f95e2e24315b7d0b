#include "cairn/metadata.hpp"
#include "commands.hpp"
#include "commit/path.hpp"
#include "load/tree_file.hpp"
#include "text.hpp"

#include <iostream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace cairn::command {
namespace {

using Rows = std::vector<std::vector<std::string>>;

/// The groups that lie above `path` and not above the leaf before it, then the leaf itself, indented as a
/// tree.
void add_leaf(Rows& rows, const std::string& before, const std::string& path, const LeafInfo& leaf) {
  std::size_t depth = 1;
  std::size_t from = 0;
  for (std::size_t slash = path.find('/'); slash != std::string::npos;
       slash = path.find('/', from), ++depth) {
    const std::string group = path.substr(0, slash + 1);
    if (before.compare(0, group.size(), group) != 0)
      rows.push_back({std::string(2 * depth, ' ') + path.substr(from, slash + 1 - from)});
    from = slash + 1;
  }
  rows.push_back({std::string(2 * depth, ' ') + path.substr(from), to_string(leaf.dtype),
                  shape_text(leaf.shape), kind_text(leaf.kind), bytes_text(leaf.bytes)});
  if (leaf.fortran_order) rows.back().emplace_back("Fortran order");
}

/// By name, with their sizes; of anything but a tree.
using Files = std::map<std::string, std::uint64_t>;

void print_checkpointable(const std::string& name, const CheckpointableInfo& info, const Files& files) {
  std::cout << name << ": ";
  if (info.handler == "tree")
    std::cout << info.file << ", " << bytes_text(info.bytes) << ", " << count_text(info.leaves.size(), "leaf")
              << '\n';
  else
    std::cout << count_text(files.size(), "file") << ", " << bytes_text(info.bytes) << ", handler "
              << info.handler << '\n';
  Rows rows;
  for (const auto& [file, bytes] : files) rows.push_back({"  " + file, bytes_text(bytes)});
  std::string before;
  for (const auto& [path, leaf] : info.leaves) {
    add_leaf(rows, before, path, leaf);
    before = path;
  }
  std::cout << align(rows);
}

/// Of each checkpointable that is no tree.
using AllFiles = std::map<std::string, Files>;

AllFiles files_of(const Path& path) {
  AllFiles all;
  const auto opened = load_stages::open_manifest(commit::resolve_path(path, FileOptions()));
  for (const auto& [name, entry] : opened.manifest.checkpointables)
    for (const auto& file : entry.files) all[name][file.name] = file.bytes;
  return all;
}

void print_text(const Path& path, const Metadata& metadata, AllFiles files) {
  std::cout << path.string() << ": saved " << time_text(metadata.created) << " on "
            << count_text(static_cast<std::uint64_t>(metadata.world_size), "rank") << " by Cairn "
            << metadata.library_version << ", format " << metadata.format_version << '\n';
  for (const auto& [name, info] : metadata.checkpointables) print_checkpointable(name, info, files[name]);
  if (!metadata.metrics.empty()) {
    std::cout << "metrics:\n";
    for (const auto& [name, value] : metadata.metrics)
      std::cout << "  " << name << " = " << number_text(value) << '\n';
  }
  const auto custom = metadata.custom_metadata.value();
  if (!custom.is_null() && !custom.empty()) std::cout << "custom metadata:\n" << custom.dump(2) << '\n';
}

nlohmann::json leaf_json(const LeafInfo& leaf) {
  nlohmann::json told = {{"kind", kind_text(leaf.kind)},
                         {"dtype", to_string(leaf.dtype)},
                         {"shape", std::vector<std::int64_t>(leaf.shape.begin(), leaf.shape.end())},
                         {"bytes", leaf.bytes}};
  if (leaf.fortran_order) told["order"] = "fortran";
  return told;
}

nlohmann::json to_json(const Path& path, const Metadata& metadata, AllFiles files) {
  nlohmann::json checkpointables = nlohmann::json::object();
  for (const auto& [name, info] : metadata.checkpointables) {
    nlohmann::json leaves = nlohmann::json::object();
    for (const auto& [leaf_path, leaf] : info.leaves) leaves[leaf_path] = leaf_json(leaf);
    checkpointables[name] = {{"handler", info.handler},
                             {"file", info.file},
                             {"bytes", info.bytes},
                             {"files", files[name]},
                             {"leaves", std::move(leaves)}};
  }
  return {{"path", path.string()},
          {"format_version", metadata.format_version},
          {"library_version", metadata.library_version},
          {"world_size", metadata.world_size},
          {"created", iso_time_text(metadata.created)},
          {"custom_metadata", metadata.custom_metadata.value()},
          {"metrics", metrics_json(metadata.metrics)},
          {"checkpointables", std::move(checkpointables)}};
}

}  // namespace

int show(const Path& path, bool as_json) {
  const Metadata metadata = cairn::metadata(path);
  if (as_json)
    print_json(to_json(path, metadata, files_of(path)));
  else
    print_text(path, metadata, files_of(path));
  return sound;
}

}  // namespace cairn::command
