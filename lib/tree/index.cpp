#include "tree/index.hpp"

#include "cairn/error.hpp"

#include <algorithm>
#include <limits>

#include <nlohmann/json.hpp>

namespace cairn::tree {

namespace {

using nlohmann::json;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::corrupt, "the index of the file " + what +
                                      ": the file was damaged or not written by this library; restore it "
                                      "from a copy, or load another checkpoint");
}

class LeafReader {
 public:
  LeafReader(const json& object, std::uint64_t file_bytes) : object_(object), file_bytes_(file_bytes) {
    if (!object.is_object()) refuse("holds a leaf that is no object");
  }

  StoredLeaf read() {
    leaf_.path = text("path");
    check_path();
    leaf_.kind = kind();
    leaf_.dtype = dtype();
    leaf_.element_bytes = leaf_.dtype == Dtype::string ? number(member("bytes")) : size_of(leaf_.dtype);
    leaf_.shape = dims(member("shape"));
    std::uint64_t bytes = 0;
    if (!checked_product(leaf_.shape, std::max<std::uint64_t>(leaf_.element_bytes, 1), bytes)) {
      refuse_leaf("has a shape too large");
    }
    if (leaf_.element_bytes == 0) bytes = 0;
    if (object_.contains("order")) read_order();
    if (object_.contains("rows")) read_rows();
    read_tiling(bytes);
    // What a newer library wrote is not damaged: nobody is to pass over it for an older checkpoint.
    if (used_ != object_.size())
      throw Error(ErrorCode::unsupported, "the index of the file says of '" + leaf_.path +
                                              "' what this library does not know: use a newer one");
    return std::move(leaf_);
  }

 private:
  [[noreturn]] void refuse_leaf(const std::string& what) const {
    refuse("says that '" + leaf_.path + "' " + what);
  }

  const json& member(const char* name) {
    const auto found = object_.find(name);
    if (found == object_.end()) refuse_leaf("has no " + std::string(name));
    ++used_;
    return *found;
  }
  std::string text(const char* name) {
    const auto& value = member(name);
    if (!value.is_string()) refuse_leaf("has a " + std::string(name) + " that is no text");
    return value.get<std::string>();
  }
  std::uint64_t number(const json& value) const {
    if (!value.is_number_unsigned()) refuse_leaf("has something else where a number belongs");
    const auto result = value.get<std::uint64_t>();
    if (result > std::numeric_limits<std::int64_t>::max()) refuse_leaf("has a number too large");
    return result;
  }
  const json& array(const json& value) const {
    if (!value.is_array()) refuse_leaf("has something else where a list belongs");
    return value;
  }
  Dims dims(const json& value) const {
    if (array(value).size() > 8) refuse_leaf("has more than 8 dimensions");
    Dims result;
    for (const auto& extent : value) result.push_back(number(extent));
    return result;
  }

  void check_path() const {
    const auto& path = leaf_.path;
    if (path.empty() || path.front() == '/' || path.back() == '/' || path.find("//") != path.npos) {
      refuse("holds the malformed path '" + path + "'");
    }
  }
  Kind kind() {
    const auto name = text("kind");
    if (name == "sharded") return Kind::sharded;
    if (name == "replicated") return Kind::replicated;
    if (name == "per_rank") return Kind::per_rank;
    if (name == "appended") return Kind::appended;
    refuse_leaf("is of the unknown kind '" + name + "'");
  }
  Dtype dtype() {
    const auto name = text("dtype");
    for (auto value = static_cast<int>(Dtype::i8); value <= static_cast<int>(Dtype::string); ++value) {
      if (name == to_string(static_cast<Dtype>(value))) return static_cast<Dtype>(value);
    }
    refuse_leaf("is of the unknown dtype '" + name + "'");
  }

  void read_order() {
    if (text("order") != "fortran") refuse_leaf("is of an unknown order");
    if (leaf_.shape.ndims() < 2) refuse_leaf("has an order, and less than two dimensions");
    leaf_.fortran_order = true;
  }

  void read_rows() {
    if (leaf_.kind != Kind::appended || leaf_.shape.ndims() == 0) refuse_leaf("has rows but is not appended");
    std::uint64_t sum = 0;
    for (const auto& value : array(member("rows"))) {
      const auto rows = number(value);
      leaf_.rows.push_back(static_cast<std::int64_t>(rows));
      sum += rows;
      if (sum > static_cast<std::uint64_t>(leaf_.shape[0])) break;
    }
    if (sum != static_cast<std::uint64_t>(leaf_.shape[0])) refuse_leaf("has rows that are not its shape's");
  }

  void read_tiling(std::uint64_t bytes) {
    auto& tiling = leaf_.tiling;
    if (bytes == 0) return;
    if (object_.contains("offset")) {
      tiling.kind = TileKind::one;
      tiling.offset = number(member("offset"));
    } else if (object_.contains("cell")) {
      tiling.kind = TileKind::grid;
      read_grid();
    } else if (object_.contains("boxes")) {
      tiling.kind = TileKind::boxes;
      read_boxes();
    } else {
      refuse_leaf("has bytes but no offset");
    }
  }

