#pragma once

#include "measure.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace cairn::bench {

/// What was measured of one workload, on rank 0.
struct Results {
  std::string workload;
  int ranks = 0;
  std::uint64_t bytes = 0;  // of all arrays, each counted once
  std::uint64_t leaves = 0;
  std::vector<Samples> writes, reads;
  std::vector<Samples> blocked;                     // what a save in the background costs the program
  std::vector<Samples> device;                      // with the arrays in a device's memory
  std::optional<std::uint64_t> device_bytes_taken;  // by the library, of the device's memory
};

/// Tables for people: times, rates, ratios to the best plain file and to hand-written HDF5, and what each
/// stage costs a leaf.
std::string to_text(const Results& results);
/// Everything, each sample included.
nlohmann::json to_json(const Results& results);

}  // namespace cairn::bench
