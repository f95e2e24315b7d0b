#include "base/env.hpp"

#include "commands.hpp"
#include "text.hpp"

#include <array>
#include <iostream>
#include <string>
#include <vector>

#include <H5public.h>
#include <mpi.h>

namespace cairn::command {
namespace {

/// The first line of what MPI says of itself; it may be asked before MPI_Init.
std::string mpi_version() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  MPI_Get_library_version(text.data(), &length);
  const std::string all(text.data());
  return all.substr(0, all.find('\n'));
}

std::string hdf5_version() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return std::to_string(major) + '.' + std::to_string(minor) + '.' + std::to_string(release);
}

}  // namespace

int env() {
  std::cout << align({{"Cairn", CAIRN_COMMAND_VERSION}, {"MPI", mpi_version()}, {"HDF5", hdf5_version()}})
            << '\n';
  std::vector<std::vector<std::string>> rows{{"OPTION", "VALUE", "FROM", "TYPE", "ENVIRONMENT VARIABLE"}};
  for (const auto& option : base::list_options())
    rows.push_back({option.option, option.value.empty() ? "\"\"" : option.value,
                    option.from_environment ? "environment" : "default", option.type, option.variable});
  std::cout << align(rows);

  int status = sound;
  for (const auto& bad : base::bad_environment()) {
    std::cerr << "cairn env: " << base::to_string(bad) << '\n';
    status = unusable;
  }
  for (const std::string& variable : base::unknown_variables())
    std::cerr << "cairn env: " << variable << " is no option of Cairn: misspelt?\n";
  return status;
}

}  // namespace cairn::command
