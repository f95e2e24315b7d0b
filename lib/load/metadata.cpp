#include "cairn/metadata.hpp"

#include "async/queue.hpp"
#include "base/json.hpp"
#include "base/pack.hpp"
#include "cairn/handler.hpp"
#include "comm/communicator.hpp"
#include "commit/path.hpp"
#include "commit/reader.hpp"
#include "load/agree_on_path.hpp"
#include "load/tree_file.hpp"

#include <algorithm>

namespace cairn {
namespace load_stages {
namespace {

/// What the program's handler of the entry's type, the last one added, tells of its file.
Json ask_handler(const OpenedManifest& opened, const commit::CheckpointableEntry& entry,
                 const HandlerRegistry& registry) {
  const auto& handlers = registry.handlers();
  const auto found = std::find_if(handlers.rbegin(), handlers.rend(),
                                  [&](const auto& each) { return each.second->type() == entry.handler; });
  if (found == handlers.rend() || entry.file.empty()) return {};
  const auto told = found->second->metadata(opened.checkpoint.directory.name() / entry.file);
  if (const auto problem = base::json_problem(told); !problem.empty())
    throw Error(ErrorCode::invalid_argument, "what the handler " + entry.handler + " tells: " + problem);
  return told;
}

CheckpointableInfo describe(const OpenedManifest& opened, const commit::CheckpointableEntry& entry,
                            const HandlerRegistry& registry) {
  const bool is_tree = entry.handler == commit::tree_handler;
  CheckpointableInfo info{entry.handler, entry.file, is_tree ? entry.data_bytes : entry.bytes, {}, {}};
  if (!is_tree) {
    info.metadata = ask_handler(opened, entry, registry);
    return info;
  }
  for (const auto& leaf : open_tree_file(opened, entry).leaves)
    info.leaves.emplace(leaf.path,
                        LeafInfo{leaf.kind, leaf.dtype, leaf.shape, leaf.bytes(), leaf.fortran_order});
  return info;
}

Metadata read_metadata(const Path& path, const HandlerRegistry& registry) {
  return with_manifest(path, [&](const OpenedManifest& opened) {
    Metadata result;
    result.format_version = opened.manifest.format_version;
    result.world_size = opened.manifest.world_size;
    result.library_version = opened.manifest.library_version;
    result.created = opened.manifest.created;
    result.custom_metadata = opened.manifest.custom_metadata;
    result.metrics = opened.manifest.metrics;
    for (const auto& [name, entry] : opened.manifest.checkpointables)
      result.checkpointables.emplace(name, describe(opened, entry, registry));
    return result;
  });
}

std::string pack(const Metadata& metadata) {
  base::Packer pack;
  pack.u64(static_cast<std::uint64_t>(metadata.format_version));
  pack.u64(static_cast<std::uint64_t>(metadata.world_size));
  pack.str(metadata.library_version);
  pack.u64(static_cast<std::uint64_t>(metadata.created.time_since_epoch().count()));
  pack.str(metadata.custom_metadata.text());
  pack.u64(metadata.metrics.size());
  for (const auto& [name, value] : metadata.metrics) {
    pack.str(name);
    pack.u64(std::bit_cast<std::uint64_t>(value));
  }
  pack.u64(metadata.checkpointables.size());
  for (const auto& [name, info] : metadata.checkpointables) {
    pack.str(name);
    pack.str(info.handler);
    pack.str(info.file);
    pack.u64(info.bytes);
    pack.str(info.metadata.text());
    pack.u64(info.leaves.size());
    for (const auto& [path, leaf] : info.leaves) {
      pack.str(path);
      pack.u64(static_cast<std::uint64_t>(leaf.kind));
      pack.u64(static_cast<std::uint64_t>(leaf.dtype));
      pack.u64(leaf.shape.ndims());
      for (auto extent : leaf.shape) pack.u64(static_cast<std::uint64_t>(extent));
      pack.u64(leaf.bytes);
      pack.u64(leaf.fortran_order ? 1 : 0);
    }
  }
  return std::move(pack).text();
}

Metadata unpack(std::string_view bytes) {
  base::Unpacker unpack(bytes);
  Metadata result;
  result.format_version = static_cast<int>(unpack.u64());
  result.world_size = static_cast<int>(unpack.u64());
  result.library_version = unpack.str();
  using Time = std::chrono::system_clock::time_point;
  result.created = Time(Time::duration(static_cast<Time::duration::rep>(unpack.u64())));
  result.custom_metadata = Json(nlohmann::json::parse(unpack.str()));
  for (auto n = unpack.u64(); n > 0; --n) {
    const std::string name(unpack.str());
    result.metrics[name] = std::bit_cast<double>(unpack.u64());
  }
  for (auto n = unpack.u64(); n > 0; --n) {
    auto& info = result.checkpointables[std::string(unpack.str())];
    info.handler = unpack.str();
    info.file = unpack.str();
    info.bytes = unpack.u64();
    info.metadata = Json(nlohmann::json::parse(unpack.str()));
    for (auto leaves = unpack.u64(); leaves > 0; --leaves) {
      auto& leaf = info.leaves[std::string(unpack.str())];
      leaf.kind = static_cast<Kind>(unpack.u64());
      leaf.dtype = static_cast<Dtype>(unpack.u64());
      for (auto ndims = unpack.u64(); ndims > 0; --ndims) leaf.shape.push_back(unpack.u64());
      leaf.bytes = unpack.u64();
      leaf.fortran_order = unpack.u64() != 0;
    }
  }
  return result;
}

}  // namespace
}  // namespace load_stages

inline namespace CAIRN_ABI {

bool is_checkpoint(const Path& path) {
  return commit::is_committed(commit::resolve_path(path, FileOptions()));
}

bool is_checkpoint(const Context& context, const Path& path) {
  comm::Communicator comm(context);
  async::Queue::finish_all(comm);
  Options options = context;
  load_stages::agree_on_path(comm, options, "is_checkpoint", path);
  const auto answer = comm.agree_on_root("is_checkpoint", [&] {
    return std::string(commit::is_committed(commit::resolve_path(path, options.files)) ? "yes" : "no");
  });
  return *answer == "yes";
}

Metadata metadata(const Path& path) {
  return load_stages::read_metadata(commit::resolve_path(path, FileOptions()), {});
}

Metadata metadata(const Context& context, const Path& path) {
  comm::Communicator comm(context);
  async::Queue::finish_all(comm);
  Options options = context;
  load_stages::agree_on_path(comm, options, "metadata", path);
  const auto bytes = comm.agree_on_root("metadata", [&] {
    return load_stages::pack(
        load_stages::read_metadata(commit::resolve_path(path, options.files), options.handlers));
  });
  return load_stages::unpack(*bytes);
}

}  // namespace CAIRN_ABI
}  // namespace cairn
