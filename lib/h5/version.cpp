#include "h5/version.hpp"

#include <hdf5.h>

namespace cairn::h5 {
namespace {

std::string to_text(unsigned major, unsigned minor, unsigned release) {
  return std::to_string(major) + '.' + std::to_string(minor) + '.' + std::to_string(release);
}

}  // namespace

base::LibraryVersion hdf5_version() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  base::LibraryVersion version{to_text(H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE),
                               to_text(major, minor, release), true};
  version.fits = version.built == version.found;
  return version;
}

}  // namespace cairn::h5
