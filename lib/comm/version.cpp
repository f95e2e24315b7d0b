#include "comm/version.hpp"

#include <array>
#include <string>

#include <mpi.h>

namespace cairn::comm {
namespace {

constexpr std::string_view kDigitsAndDots = "0123456789.";

std::string built_with() {
#if defined(OPEN_MPI)
  return "Open MPI " + std::to_string(OMPI_MAJOR_VERSION) + '.' + std::to_string(OMPI_MINOR_VERSION) + '.' +
         std::to_string(OMPI_RELEASE_VERSION);
#elif defined(MPICH_VERSION)
  return "MPICH " MPICH_VERSION;
#else
  return "";
#endif
}

/// "Open MPI 4" of "Open MPI 4.1.4": releases of one major version may take each other's place.
std::string_view family(std::string_view version) {
  return version.substr(0, version.find('.'));
}

}  // namespace

std::string short_version(std::string_view library_version) {
  const auto line = library_version.substr(0, library_version.find('\n'));
  for (const std::string_view name : {"Open MPI", "MPICH"}) {
    if (!line.starts_with(name)) continue;
    const auto begin = line.find_first_of("0123456789", name.size());
    if (begin == line.npos) continue;
    const auto end = line.find_first_not_of(kDigitsAndDots, begin);
    return std::string(name) + ' ' + std::string(line.substr(begin, end - begin));
  }
  return std::string(line);
}

base::LibraryVersion mpi_version() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  MPI_Get_library_version(text.data(), &length);
  base::LibraryVersion version{built_with(), short_version(text.data()), true};
  if (version.built.empty()) version.built = version.found;  // of an implementation that does not say
  version.fits = family(version.built) == family(version.found);
  return version;
}

}  // namespace cairn::comm