  void read_grid() {
    auto& tiling = leaf_.tiling;
    tiling.cell = dims(member("cell"));
    if (tiling.cell.ndims() != leaf_.shape.ndims() || tiling.cell.ndims() == 0) {
      refuse_leaf("has a grid of other dimensions");
    }
    std::uint64_t tiles = 1;
    for (std::size_t dim = 0; dim < tiling.cell.ndims(); ++dim) {
      if (tiling.cell[dim] < 1 || tiling.cell[dim] > leaf_.shape[dim]) refuse_leaf("has a grid without size");
      tiles *= static_cast<std::uint64_t>((leaf_.shape[dim] - 1) / tiling.cell[dim] + 1);
    }
    read_offsets(tiles, product(tiling.cell) * leaf_.element_bytes);
  }

  void read_boxes() {
    auto& tiling = leaf_.tiling;
    std::uint64_t elements = 0;
    for (const auto& value : array(member("boxes"))) {
      if (array(value).size() != 2) refuse_leaf("has a malformed box");
      Box box{dims(value[0]), dims(value[1])};
      if (box.start.ndims() != leaf_.shape.ndims() || box.count.ndims() != leaf_.shape.ndims() ||
          is_empty(box) || !contains(whole(leaf_.shape), box)) {
        refuse_leaf("has a box outside its shape");
      }
      if (!tiling.boxes.empty() &&
          !std::ranges::lexicographical_compare(tiling.boxes.back().start, box.start)) {
        refuse_leaf("has boxes out of order");
      }
      elements += product(box.count);
      if (elements > product(leaf_.shape)) refuse_leaf("has boxes that overlap");
      tiling.boxes.push_back(box);
    }
    if (elements != product(leaf_.shape)) refuse_leaf("has boxes that leave a gap");
    read_offsets(tiling.boxes.size(), leaf_.element_bytes);
  }

  void read_offsets(std::uint64_t tiles, std::uint64_t least_tile_bytes) {
    auto& offsets = leaf_.tiling.offsets;
    if (tiles > file_bytes_ / least_tile_bytes) refuse_leaf("has more tiles than its file has room for");
    offsets.reserve(tiles);
    for (const auto& value : array(member("offsets"))) {
      if (array(value).size() != 3) refuse_leaf("has malformed offsets");
      const auto first = number(value[0]), stride = number(value[1]), count = number(value[2]);
      if (count == 0 || count > tiles - offsets.size() || first > file_bytes_ ||
          (count > 1 && stride > (file_bytes_ - first) / (count - 1))) {
        refuse_leaf("has offsets outside its file");
      }
      for (std::uint64_t i = 0; i < count; ++i) offsets.push_back(first + stride * i);
    }
    if (offsets.size() != tiles) refuse_leaf("has too few offsets");
  }

  const json& object_;
  std::uint64_t file_bytes_;
  std::size_t used_ = 0;
  StoredLeaf leaf_;
};

json parse(std::string_view text) {
  auto value = json::parse(text, nullptr, false);
  if (value.is_discarded()) refuse("is not JSON");
  return value;
}

/// Paths ascend, and no leaf is another's group.
void check_order(const std::vector<StoredLeaf>& leaves) {
  for (std::size_t i = 1; i < leaves.size(); ++i) {
    if (leaves[i].path <= leaves[i - 1].path) refuse("does not list its paths in order");
  }
  const auto exists = [&](std::string_view path) {
    const auto found = std::ranges::lower_bound(leaves, path, {}, &StoredLeaf::path);
    return found != leaves.end() && found->path == path;
  };
  for (const auto& leaf : leaves) {
    const std::string_view path = leaf.path;
    for (auto slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1)) {
      if (exists(path.substr(0, slash))) {
        refuse("has '" + std::string(path.substr(0, slash)) + "' as an array and as a group");
      }
    }
  }
}

}  // namespace

std::vector<StoredLeaf> decode_index(std::string_view text, std::uint64_t file_bytes) {
  const auto index = parse(text);
  if (!index.is_object() || index.size() != 2 || !index.contains("version") || !index.contains("leaves") ||
      !index["version"].is_number_unsigned() || !index["leaves"].is_array()) {
    refuse("is malformed");
  }
  if (const auto version = index["version"].get<std::uint64_t>(); version != 1) {
    throw Error(ErrorCode::unsupported, "the index of the file is of version " + std::to_string(version) +
                                            ", which this library does not know: use a newer one");
  }
  std::vector<StoredLeaf> leaves;
  leaves.reserve(index["leaves"].size());
  for (const auto& object : index["leaves"]) leaves.push_back(LeafReader(object, file_bytes).read());
  check_order(leaves);
  if (const auto problem = tile_problem(tile_ranges(leaves), leaves, file_bytes); !problem.empty()) {
    refuse("says that " + problem);
  }
  return leaves;
}

}  // namespace cairn::tree
