#include "parallel_hdf5.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include <fcntl.h>
#include <hdf5.h>
#include <unistd.h>

namespace cairn::bench {
namespace {

constexpr hsize_t largest_transfer = 1ull << 30;  // HDF5 1.10 fails at 2 GiB

class Id {
 public:
  Id(hid_t id, herr_t (*close)(hid_t), const char* what) : id_(id), close_(close) {
    if (id_ < 0) throw std::runtime_error(std::string(what) + " failed");
  }
  ~Id() { close_(id_); }
  Id(const Id&) = delete;
  Id& operator=(const Id&) = delete;
  operator hid_t() const noexcept { return id_; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

void check(herr_t status, const char* what) {
  if (status < 0) throw std::runtime_error(std::string(what) + " failed");
}

std::vector<hsize_t> extents(const Dims& dims) {
  return {dims.begin(), dims.end()};
}

Id space_of(const std::vector<hsize_t>& shape) {
  return {shape.empty() ? H5Screate(H5S_SCALAR)
                        : H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr),
          H5Sclose, "H5Screate"};
}

/// Selects a box, or nothing of a space.
void select(hid_t space, const std::vector<hsize_t>& start, const std::vector<hsize_t>& count) {
  bool empty = false;
  for (const hsize_t extent : count) empty = empty || extent == 0;
  if (empty)
    check(H5Sselect_none(space), "H5Sselect_none");
  else if (!count.empty())
    check(H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr),
          "H5Sselect_hyperslab");
}

class FileWriter {
 public:
  FileWriter(MPI_Comm comm, const std::filesystem::path& path, bool collective) : collective_(collective) {
    MPI_Comm_rank(comm, &rank_);
    const Id access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "H5Pcreate");
    check(H5Pset_fapl_mpio(access, comm, MPI_INFO_NULL), "H5Pset_fapl_mpio");
    file_ = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access);
    check(file_ < 0 ? -1 : 0, "H5Fcreate");
  }
  ~FileWriter() {
    if (file_ >= 0) H5Fclose(file_);
  }
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;
  void close() {
    const hid_t file = file_;
    file_ = -1;
    check(H5Fclose(file), "H5Fclose");
  }

  void write(const Field& field) {
    const hid_t type = field.dtype == Dtype::f32 ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
    const Id space = space_of(extents(field.shape));
    const Id links(H5Pcreate(H5P_LINK_CREATE), H5Pclose, "H5Pcreate");
    check(H5Pset_create_intermediate_group(links, 1), "H5Pset_create_intermediate_group");
    const Id dataset(H5Dcreate2(file_, field.name.c_str(), type, space, links, H5P_DEFAULT, H5P_DEFAULT),
                     H5Dclose, "H5Dcreate2");
    if (field.kind == Kind::replicated && rank_ != 0 && !collective_) return;
    const bool together = collective_ && field.pieces.size() == 1;
    const Id transfer(H5Pcreate(H5P_DATASET_XFER), H5Pclose, "H5Pcreate");
    check(H5Pset_dxpl_mpio(transfer, together ? H5FD_MPIO_COLLECTIVE : H5FD_MPIO_INDEPENDENT),
          "H5Pset_dxpl_mpio");
    for (const Piece& piece : field.pieces)
      write_piece(dataset, type, transfer, piece, field.kind == Kind::replicated && rank_ != 0, together);
  }

 private:
  /// In calls of at most 1 GiB; a collective transfer is one call, the same number on every rank.
  void write_piece(hid_t dataset, hid_t type, hid_t transfer, const Piece& piece, bool nothing,
                   bool together) {
    auto start = extents(piece.start), count = extents(piece.count), from = extents(piece.memory_start);
    if (nothing && !count.empty()) count[0] = 0;
    const Id file_space(H5Dget_space(dataset), H5Sclose, "H5Dget_space");
    const Id memory_space = space_of(extents(piece.memory_shape));
    hsize_t row_bytes = H5Tget_size(type);
    for (std::size_t dim = 1; dim < count.size(); ++dim) row_bytes *= count[dim];
    const hsize_t rows = count.empty() ? 1 : count[0];
    const hsize_t rows_a_call = together || row_bytes == 0
                                    ? std::max<hsize_t>(rows, 1)
                                    : std::max<hsize_t>(1, largest_transfer / row_bytes);
    for (hsize_t row = 0; row < std::max<hsize_t>(rows, 1); row += rows_a_call) {
      if (!count.empty()) {
        count[0] = std::min(rows_a_call, rows - row);
        select(file_space, start, count);
        select(memory_space, from, count);
        start[0] += count[0];
        from[0] += count[0];
      }
      check(H5Dwrite(dataset, type, memory_space, file_space, transfer, piece.data), "H5Dwrite");
    }
  }

  bool collective_;
  int rank_ = 0;
  hid_t file_ = -1;
};

}  // namespace

void write_parallel_hdf5(MPI_Comm comm, const std::filesystem::path& path, const Workload& workload,
                         bool collective) {
  FileWriter writer(comm, path, collective);
  for (const Field& field : workload.fields) writer.write(field);
  writer.close();
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
  if (descriptor >= 0) ::close(descriptor);
  if (!synced) throw std::runtime_error("fsync of " + path.string() + " failed");
}

}  // namespace cairn::bench
