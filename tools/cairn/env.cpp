#include "base/env.hpp"

#include "comm/version.hpp"
#include "commands.hpp"
#include "h5/version.hpp"
#include "text.hpp"

#include <iostream>
#include <string>
#include <utility>
#include <vector>

namespace cairn::command {
namespace {

std::string version_text(const base::LibraryVersion& version) {
  return version.found + (version.found == version.built ? "" : " (built with " + version.built + ")");
}

nlohmann::json version_json(const base::LibraryVersion& version) {
  return {{"built", version.built}, {"found", version.found}, {"fits", version.fits}};
}

struct Versions {
  base::LibraryVersion mpi = comm::mpi_version(), hdf5 = h5::hdf5_version();
};

void print_text(const Versions& versions) {
  std::cout << align({{"Cairn", CAIRN_COMMAND_VERSION},
                      {"MPI", version_text(versions.mpi)},
                      {"HDF5", version_text(versions.hdf5)}})
            << '\n';
  std::vector<std::vector<std::string>> rows{{"OPTION", "VALUE", "FROM", "TYPE", "ENVIRONMENT VARIABLE"}};
  for (const auto& option : base::list_options())
    rows.push_back({option.option, option.value.empty() ? "\"\"" : option.value,
                    option.from_environment ? "environment" : "default", option.type, option.variable});
  std::cout << align(rows);
}

nlohmann::json to_json(const Versions& versions) {
  auto options = nlohmann::json::array();
  for (const auto& option : base::list_options())
    options.push_back({{"option", option.option},
                       {"value", option.value},
                       {"from", option.from_environment ? "environment" : "default"},
                       {"type", option.type},
                       {"variable", option.variable}});
  return {{"cairn", CAIRN_COMMAND_VERSION},
          {"mpi", version_json(versions.mpi)},
          {"hdf5", version_json(versions.hdf5)},
          {"options", std::move(options)}};
}

/// What is wrong, on stderr.
int report_problems(const Versions& versions) {
  int status = sound;
  for (const auto& [name, version] : {std::pair("", versions.mpi), std::pair("HDF5 ", versions.hdf5)})
    if (!version.fits) {
      std::cerr << "cairn env: Cairn was built with " << name << version.built << ", and finds " << name
                << version.found
                << " at run time: build it again, or set LD_LIBRARY_PATH to where the former is\n";
      status = unusable;
    }
  for (const auto& bad : base::bad_environment()) {
    std::cerr << "cairn env: " << base::to_string(bad) << '\n';
    status = unusable;
  }
  for (const std::string& variable : base::unknown_variables())
    std::cerr << "cairn env: " << variable << " is no option of Cairn: misspelt?\n";
  return status;
}

}  // namespace

int env(bool as_json) {
  const Versions versions;
  if (as_json)
    print_json(to_json(versions));
  else
    print_text(versions);
  return report_problems(versions);
}

}  // namespace cairn::command
