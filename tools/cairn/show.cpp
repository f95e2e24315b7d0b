#include "cairn/metadata.hpp"
#include "commands.hpp"
#include "text.hpp"

#include <iostream>
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
}

void print_checkpointable(const std::string& name, const CheckpointableInfo& info) {
  std::cout << name << ": " << info.file << ", " << bytes_text(info.bytes);
  if (info.handler == "tree")
    std::cout << ", " << info.leaves.size() << (info.leaves.size() == 1 ? " leaf\n" : " leaves\n");
  else
    std::cout << ", handler " << info.handler << '\n';
  Rows rows;
  std::string before;
  for (const auto& [path, leaf] : info.leaves) {
    add_leaf(rows, before, path, leaf);
    before = path;
  }
  std::cout << align(rows);
}

void print_text(const std::filesystem::path& path, const Metadata& metadata) {
  std::cout << path.string() << ": saved " << time_text(metadata.created) << " on " << metadata.world_size
            << (metadata.world_size == 1 ? " rank" : " ranks") << " by Cairn " << metadata.library_version
            << ", format " << metadata.format_version << '\n';
  for (const auto& [name, info] : metadata.checkpointables) print_checkpointable(name, info);
  if (!metadata.metrics.empty()) {
    std::cout << "metrics:\n";
    for (const auto& [name, value] : metadata.metrics)
      std::cout << "  " << name << " = " << number_text(value) << '\n';
  }
  const auto custom = metadata.custom_metadata.value();
  if (!custom.is_null() && !custom.empty()) std::cout << "custom metadata:\n" << custom.dump(2) << '\n';
}

nlohmann::json leaf_json(const LeafInfo& leaf) {
  return {{"kind", kind_text(leaf.kind)},
          {"dtype", to_string(leaf.dtype)},
          {"shape", std::vector<std::int64_t>(leaf.shape.begin(), leaf.shape.end())},
          {"bytes", leaf.bytes}};
}

nlohmann::json to_json(const std::filesystem::path& path, const Metadata& metadata) {
  nlohmann::json checkpointables = nlohmann::json::object();
  for (const auto& [name, info] : metadata.checkpointables) {
    nlohmann::json leaves = nlohmann::json::object();
    for (const auto& [leaf_path, leaf] : info.leaves) leaves[leaf_path] = leaf_json(leaf);
    checkpointables[name] = {
        {"handler", info.handler}, {"file", info.file}, {"bytes", info.bytes}, {"leaves", std::move(leaves)}};
  }
  return {{"path", path.string()},
          {"format_version", metadata.format_version},
          {"library_version", metadata.library_version},
          {"world_size", metadata.world_size},
          {"created", iso_time_text(metadata.created)},
          {"custom_metadata", metadata.custom_metadata.value()},
          {"metrics", metadata.metrics},
          {"checkpointables", std::move(checkpointables)}};
}

}  // namespace

int show(const std::filesystem::path& path, bool as_json) {
  const Metadata metadata = cairn::metadata(path);
  if (as_json)
    std::cout << to_json(path, metadata).dump(2, ' ', false, nlohmann::json::error_handler_t::replace)
              << '\n';
  else
    print_text(path, metadata);
  return sound;
}

}  // namespace cairn::command
