#pragma once

#include "base/checksum.hpp"
#include "cairn/json.hpp"
#include "cairn/metrics.hpp"
#include "cairn/options.hpp"
#include "cairn/tree.hpp"
#include "comm/communicator.hpp"
#include "tree/layout.hpp"
#include "tree/local.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace cairn::plan {

/// The unit of staging and checksum: a box of one leaf that this rank writes, and where it lies in this
/// rank's memory.
struct Block {
  std::uint32_t leaf = 0;  // index in `SavePlan::leaves`
  tree::Box box = {};      // in the stored array
  const std::byte* data = nullptr;
  Dims strides = {};  // of the memory, in elements
};

/// What all ranks agreed on, and this rank's part of the work. A value: nothing in it refers to MPI or HDF5,
/// but blocks refer to the caller's memory.
struct SavePlan {
  base::Digest id = {};  // the save's id, the same on every rank
  std::vector<tree::StoredLeaf>
      leaves;                       // by path; the same on every rank, but for `tiling`, which lay out fills
  std::vector<Block> blocks;        // what this rank writes, ordered by leaf
  std::uint64_t bytes = 0;          // of the blocks of this rank
  std::uint64_t fullest_bytes = 0;  // the largest of that over the ranks
  std::uint64_t total_bytes = 0;    // of all leaves
  std::uint64_t table_first_row = 0;  // of this rank's section of the block table
  std::uint64_t table_rows = 0;       // of the whole table, padding included
  tree::RowFormat row_format = {};    // of the block table
  std::vector<std::vector<tree::Box>>
      boxes;  // on the primary rank, per leaf: all ranks' boxes where the tiling is `boxes`; else empty
};

/// What a save is asked to do, beside its tree.
struct SaveRequest {
  std::string operation = "save";
  Path path = {};
  std::string checkpointable_name = "state";
  bool overwrite = false;
  Json custom_metadata = {};
  Metrics metrics = {};
  /// What must be the same besides: names, in order, and what they are.
  std::vector<std::pair<std::string, std::string>> contents = {};
};

/// The agreement that precedes the plans of several trees, or a save of what are no trees: `check` adds what
/// is wrong, and `options` are brought in line as by `make_save_plan`. Returns an id, the same on every rank.
/// Errors as of `make_save_plan`. One collective.
comm::Agreed<base::Digest> agree_on_request(comm::Communicator& comm, Options& options,
                                            const SaveRequest& request,
                                            const std::function<void(std::vector<tree::Problem>&)>& check);

/// Turns each rank's tree into what all write. `options` are brought in line with the primary's where ranks
/// must agree (block_bytes, alignment_bytes, writer, collective, checksums, fsync, permissions, reserve). A
/// constant number of collectives. Errors, the same on every rank: invalid_argument (a leaf or an option is
/// wrong in itself; all of them are listed), mismatch (ranks differ in operation, path, names, types or
/// shapes; a replicated value differs; shards leave a gap or overlap, with array, ranks and box).
comm::Agreed<SavePlan> make_save_plan(comm::Communicator& comm, Options& options, const SaveRequest& request,
                                      const Tree& tree);

/// The same for leaves that are there already: `resolve` returns them by path, or adds what is wrong.
using Resolve = std::function<std::vector<tree::LocalLeaf>(std::vector<tree::Problem>& problems)>;
comm::Agreed<SavePlan> make_save_plan(comm::Communicator& comm, Options& options, const SaveRequest& request,
                                      const Resolve& resolve);

}  // namespace cairn::plan
