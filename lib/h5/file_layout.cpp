#include "h5/file_layout.hpp"

#include "h5/file_builder.hpp"
#include "tree/index.hpp"

#include <algorithm>

namespace cairn::h5 {

namespace {

using tree::FileRange;

/// Walks ranges sorted by `begin` in step with rising questions.
class Occupied {
 public:
  explicit Occupied(const std::vector<FileRange>& ranges) : ranges_(ranges) {}
  /// The first range that ends behind `offset`, or null. Offsets must not fall.
  const FileRange* behind(std::uint64_t offset) {
    while (next_ < ranges_.size() && ranges_[next_].end <= offset) ++next_;
    return next_ < ranges_.size() ? &ranges_[next_] : nullptr;
  }

 private:
  const std::vector<FileRange>& ranges_;
  std::size_t next_ = 0;
};

/// What was written, less what belongs to tiles and table (space that HDF5 had written and given up before),
/// and joined over small gaps, which hold zeros.
std::vector<FileRange> structure_ranges(const Image& image, const std::vector<FileRange>& taken) {
  constexpr std::uint64_t small_gap = 4096;
  Occupied occupied(taken);
  std::vector<FileRange> result;
  bool apart = true;  // whether a tile lies between the last range and what comes
  for (const auto& range : image.written()) {
    auto begin = range.first;
    const auto end = std::min(range.second, image.bytes());
    while (begin < end) {
      if (!result.empty() && !apart) {
        const auto* tile = occupied.behind(result.back().end);
        apart = (tile != nullptr && tile->begin < begin) || begin - result.back().end > small_gap;
      }
      const auto* tile = occupied.behind(begin);
      const auto until = tile == nullptr ? end : std::clamp(tile->begin, begin, end);
      if (until > begin) {
        if (apart || result.empty()) {
          result.push_back({begin, until, 0});
        } else {
          result.back().end = until;
        }
        apart = false;
      }
      if (until == end) break;
      apart = true;
      begin = std::min(end, tile->end);
    }
  }
  return result;
}

}  // namespace

FileLayout lay_out(const LayoutRequest& request) {
  const QuietErrors quiet;
  FileBuilder builder(request);
  FileLayout layout;
  layout.leaves = request.leaves;
  layout.table_offset = builder.table_offset();
  for (auto& leaf : layout.leaves) builder.add_leaf(leaf);
  const auto index = tree::encode_index(layout.leaves);
  layout.index_offset = builder.add_index(index);
  layout.index_bytes = index.size();
  builder.finish();

  const auto& image = builder.image();
  layout.bytes = image.bytes();
  auto taken = tree::tile_ranges(layout.leaves);
  if (const auto problem = tree::tile_problem(taken, layout.leaves, layout.bytes); !problem.empty()) {
    throw Error(ErrorCode::internal, "HDF5 laid out a file in which " + problem);
  }
  if (request.table_rows > 0) {
    const FileRange table{layout.table_offset,
                          layout.table_offset + request.table_rows * request.row_format.bytes, 0};
    taken.insert(std::ranges::upper_bound(taken, table.begin, {}, &FileRange::begin), table);
  }
  for (const auto& range : structure_ranges(image, taken)) {
    layout.structure.push_back({range.begin, image.read(range.begin, range.end - range.begin)});
  }
  return layout;
}

}  // namespace cairn::h5
