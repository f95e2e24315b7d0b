#include "measure.hpp"

#include "base/clock.hpp"

#include <algorithm>

namespace cairn::bench {
namespace {

double timed(MPI_Comm comm, const Contender& contender) {
  contender.before();
  MPI_Barrier(comm);
  const base::Clock clock;
  contender.run();
  double seconds = clock.seconds();
  MPI_Allreduce(MPI_IN_PLACE, &seconds, 1, MPI_DOUBLE, MPI_MAX, comm);
  contender.after();
  return seconds;
}

}  // namespace

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

std::vector<Samples> measure(MPI_Comm comm, const std::vector<Contender>& contenders, int rounds,
                             bool warm_up) {
  std::vector<Samples> all;
  for (const Contender& contender : contenders) all.push_back({contender.name, {}, {}});
  for (int round = warm_up ? -1 : 0; round < rounds; ++round)
    for (std::size_t k = 0; k < contenders.size(); ++k) {
      const std::size_t which = (k + static_cast<std::size_t>(round + 1)) % contenders.size();
      const double seconds = timed(comm, contenders[which]);
      if (round < 0) continue;
      all[which].seconds.push_back(seconds);
      if (contenders[which].stages)
        for (const auto& [stage, part] : contenders[which].stages()) all[which].stages[stage].push_back(part);
    }
  return all;
}

}  // namespace cairn::bench
