#include "load/agree_on_path.hpp"

#include "plan/description.hpp"
#include "plan/misfit.hpp"
#include "plan/request_check.hpp"

namespace cairn::load_stages {

void agree_on_path(comm::Communicator& comm, const Options& options, const char* operation,
                   const Path& path) {
  const plan::SaveRequest request{operation, path, "state", false, {}};
  const auto lanes = comm.agree_min(operation, 2, [&] {
    std::vector<tree::Problem> problems;
    plan::check_request(request, options, comm.size(), problems);
    plan::throw_if_any(problems);
    const auto hash = plan::agreed_digest(request, options.ranks.primary, {}).lo;
    return comm::Lanes{hash, ~hash};
  });
  if ((*lanes)[0] != ~(*lanes)[1]) plan::throw_different(comm, request, options.ranks.primary, {});
  comm.set_primary(options.ranks.primary);
}

}  // namespace cairn::load_stages
