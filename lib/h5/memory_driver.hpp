#pragma once

#include "h5/handle.hpp"
#include "h5/image.hpp"

#include <memory>

namespace cairn::h5 {

/// A virtual file driver of HDF5's whose files are Images. Registered while it lives; every file opened
/// through it must be closed before. On the caller's thread only.
class MemoryDriver {
 public:
  MemoryDriver();
  ~MemoryDriver();
  MemoryDriver(const MemoryDriver&) = delete;
  MemoryDriver& operator=(const MemoryDriver&) = delete;

  /// A file access property list, with which H5Fcreate and H5Fopen (of any name) use `image`. The variable
  /// must outlive the list; an open file shares the image.
  PropertyId access(const std::shared_ptr<Image>& image) const;

 private:
  hid_t id_ = H5I_INVALID_HID;
};

}  // namespace cairn::h5
