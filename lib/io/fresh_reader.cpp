#include "io/fresh_reader.hpp"

#include "cairn/error.hpp"
#include "io/buffer.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>

namespace cairn::io {

FreshReader::FreshReader(const base::File& directory, const std::string& name)
    : buffered_(base::open_file(&directory, name, O_RDONLY)) {
  try {
    direct_.emplace(base::open_file(&directory, name, O_RDONLY | O_DIRECT));
  } catch (const Error& error) {
    if (error.system_error() != EINVAL && error.system_error() != EOPNOTSUPP) throw;
  }
}

void FreshReader::read(std::span<std::byte> bytes, std::uint64_t offset) const {
  const auto page = page_bytes();
  const auto head = std::min<std::uint64_t>((page - offset % page) % page, bytes.size());
  const auto interior = (bytes.size() - head) / page * page;
  if (direct_ && interior > 0 && reinterpret_cast<std::uintptr_t>(bytes.data()) % page == offset % page) {
    try {
      base::read_at(*direct_, bytes.subspan(head, interior), offset + head);
      base::read_at(buffered_, bytes.first(head), offset);
      base::read_at(buffered_, bytes.subspan(head + interior), offset + head + interior);
      return;
    } catch (const Error& error) {
      if (error.system_error() != EINVAL) throw;
    }
  }
  base::read_at(buffered_, bytes, offset);
}

}  // namespace cairn::io
