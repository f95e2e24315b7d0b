#include "posix_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace cairn::bench {
namespace {

constexpr std::uint64_t page = 4096, step = 8ull << 20;

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags)
      : descriptor_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {
    if (descriptor_ < 0) fail("open " + path.string());
  }
  ~Descriptor() { ::close(descriptor_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

template <class Call>
void each_step(std::uint64_t bytes, const char* name, Call call) {
  for (std::uint64_t at = 0; at < bytes;) {
    const ssize_t moved = call(at, std::min(step, bytes - at));
    if (moved <= 0) fail(name);
    at += static_cast<std::uint64_t>(moved);
  }
}

}  // namespace

void PosixFile::Free::operator()(std::byte* memory) const noexcept {
  std::free(memory);
}

PosixFile::PosixFile(MPI_Comm comm, std::filesystem::path path, std::uint64_t bytes)
    : comm_(comm), path_(std::move(path)), bytes_(bytes), padded_((bytes + page - 1) / page * page) {
  int rank = 0;
  MPI_Comm_rank(comm_, &rank);
  MPI_Exscan(&padded_, &offset_, 1, MPI_UINT64_T, MPI_SUM, comm_);
  if (rank == 0) offset_ = 0;
  MPI_Allreduce(&padded_, &file_bytes_, 1, MPI_UINT64_T, MPI_SUM, comm_);
  data_.reset(static_cast<std::byte*>(std::aligned_alloc(page, std::max(padded_, page))));
  if (!data_) throw std::bad_alloc();
  for (std::uint64_t k = 0; k < padded_; ++k)
    data_.get()[k] = static_cast<std::byte>(k * 131 + static_cast<unsigned>(rank));
}

void PosixFile::write(PosixWay way) {
  int rank = 0;
  MPI_Comm_rank(comm_, &rank);
  if (rank == 0) {
    const Descriptor file(path_, O_CREAT | O_TRUNC | O_WRONLY);
    if (way != PosixWay::buffered && file_bytes_ > 0 &&
        ::fallocate(file.get(), 0, 0, static_cast<off_t>(file_bytes_)) != 0 && errno != EOPNOTSUPP)
      fail("fallocate " + path_.string());
  }
  MPI_Barrier(comm_);
  const Descriptor file(path_, O_WRONLY | (way == PosixWay::direct ? O_DIRECT : 0));
  each_step(way == PosixWay::direct ? padded_ : bytes_, "pwrite", [&](std::uint64_t at, std::uint64_t count) {
    const ssize_t written = ::pwrite(file.get(), data_.get() + at, count, static_cast<off_t>(offset_ + at));
    if (written > 0 && way == PosixWay::preallocated)
      ::sync_file_range(file.get(), static_cast<off_t>(offset_ + at), written, SYNC_FILE_RANGE_WRITE);
    return written;
  });
  if (::fsync(file.get()) != 0) fail("fsync " + path_.string());
}

void PosixFile::read() {
  const Descriptor file(path_, O_RDONLY);
  each_step(bytes_, "pread", [&](std::uint64_t at, std::uint64_t count) {
    return ::pread(file.get(), data_.get() + at, count, static_cast<off_t>(offset_ + at));
  });
}

void PosixFile::remove() {
  int rank = 0;
  MPI_Comm_rank(comm_, &rank);
  MPI_Barrier(comm_);
  if (rank == 0) std::filesystem::remove(path_);
  MPI_Barrier(comm_);
}

void forget_cached_pages(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path)) {
    for (const auto& entry : std::filesystem::directory_iterator(path))
      if (entry.is_regular_file()) forget_cached_pages(entry.path());
    return;
  }
  const Descriptor file(path, O_RDONLY);
  if (const int error = ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED); error != 0)
    throw std::system_error(error, std::generic_category(), "posix_fadvise " + path.string());
}

}  // namespace cairn::bench
