#pragma once

#include "base/library_version.hpp"

namespace cairn::h5 {

/// Of HDF5, which takes no other release than the one that a program was built with. Any thread.
base::LibraryVersion hdf5_version();

}  // namespace cairn::h5
