#include "h5/file_layout.hpp"

#include "h5/file_builder.hpp"
#include "tree/index.hpp"

#include <algorithm>

namespace cairn::h5 {

namespace {

using tree::FileRange;

/// What was written within the file, less what belongs to tiles and table: space that HDF5 had written and
/// then gave up may have become theirs. `taken` is sorted and disjoint.
std::vector<FileRange> written_ranges(const Image& image, const std::vector<FileRange>& taken) {
  std::vector<FileRange> result;
  auto next = taken.begin();
  for (const auto& [written_begin, written_end] : image.written()) {
    auto begin = written_begin;
    const auto end = std::min(written_end, image.bytes());
    while (begin < end) {
      while (next != taken.end() && next->end <= begin) ++next;
      const auto until = next == taken.end() ? end : std::clamp(next->begin, begin, end);
      if (until > begin) result.push_back({begin, until, 0});
      begin = until < end ? next->end : end;
    }
  }
  return result;
}

/// Joins ranges over small gaps that hold no tile, and so only zeros: fewer ranges to list.
std::vector<FileRange> joined(const std::vector<FileRange>& ranges, const std::vector<FileRange>& taken) {
  constexpr std::uint64_t small_gap = 4096;
  std::vector<FileRange> result;
  for (const auto& range : ranges) {
    bool near = !result.empty() && range.begin - result.back().end <= small_gap;
    if (near) {
      const auto between = std::ranges::lower_bound(taken, result.back().end, {}, &FileRange::begin);
      near = between == taken.end() || between->begin >= range.begin;
    }
    if (near) {
      result.back().end = range.end;
    } else {
      result.push_back(range);
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
  for (const auto& range : joined(written_ranges(image, taken), taken)) {
    layout.structure.push_back({range.begin, image.read(range.begin, range.end - range.begin)});
  }
  return layout;
}

}  // namespace cairn::h5
