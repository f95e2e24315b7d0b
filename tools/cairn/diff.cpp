#include "choose.hpp"
#include "commands.hpp"
#include "commit/path.hpp"
#include "compare.hpp"
#include "text.hpp"

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <optional>
#include <set>

namespace cairn::command {
namespace {

using commit::CheckpointableEntry;
using load_stages::OpenedManifest;
using load_stages::StoredTree;
using nlohmann::json;

/// One thing that differs. `a`, `b`: what each has; null: nothing.
struct Difference {
  std::string checkpointable = {};
  std::string name = {};  // of a leaf, a file or a metric, or where in the custom metadata
  std::string what = {};  // presence, handler, kind, dtype, shape, values, file, metric or custom_metadata
  json a = {}, b = {};
  std::optional<ValueDifference> values = {};
  std::uint64_t elements = 0;  // of the array
};

/// All keys of two maps.
template <class Map>
std::set<std::string> keys_of(const Map& a, const Map& b) {
  std::set<std::string> keys;
  for (const auto* map : {&a, &b})
    for (const auto& [key, value] : *map) keys.insert(key);
  return keys;
}

template <class Map>
const typename Map::mapped_type* find(const Map& map, const std::string& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

json dtype_json(const tree::StoredLeaf& leaf) {
  std::string text = to_string(leaf.dtype);
  if (leaf.dtype == Dtype::string) text += " of " + count_text(leaf.element_bytes, "byte");
  return text;
}

class Diff {
 public:
  Diff(const DiffRequest& request, const OpenedManifest& a, const OpenedManifest& b)
      : request_(request), a_(a), b_(b) {}

  std::vector<Difference> run() {
    const auto& in_a = a_.manifest.checkpointables;
    const auto& in_b = b_.manifest.checkpointables;
    for (const auto& name : keys_of(in_a, in_b)) {
      if (!request_.checkpointable.empty() && name != request_.checkpointable) continue;
      const auto *left = find(in_a, name), *right = find(in_b, name);
      checkpointable_ = name;
      if (left == nullptr || right == nullptr)
        add("", "presence", left != nullptr, right != nullptr);
      else if (left->handler != right->handler)
        add("", "handler", left->handler, right->handler);
      else if (left->handler == commit::tree_handler)
        compare_trees(*left, *right);
      else
        compare_files(*left, *right);
    }
    checkpointable_.clear();
    if (request_.checkpointable.empty() && !request_.structure) {
      compare_metrics();
      compare_custom_metadata();
    }
    return std::move(found_);
  }

 private:
  void add(const std::string& name, const std::string& what, json a, json b) {
    found_.push_back({checkpointable_, name, what, std::move(a), std::move(b), {}, 0});
  }

  void compare_trees(const CheckpointableEntry& left, const CheckpointableEntry& right) {
    const StoredTree a(a_, left), b(b_, right);
    std::set<std::string> paths;
    for (const auto* tree : {&a, &b})
      for (const auto& leaf : tree->leaves()) paths.insert(leaf.path);
    for (const auto& path : paths) {
      const auto *in_a = a.find(path), *in_b = b.find(path);
      if (in_a == nullptr || in_b == nullptr)
        add(path, "presence", in_a != nullptr, in_b != nullptr);
      else
        compare_leaves(a, *in_a, b, *in_b);
    }
  }

  void compare_leaves(const StoredTree& a, const tree::StoredLeaf& left, const StoredTree& b,
                      const tree::StoredLeaf& right) {
    if (left.kind != right.kind) add(left.path, "kind", kind_text(left.kind), kind_text(right.kind));
    const bool same_dtype = left.dtype == right.dtype && left.element_bytes == right.element_bytes;
    const bool same_shape =
        std::equal(left.shape.begin(), left.shape.end(), right.shape.begin(), right.shape.end());
    // The length of a string is part of its value.
    if (left.dtype != right.dtype || (!same_dtype && !request_.structure))
      add(left.path, "dtype", dtype_json(left), dtype_json(right));
    if (!same_shape) add(left.path, "shape", left.shape, right.shape);
    if (!same_dtype || !same_shape || request_.structure) return;
    if (auto values = compare_values(a, left, b, right, {request_.atol, request_.rtol})) {
      found_.push_back({checkpointable_, left.path, "values", {}, {}, *values, tree::product(left.shape)});
    }
  }

  void compare_files(const CheckpointableEntry& left, const CheckpointableEntry& right) {
    std::map<std::string, json> a, b;
    for (const auto& file : left.files) a[file.name] = base::to_hex(file.digest);
    for (const auto& file : right.files) b[file.name] = base::to_hex(file.digest);
    for (const auto& name : keys_of(a, b)) {
      const auto *in_a = find(a, name), *in_b = find(b, name);
      if (in_a == nullptr || in_b == nullptr)
        add(name, "presence", in_a != nullptr, in_b != nullptr);
      else if (*in_a != *in_b && !request_.structure)
        add(name, "file", *in_a, *in_b);
    }
  }

  void compare_metrics() {
    const auto &a = a_.manifest.metrics, &b = b_.manifest.metrics;
    for (const auto& name : keys_of(a, b)) {
      const auto *in_a = find(a, name), *in_b = find(b, name);
      if (in_a != nullptr && in_b != nullptr && is_same(*in_a, *in_b, {request_.atol, request_.rtol}))
        continue;
      add(name, "metric", in_a == nullptr ? json() : number_json(*in_a),
          in_b == nullptr ? json() : number_json(*in_b));
    }
  }

  void compare_custom_metadata() {
    const auto a = a_.manifest.custom_metadata.value(), b = b_.manifest.custom_metadata.value();
    std::set<std::string> places;
    for (const auto& step : json::diff(a, b)) places.insert(step.at("path").get<std::string>());
    const auto value_at = [](const json& value, const std::string& place) {
      const json::json_pointer pointer(place);
      return value.contains(pointer) ? value.at(pointer) : json();
    };
    for (const auto& place : places) add(place, "custom_metadata", value_at(a, place), value_at(b, place));
  }

  const DiffRequest& request_;
  const OpenedManifest &a_, &b_;
  std::string checkpointable_;
  std::vector<Difference> found_;
};

std::string values_text(const Difference& difference) {
  const auto& values = *difference.values;
  std::string text = std::to_string(values.elements) + " of " + count_text(difference.elements, "element") +
                     (values.elements == 1 ? " differs" : " differ") + ", by at most " +
                     number_text(values.max_abs) + " (relative " + number_text(values.max_rel) + ')';
  if (values.first.ndims() > 0) text += ", first at " + shape_text(values.first);
  return text;
}

std::string to_text(const Difference& difference) {
  std::string text = difference.checkpointable;
  if (!text.empty() && !difference.name.empty()) text += '/';
  if (difference.what == "metric") text = "metric ";
  if (difference.what == "custom_metadata") text = "custom metadata ";
  text += difference.name + ": ";
  if (difference.values) return text + values_text(difference);
  if (difference.what == "presence")
    return text + (difference.a == true ? "only in the first" : "only in the second");
  const auto side = [](const json& value) {
    if (value.is_null()) return std::string("nothing");
    return value.is_string() ? value.get<std::string>()
                             : value.dump(-1, ' ', false, json::error_handler_t::replace);
  };
  if (difference.what == "file") return text + "other bytes";
  return text +
         (difference.what == "kind" || difference.what == "dtype" || difference.what == "shape" ||
                  difference.what == "handler"
              ? difference.what + ' '
              : "") +
         side(difference.a) + " against " + side(difference.b);
}

json to_json(const Difference& difference) {
  json result = {{"checkpointable", difference.checkpointable},
                 {"name", difference.name},
                 {"what", difference.what},
                 {"a", difference.a},
                 {"b", difference.b}};
  if (difference.values) {
    const auto& values = *difference.values;
    result["elements"] = difference.elements;
    result["differing"] = values.elements;
    result["max_abs"] = number_json(values.max_abs);
    result["max_rel"] = number_json(values.max_rel);
    result["first"] = std::vector<std::int64_t>(values.first.begin(), values.first.end());
  }
  return result;
}

/// Misspelt in both, it would be the same in both.
void require_checkpointable(const DiffRequest& request, const OpenedManifest& a, const OpenedManifest& b) {
  if (request.checkpointable.empty() || b.manifest.checkpointables.contains(request.checkpointable)) return;
  find_checkpointable(a.manifest, request.checkpointable);
}

std::vector<Difference> compare(const DiffRequest& request) {
  const auto a = load_stages::open_manifest(commit::resolve_path(request.a, FileOptions()));
  const auto b = load_stages::open_manifest(commit::resolve_path(request.b, FileOptions()));
  require_checkpointable(request, a, b);
  return Diff(request, a, b).run();
}

}  // namespace

int diff(const DiffRequest& request) {
  const auto found = compare(request);
  if (request.as_json) {
    auto differences = json::array();
    for (const auto& difference : found) differences.push_back(to_json(difference));
    print_json({{"a", request.a.string()},
                {"b", request.b.string()},
                {"same", found.empty()},
                {"differences", std::move(differences)}});
  } else {
    for (const auto& difference : found) std::cout << to_text(difference) << '\n';
    if (found.empty()) std::cout << "the same\n";
  }
  return found.empty() ? sound : different;
}

}  // namespace cairn::command
