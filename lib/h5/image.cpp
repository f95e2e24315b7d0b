#include "h5/image.hpp"

#include <algorithm>
#include <cstring>

namespace cairn::h5 {

void Image::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  record(offset, offset + bytes.size());
  while (!bytes.empty()) {
    auto& page = pages_[offset / page_bytes];
    if (!page) page = std::make_unique<std::byte[]>(page_bytes);
    const auto within = offset % page_bytes;
    const auto count = std::min<std::uint64_t>(bytes.size(), page_bytes - within);
    std::memcpy(page.get() + within, bytes.data(), count);
    bytes = bytes.subspan(count);
    offset += count;
  }
  bytes_ = std::max(bytes_, offset);
}

void Image::read(std::uint64_t offset, std::span<std::byte> bytes) const noexcept {
  while (!bytes.empty()) {
    const auto within = offset % page_bytes;
    const auto count = std::min<std::uint64_t>(bytes.size(), page_bytes - within);
    const auto page = pages_.find(offset / page_bytes);
    if (page == pages_.end()) {
      std::memset(bytes.data(), 0, count);
    } else {
      std::memcpy(bytes.data(), page->second.get() + within, count);
    }
    bytes = bytes.subspan(count);
    offset += count;
  }
}

std::string Image::read(std::uint64_t offset, std::uint64_t bytes) const {
  std::string text(bytes, '\0');
  read(offset, std::as_writable_bytes(std::span(text)));
  return text;
}

std::optional<std::uint64_t> Image::chunk_node(std::uint64_t first_child) const {
  const auto found = chunk_nodes_.find(first_child);
  if (found == chunk_nodes_.end()) return std::nullopt;
  return found->second;
}

void Image::record(std::uint64_t begin, std::uint64_t end) {
  auto next = written_.upper_bound(begin);
  if (next != written_.begin()) {
    const auto before = std::prev(next);
    if (before->second >= end) return;
    if (before->second >= begin) {
      begin = before->first;
      next = before;
    }
  }
  while (next != written_.end() && next->first <= end) {
    end = std::max(end, next->second);
    next = written_.erase(next);
  }
  written_.emplace_hint(next, begin, end);
}

}  // namespace cairn::h5
