#pragma once

/// \file
/// Cairn: distributed checkpoints for MPI programs. This header includes all the others.
///
///     cairn::Tree state;
///     state["T"] = cairn::sharded(T, {.shape = {nx, ny}, .start = {x0, 0}, .count = {my_nx, ny}});
///     state["step"] = cairn::ref(step);
///     cairn::save(comm, "run/ckpt", state);
///     cairn::load(comm, "run/ckpt", state);

#include "array.hpp"
#include "async.hpp"
#include "checkpointables.hpp"
#include "checkpointer.hpp"
#include "context.hpp"
#include "dtype.hpp"
#include "error.hpp"
#include "handler.hpp"
#include "json.hpp"
#include "load.hpp"
#include "metadata.hpp"
#include "metrics.hpp"
#include "options.hpp"
#include "partial.hpp"
#include "policies.hpp"
#include "save.hpp"
#include "slab.hpp"
#include "tree.hpp"
