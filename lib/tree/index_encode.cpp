#include "tree/index.hpp"

#include <algorithm>
#include <charconv>
#include <concepts>
#include <utility>

namespace cairn::tree {

std::vector<OffsetRun> to_runs(const std::vector<std::uint64_t>& offsets) {
  std::vector<OffsetRun> runs;
  for (const auto offset : offsets) {
    if (!runs.empty()) {
      auto& run = runs.back();
      if (run.count == 1 && offset > run.first) {
        run.stride = offset - run.first;
        run.count = 2;
        continue;
      }
      if (run.count > 1 && offset == run.first + run.stride * run.count) {
        ++run.count;
        continue;
      }
    }
    runs.push_back({offset, 0, 1});
  }
  return runs;
}

namespace {

class JsonText {
 public:
  JsonText& raw(std::string_view text) {
    text_ += text;
    return *this;
  }
  template <std::integral Int>
  JsonText& number(Int value) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    text_.append(digits, end);
    return *this;
  }
  template <class Numbers>
  JsonText& numbers(const Numbers& values) {
    text_ += '[';
    bool first = true;
    for (const auto value : values) {
      if (!first) text_ += ',';
      first = false;
      number(value);
    }
    text_ += ']';
    return *this;
  }
  JsonText& string(std::string_view value) {
    text_ += '"';
    for (const char c : value) {
      if (c == '"' || c == '\\') {
        text_.append({'\\', c});
      } else if (static_cast<unsigned char>(c) < 0x20) {
        constexpr char hex[] = "0123456789abcdef";
        text_.append("\\u00").append({hex[(c >> 4) & 15], hex[c & 15]});
      } else {
        text_ += c;
      }
    }
    text_ += '"';
    return *this;
  }
  void reserve(std::size_t bytes) { text_.reserve(bytes); }
  std::string take() && { return std::move(text_); }

 private:
  std::string text_;
};

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::sharded:
      return "sharded";
    case Kind::per_rank:
      return "per_rank";
    case Kind::appended:
      return "appended";
    case Kind::value:
    case Kind::replicated:
      break;
  }
  return "replicated";
}

void add_offsets(JsonText& json, const std::vector<std::uint64_t>& offsets) {
  json.raw(",\"offsets\":[");
  bool first = true;
  for (const auto& run : to_runs(offsets)) {
    if (!first) json.raw(",");
    first = false;
    json.raw("[").number(run.first).raw(",").number(run.stride).raw(",").number(run.count).raw("]");
  }
  json.raw("]");
}

void add_boxes(JsonText& json, const std::vector<Box>& boxes) {
  json.raw(",\"boxes\":[");
  bool first = true;
  for (const auto& box : boxes) {
    if (!first) json.raw(",");
    first = false;
    json.raw("[").numbers(box.start).raw(",").numbers(box.count).raw("]");
  }
  json.raw("]");
}

void add_leaf(JsonText& json, const StoredLeaf& leaf) {
  json.raw("{\"path\":").string(leaf.path);
  json.raw(",\"kind\":\"").raw(name_of(leaf.kind));
  json.raw("\",\"dtype\":\"").raw(to_string(leaf.dtype)).raw("\"");
  if (leaf.dtype == Dtype::string) json.raw(",\"bytes\":").number(leaf.element_bytes);
  json.raw(",\"shape\":").numbers(leaf.shape);
  if (leaf.fortran_order) json.raw(",\"order\":\"fortran\"");
  if (!leaf.rows.empty()) json.raw(",\"rows\":").numbers(leaf.rows);
  switch (leaf.tiling.kind) {
    case TileKind::none:
      break;
    case TileKind::one:
      json.raw(",\"offset\":").number(leaf.tiling.offset);
      break;
    case TileKind::grid:
      json.raw(",\"cell\":").numbers(leaf.tiling.cell);
      add_offsets(json, leaf.tiling.offsets);
      break;
    case TileKind::boxes:
      add_boxes(json, leaf.tiling.boxes);
      add_offsets(json, leaf.tiling.offsets);
      break;
  }
  json.raw("}");
}

}  // namespace

std::string encode_index(const std::vector<StoredLeaf>& leaves) {
  JsonText json;
  json.reserve(64 + leaves.size() * 128);
  json.raw("{\"version\":1,\"leaves\":[");
  bool first = true;
  for (const auto& leaf : leaves) {
    json.raw(first ? "\n" : ",\n");
    first = false;
    add_leaf(json, leaf);
  }
  json.raw("\n]}\n");
  return std::move(json).take();
}

std::vector<FileRange> tile_ranges(const std::vector<StoredLeaf>& leaves) {
  std::vector<FileRange> ranges;
  for (std::size_t number = 0; number < leaves.size(); ++number) {
    const auto& leaf = leaves[number];
    const auto& tiling = leaf.tiling;
    const auto add = [&](std::uint64_t offset, std::uint64_t elements) {
      ranges.push_back({offset, offset + elements * leaf.element_bytes, static_cast<std::uint32_t>(number)});
    };
    if (tiling.kind == TileKind::one) add(tiling.offset, product(leaf.shape));
    for (std::size_t tile = 0; tile < tiling.offsets.size(); ++tile) {
      add(tiling.offsets[tile],
          product(tiling.kind == TileKind::grid ? tiling.cell : tiling.boxes[tile].count));
    }
  }
  std::ranges::sort(ranges, {}, [](const FileRange& range) { return std::pair(range.begin, range.end); });
  return ranges;
}

std::string tile_problem(const std::vector<FileRange>& ranges, const std::vector<StoredLeaf>& leaves,
                         std::uint64_t file_bytes) {
  const FileRange* before = nullptr;
  for (const auto& range : ranges) {
    if (range.end < range.begin || range.end > file_bytes) {
      return "the array '" + leaves[range.leaf].path + "' reaches past the end of the file";
    }
    if (before != nullptr && range.begin < before->end) {
      return "the arrays '" + leaves[before->leaf].path + "' and '" + leaves[range.leaf].path + "' overlap";
    }
    before = &range;
  }
  return {};
}

}  // namespace cairn::tree
