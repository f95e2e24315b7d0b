#include "h5/memory_driver.hpp"

#include "h5/chunk_index.hpp"

#include <cstring>
#include <functional>
#include <new>

#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

namespace cairn::h5 {

namespace {

struct AccessInfo {  // what a file access property list carries; HDF5 copies it as bytes
  const std::shared_ptr<Image>* image = nullptr;
};

struct OpenFile {
  H5FD_t base = {};              // first: HDF5 sees this part
  std::shared_ptr<Image> image;  // shared: HDF5 never closes a file that it failed to close
  haddr_t allocated = 0;
};

OpenFile& of(H5FD_t* file) {
  return *reinterpret_cast<OpenFile*>(file);
}
const OpenFile& of(const H5FD_t* file) {
  return *reinterpret_cast<const OpenFile*>(file);
}

H5FD_t* open(const char*, unsigned flags, hid_t access, haddr_t) {
  const auto* info = static_cast<const AccessInfo*>(H5Pget_driver_info(access));
  if (info == nullptr || info->image == nullptr) return nullptr;
  auto* file = new (std::nothrow) OpenFile;
  if (file == nullptr) return nullptr;
  file->image = *info->image;
  if ((flags & H5F_ACC_TRUNC) != 0) *file->image = Image();
  return &file->base;
}

herr_t close(H5FD_t* file) {
  delete &of(file);
  return 0;
}

int compare(const H5FD_t* a, const H5FD_t* b) {
  const auto* first = of(a).image.get();
  const auto* second = of(b).image.get();
  return first == second ? 0 : (std::less<>()(first, second) ? -1 : 1);
}

herr_t query(const H5FD_t*, unsigned long* flags) {
  if (flags != nullptr) *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_AGGREGATE_SMALLDATA;
  return 0;
}

haddr_t get_end_of_allocation(const H5FD_t* file, H5FD_mem_t) {
  return of(file).allocated;
}

herr_t set_end_of_allocation(H5FD_t* file, H5FD_mem_t, haddr_t address) {
  of(file).allocated = address;
  return 0;
}

haddr_t get_end_of_file(const H5FD_t* file, H5FD_mem_t) {
  return of(file).image->bytes();
}

bool is_valid(haddr_t address, std::size_t size) {
  return address != HADDR_UNDEF && address + size >= address;
}

herr_t read(H5FD_t* file, H5FD_mem_t type, hid_t, haddr_t address, std::size_t size, void* buffer) {
  if (!is_valid(address, size)) return -1;
  const std::span bytes(static_cast<std::byte*>(buffer), size);
  try {
    of(file).image->read(address, bytes);
    if (type == H5FD_MEM_BTREE) note_chunk_node(*of(file).image, address, bytes);
    return 0;
  } catch (...) {
    return -1;
  }
}

herr_t write(H5FD_t* file, H5FD_mem_t type, hid_t, haddr_t address, std::size_t size, const void* buffer) {
  if (!is_valid(address, size)) return -1;
  const std::span bytes(static_cast<const std::byte*>(buffer), size);
  try {
    of(file).image->write(address, bytes);
    if (type == H5FD_MEM_BTREE) note_chunk_node(*of(file).image, address, bytes);
    return 0;
  } catch (...) {
    return -1;
  }
}

herr_t truncate(H5FD_t* file, hid_t, hbool_t) {
  of(file).image->set_bytes(of(file).allocated);
  return 0;
}

H5FD_class_t driver_class() {
  static constexpr H5FD_mem_t metadata_and_data[] = H5FD_FLMAP_DICHOTOMY;
  H5FD_class_t driver = {};
#ifdef H5FD_CLASS_VERSION
  driver.version = H5FD_CLASS_VERSION;
  driver.value = static_cast<H5FD_class_value_t>(501);  // in the range for drivers that are not HDF5's own
#endif
  driver.name = "cairn_memory";
  driver.maxaddr = HADDR_MAX;
  driver.fc_degree = H5F_CLOSE_STRONG;
  driver.fapl_size = sizeof(AccessInfo);
  driver.open = open;
  driver.close = close;
  driver.cmp = compare;
  driver.query = query;
  driver.get_eoa = get_end_of_allocation;
  driver.set_eoa = set_end_of_allocation;
  driver.get_eof = get_end_of_file;
  driver.read = read;
  driver.write = write;
  driver.truncate = truncate;
  std::memcpy(driver.fl_map, metadata_and_data, sizeof driver.fl_map);
  return driver;
}

}  // namespace

MemoryDriver::MemoryDriver() {
  const auto driver = driver_class();
  id_ = check(H5FDregister(&driver), "register a file driver");
}

MemoryDriver::~MemoryDriver() {
  H5FDunregister(id_);
}

PropertyId MemoryDriver::access(const std::shared_ptr<Image>& image) const {
  auto list = own<PropertyId>(H5Pcreate(H5P_FILE_ACCESS), "make a property list");
  const AccessInfo info{&image};
  check(H5Pset_driver(list.get(), id_, &info), "set a file driver");
  return list;
}

}  // namespace cairn::h5
