#include "choose.hpp"
#include "commands.hpp"
#include "commit/path.hpp"
#include "output.hpp"
#include "slice.hpp"
#include "text.hpp"
#include "tree/path.hpp"
#include "values.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <span>

#include <fcntl.h>

namespace cairn::command {
namespace {

using load_stages::StoredTree;
using tree::Box;

constexpr std::uint64_t kPieceBytes = 8u << 20;

void write_raw(std::span<const std::byte> bytes) {
  std::cout.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

/// Part of a selection, as the box of the array that holds it. `piece` counts in the selection.
Box box_around(const Box& piece, const std::vector<Range>& ranges) {
  Box box = piece;
  for (std::size_t d = 0; d < ranges.size(); ++d) {
    const auto first = ranges[d].start + piece.start[d] * ranges[d].step;
    const auto last = first + (piece.count[d] - 1) * ranges[d].step;
    box.start[d] = std::min(first, last);
    box.count[d] = std::max(first, last) - box.start[d] + 1;
  }
  return box;
}

/// Calls `use(elements, packed bytes)` for the selected elements, row-major, a bounded piece at a time.
template <class Use>
void for_each_piece(const StoredTree& tree, const tree::StoredLeaf& leaf, const std::vector<Range>& ranges,
                    Use&& use) {
  Dims counts, steps;
  std::uint64_t spread = 1;  // elements read for one that is selected
  for (const auto& range : ranges) {
    counts.push_back(range.count);
    spread *= static_cast<std::uint64_t>(std::abs(range.step));
  }
  if (tree::product(counts) == 0 || leaf.element_bytes == 0) return;
  std::vector<std::byte> memory, packed;
  for (const auto& piece : tree::cut(tree::whole(counts),
                                     std::max<std::uint64_t>(kPieceBytes / leaf.element_bytes / spread, 1))) {
    const Box box = box_around(piece, ranges);
    memory.resize(tree::product(box.count) * leaf.element_bytes);
    tree.read(leaf, box, memory);
    const Dims dense = tree::row_major_strides(box.count);
    Dims strides = dense;
    std::int64_t first = 0;  // of the selected ones in `memory`
    for (std::size_t d = 0; d < ranges.size(); ++d) {
      strides[d] *= ranges[d].step;
      if (ranges[d].step < 0) first += (box.count[d] - 1) * dense[d];
    }
    const auto elements = tree::product(piece.count);
    packed.resize(elements * leaf.element_bytes);
    tree::copy_strided(memory.data() + first * static_cast<std::int64_t>(leaf.element_bytes), strides,
                       packed.data(), tree::row_major_strides(piece.count), piece.count, leaf.element_bytes);
    use(elements, packed);
  }
}

std::uint64_t selected(const std::vector<Range>& ranges) {
  std::uint64_t elements = 1;
  for (const auto& range : ranges) elements *= static_cast<std::uint64_t>(range.count);
  return elements;
}

/// What the values are of.
nlohmann::json heading(const CatRequest& request, const Chosen& chosen) {
  return {{"path", request.path.string()}, {"checkpointable", chosen.name}, {"name", chosen.leaf}};
}

void print_leaf(const StoredTree& tree, const tree::StoredLeaf& leaf, const Chosen& chosen,
                const CatRequest& request) {
  const auto ranges = parse_slice(request.slice, leaf.shape);
  const auto bytes = leaf.element_bytes;
  TextOutput text(ranges);
  JsonOutput json(heading(request, chosen), leaf.dtype, ranges);
  const auto add = [&](const std::byte* element) {
    if (request.as_json)
      json.add(element_json(leaf.dtype, element, bytes));
    else
      text.add(element_text(leaf.dtype, element, bytes));
  };
  if (bytes == 0 && !request.raw)  // empty strings
    for (auto n = selected(ranges); n > 0; --n) add(nullptr);
  for_each_piece(tree, leaf, ranges, [&](std::uint64_t elements, const std::vector<std::byte>& packed) {
    if (request.raw) return write_raw(packed);
    for (std::uint64_t i = 0; i < elements; ++i) add(packed.data() + i * bytes);
  });
  if (request.as_json) json.end();
}

/// A file of something that is no tree.
void print_file(const base::File& directory, const Chosen& chosen, const CatRequest& request) {
  constexpr std::uint64_t kLongestText = 256u << 20;
  const std::string& name = chosen.leaf;
  const auto file = base::open_file(&directory, name, O_RDONLY | O_NOFOLLOW);
  const auto bytes = static_cast<std::uint64_t>(base::status(file).st_size);
  if (!request.raw) {
    const auto text = bytes <= kLongestText ? base::read_whole(directory, name, bytes) : std::string(1, '\0');
    if (text.find('\0') != text.npos || !tree::is_utf8(text))
      throw Error(ErrorCode::invalid_argument, name + " is no text: --format raw prints its bytes");
    if (request.as_json) {
      auto json = heading(request, chosen);
      json["text"] = text;
      return print_json(json);
    }
    std::cout << text << (text.empty() || text.back() == '\n' ? "" : "\n");
    return;
  }
  std::vector<std::byte> piece;
  for (std::uint64_t at = 0; at < bytes; at += piece.size()) {
    piece.resize(std::min(kPieceBytes, bytes - at));
    base::read_at(file, piece, at);
    write_raw(piece);
  }
}

}  // namespace

int cat(const CatRequest& request) {
  const auto opened = load_stages::open_manifest(commit::resolve_path(request.path, FileOptions()));
  const auto chosen = choose(opened, request.checkpointable, request.leaf);
  if (chosen.entry->handler == commit::tree_handler) {
    const StoredTree tree(opened, *chosen.entry);
    print_leaf(tree, *tree.find(chosen.leaf), chosen, request);
  } else if (!request.slice.empty()) {
    throw Error(ErrorCode::invalid_argument, chosen.leaf + " is a file, which has no slices");
  } else {
    print_file(opened.checkpoint.directory, chosen, request);
  }
  return sound;
}

}  // namespace cairn::command
