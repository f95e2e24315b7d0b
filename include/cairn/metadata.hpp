#pragma once

#include "array.hpp"
#include "context.hpp"
#include "detail/traits.hpp"
#include "json.hpp"
#include "metrics.hpp"

/// \file
/// What a checkpoint holds, without its arrays. The functions without a Context are local, and need no MPI;
/// with one, the primary reads, and all ranks get its answer or its Error. Any thread.

namespace cairn {
inline namespace CAIRN_ABI {

/// One leaf as stored: a per_rank one has the shape {ranks, shape...}, an appended one {rows, row_shape...}.
struct LeafInfo {
  Kind kind = Kind::value;
  Dtype dtype = Dtype::none;
  Dims shape = {};
  std::uint64_t bytes = 0;
  bool fortran_order = false;  ///< a Fortran program saved it: its dimensions are the reverse of that one's
};

struct CheckpointableInfo {
  std::string handler = {};  ///< "tree"; else the type of the handler that saved it
  std::string file = {};     ///< in the checkpoint's directory: the first one by name; may be empty
  std::uint64_t bytes = 0;   ///< of a tree's arrays; of the files of anything else
  std::map<std::string, LeafInfo> leaves = {};  ///< of a tree
  Json metadata = {};  ///< what the handler tells of it (Handler::metadata); else null
};

struct Metadata {
  int format_version = 0;
  int world_size = 0;  ///< ranks that saved it
  std::string library_version = {};
  std::chrono::system_clock::time_point created = {};
  Json custom_metadata = {};
  Metrics metrics = {};
  std::map<std::string, CheckpointableInfo> checkpointables = {};
};

/// Whether a committed checkpoint is at the path. Not collective.
CAIRN_API bool is_checkpoint(const Path& path);
/// The same. Collective over the context's communicator.
CAIRN_API bool is_checkpoint(const Context& context, const Path& path);

/// Error(not_found), Error(not_a_checkpoint), Error(corrupt), Error(unsupported), Error(io). Not collective.
CAIRN_API Metadata metadata(const Path& path);
/// The same, with what the context's handlers tell. Collective over the context's communicator.
CAIRN_API Metadata metadata(const Context& context, const Path& path);

}  // namespace CAIRN_ABI
}  // namespace cairn
