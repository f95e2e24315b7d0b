#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <mpi.h>

namespace cairn::bench {

/// One way to do the same work. `before` and `after` are not timed. All are collective.
struct Contender {
  std::string name;
  std::function<void()> before = [] {};
  std::function<void()> run;
  std::function<void()> after = [] {};
  /// Seconds of parts of the last run, by name; for those that know.
  std::function<std::map<std::string, double>()> stages = nullptr;
};

struct Samples {
  std::string name;
  std::vector<double> seconds;  // each the slowest rank's
  std::map<std::string, std::vector<double>> stages;
};

double median(std::vector<double> values);

/// Runs every contender once in each round, the rounds beginning with another contender each time, so that
/// slow changes of the machine meet all of them alike. A first round that does not count warms up, if asked.
/// Collective.
std::vector<Samples> measure(MPI_Comm comm, const std::vector<Contender>& contenders, int rounds,
                             bool warm_up);

}  // namespace cairn::bench
