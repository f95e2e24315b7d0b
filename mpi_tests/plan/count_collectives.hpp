#pragma once

/// How many collectives this process has started, the harness's own included: counted by wrappers around
/// MPI's functions, which call the ones of the profiling interface.
namespace cairn::testing {

int collectives_started();

}  // namespace cairn::testing
