#pragma once

#include <string>

namespace cairn::base {

/// A library that Cairn was compiled with, and the one that it runs with.
struct LibraryVersion {
  std::string built;  // Open MPI 4.1.4
  std::string found;
  bool fits = true;  // programs built with the one may run with the other
};

}  // namespace cairn::base
