#pragma once

#include "async.hpp"
#include "context.hpp"
#include "json.hpp"
#include "tree.hpp"

/// \file
/// Loading a tree, and verifying a checkpoint.

namespace cairn {
inline namespace CAIRN_ABI {

/// Whether values may change their type on the way in.
enum class Cast {
  never,     ///< another type is Error(mismatch)
  in_range,  ///< converted where each value fits: rounding does, a lost fraction or an overflow does not
  any        ///< converted as C++ does, saturating where it is undefined
};

struct LoadOptions {
  std::string checkpointable_name = "state";
  bool partial = false;  ///< the tree may name fewer leaves than were saved
  Cast cast = Cast::never;
  std::map<std::string, std::string> rename = {};  ///< path in the tree -> path in the file
  bool whole = false;  ///< an owning load: each rank gets whole arrays, else an even block of their rows
  bool deal_per_rank = false;  ///< per_rank values of another number of ranks are dealt out in turn
};

/// Fills the memory bound by `tree`, and its own values, from the checkpoint at `path`: by any number of
/// ranks, with any sharding. Appended leaves are resized, and divided evenly on another number of ranks.
/// After an error the bound memory is undefined.
///
/// Errors, the same on every rank: not_found, not_a_checkpoint, corrupt, mismatch (a name, type or shape
/// differs, memory is const, a fixed buffer has another size: all of them listed), invalid_argument,
/// unsupported, io, timeout, mpi, out_of_memory.
///
/// Collective over the context's communicator. One operation at a time on one communicator.
CAIRN_API Report load(const Context& context, const Path& path, Tree& tree, const LoadOptions& options = {});

/// The same into memory of the tree's own: all leaves that were saved. Read them with Leaf::data and
/// Leaf::get. Collective over the context's communicator.
[[nodiscard]] CAIRN_API Tree load(const Context& context, const Path& path, const LoadOptions& options = {});

/// The load into `tree`, but it returns once the checkpoint is open and the tree is known to fit; the bytes
/// are read in the background, and replicated arrays are shared among the ranks in AsyncResponse::result. The
/// tree and the memory that it binds must live until then, and hold what was saved only afterwards.
///
/// Collective over the context's communicator. One operation at a time on one communicator.
CAIRN_API AsyncResponse load_async(const Context& context, const Path& path, Tree& tree,
                                   const LoadOptions& options = {});

/// Reads every byte of the checkpoint, the ranks sharing the work, and returns all that is wrong, the same on
/// every rank; empty: sound. Error(not_found), Error(not_a_checkpoint) where there is nothing to verify, and
/// what keeps it from reading. Collective over the context's communicator.
[[nodiscard]] CAIRN_API std::vector<Error> verify(const Context& context, const Path& path);

}  // namespace CAIRN_ABI
}  // namespace cairn
