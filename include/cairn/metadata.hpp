#pragma once

#include "array.hpp"
#include "context.hpp"
#include "detail/traits.hpp"
#include "json.hpp"

namespace cairn {
inline namespace CAIRN_ABI {

using Metrics = std::map<std::string, double>;

struct LeafInfo {
  Kind kind = Kind::value;
  Dtype dtype = Dtype::none;
  Dims shape = {};
  std::uint64_t bytes = 0;
};
struct CheckpointableInfo {
  std::string handler = {}, file = {};
  std::uint64_t bytes = 0;
  std::map<std::string, LeafInfo> leaves = {};
};
struct Metadata {
  int format_version = 0, world_size = 0;
  std::string library_version = {};
  std::chrono::system_clock::time_point created = {};
  Json custom_metadata = {};
  Metrics metrics = {};
  std::map<std::string, CheckpointableInfo> checkpointables = {};
};
CAIRN_API bool is_checkpoint(const Path&), is_checkpoint(const Context&, const Path&);
CAIRN_API Metadata metadata(const Path&), metadata(const Context&, const Path&);

}  // namespace CAIRN_ABI
}  // namespace cairn
