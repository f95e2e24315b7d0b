#include "commit/size.hpp"

#include <fcntl.h>

namespace cairn::commit {

std::uint64_t size_of(const base::File& parent, const std::string& entry) {
  const auto found = base::status_of(parent, entry);
  if (!found) return 0;
  if (!S_ISDIR(found->st_mode))
    return S_ISREG(found->st_mode) ? static_cast<std::uint64_t>(found->st_size) : 0;
  const auto directory = base::try_open_file(&parent, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!directory) return 0;
  std::uint64_t bytes = 0;
  for (const auto& name : base::list(directory)) bytes += size_of(directory, name);
  return bytes;
}

}  // namespace cairn::commit
