#include "commit/manifest.hpp"

#include "base/json.hpp"
#include "cairn/error.hpp"
#include "commit/timestamp.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include <nlohmann/json.hpp>

namespace cairn::commit {

namespace {

using Value = nlohmann::json;

constexpr int newest_format = 1;
constexpr std::string_view format_name = "cairn checkpoint";
constexpr std::size_t digest_digits = 32;
// The text ends with these around the digest, so that it is found without reading the rest.
constexpr std::string_view before_digest = ",\n  \"digest\": \"";
constexpr std::string_view after_digest = "\"\n}\n";
constexpr std::uint64_t most_bytes = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

[[noreturn]] void damaged(const std::string& why) {
  throw Error(ErrorCode::corrupt, "checkpoint.json is damaged: " + why);
}

std::string compact(const Value& value) {
  return value.dump(-1, ' ', false, Value::error_handler_t::strict);
}

// ---- encoding

Value encode_metric(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

Value encode_entry(const CheckpointableEntry& entry) {
  Value json = {{"handler", entry.handler}};
  if (entry.handler != tree_handler) {
    json["files"] = Value::array();
    for (const auto& file : entry.files)
      json["files"].push_back(
          {{"name", file.name}, {"bytes", file.bytes}, {"digest", base::to_hex(file.digest)}});
    return json;
  }
  json["file"] = entry.file;
  json["bytes"] = entry.bytes;
  json["data_bytes"] = entry.data_bytes;
  json["leaves"] = entry.leaves;
  json["structure"] = entry.structure;
  json["structure_digest"] = base::to_hex(entry.structure_digest);
  json["index"] = {{"offset", entry.index_offset}, {"bytes", entry.index_bytes}};
  json["table"] = nullptr;
  if (entry.checksums) {
    json["table"] = {{"offset", entry.table_offset},
                     {"rows", entry.table_rows},
                     {"row_ndims", entry.row_ndims},
                     {"row_bytes", entry.row_bytes},
                     {"digest", base::to_hex(entry.table_digest)}};
  }
  return json;
}

std::string encode_entries(const std::map<std::string, CheckpointableEntry>& entries) {
  std::string text = "{";
  for (const auto& [name, entry] : entries) {
    text += text.size() == 1 ? "\n    " : ",\n    ";
    text += compact(name) + ": " + compact(encode_entry(entry));
  }
  return text + (entries.empty() ? "}" : "\n  }");
}

// ---- decoding

const Value& member(const Value& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) damaged(std::string("it has no \"") + name + "\"");
  return *found;
}

std::string text_of(const Value& object, const char* name) {
  const Value& value = member(object, name);
  if (!value.is_string()) damaged(std::string("\"") + name + "\" is not a string");
  return value.get<std::string>();
}

std::uint64_t number(const Value& value, const char* name, std::uint64_t most = most_bytes) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > most) {
    damaged(std::string("\"") + name + "\" is " + value.dump() + ", not a number from 0 to " +
            std::to_string(most));
  }
  return value.get<std::uint64_t>();
}

std::uint64_t number_of(const Value& object, const char* name, std::uint64_t most = most_bytes) {
  return number(member(object, name), name, most);
}

base::Digest digest_of(const Value& object, const char* name) {
  base::Digest digest;
  if (!base::from_hex(text_of(object, name), digest)) {
    damaged(std::string("\"") + name + "\" is not 32 hex digits");
  }
  return digest;
}

const Value& object_of(const Value& object, const char* name) {
  const Value& value = member(object, name);
  if (!value.is_object()) damaged(std::string("\"") + name + "\" is not an object");
  return value;
}

/// Whether [offset, offset + bytes) is within the file.
bool is_within(std::uint64_t offset, std::uint64_t bytes, std::uint64_t file_bytes) {
  return offset <= file_bytes && bytes <= file_bytes - offset;
}

void decode_structure(const Value& json, CheckpointableEntry& entry) {
  const Value& ranges = member(json, "structure");
  if (!ranges.is_array()) damaged("\"structure\" is not an array");
  std::uint64_t end = 0;
  for (const auto& range : ranges) {
    if (!range.is_array() || range.size() != 2) damaged("\"structure\" holds what is not [offset, bytes]");
    const auto offset = number(range[0], "structure"), bytes = number(range[1], "structure");
    if (bytes == 0 || offset < end || !is_within(offset, bytes, entry.bytes)) {
      damaged(
          "\"structure\" holds a range that is empty, overlaps the one before it, or passes the end of the "
          "file");
    }
    end = offset + bytes;
    entry.structure.emplace_back(offset, bytes);
  }
  entry.structure_digest = digest_of(json, "structure_digest");
}

void decode_index_range(const Value& json, CheckpointableEntry& entry) {
  const Value& index = object_of(json, "index");
  entry.index_offset = number_of(index, "offset", entry.bytes);
  entry.index_bytes = number_of(index, "bytes", entry.bytes);
  if (entry.index_bytes == 0) return;
  // Neighbouring ranges count as one.
  std::uint64_t at = entry.index_offset, left = entry.index_bytes;
  for (const auto& [offset, bytes] : entry.structure) {
    if (left == 0 || offset > at || offset + bytes <= at) continue;
    const auto covered = std::min(left, offset + bytes - at);
    at += covered;
    left -= covered;
  }
  if (left != 0) damaged("the index is not within the structure");
}

void decode_table(const Value& json, CheckpointableEntry& entry) {
  const Value& table = member(json, "table");
  entry.checksums = !table.is_null();
  if (table.is_null()) return;
  if (!table.is_object()) damaged("\"table\" is neither an object nor null");
  entry.table_offset = number_of(table, "offset");
  entry.table_rows = number_of(table, "rows");
  entry.row_ndims = static_cast<std::uint32_t>(number_of(table, "row_ndims", 8));
  entry.row_bytes = static_cast<std::uint32_t>(number_of(table, "row_bytes", 256));
  entry.table_digest = digest_of(table, "digest");
  constexpr std::pair<std::uint32_t, std::uint32_t> formats[] = {{1, 32}, {3, 64}, {7, 128}, {8, 256}};
  if (std::find(std::begin(formats), std::end(formats), std::pair(entry.row_ndims, entry.row_bytes)) ==
      std::end(formats)) {
    damaged("the rows of the block table have an unknown format");
  }
  if (entry.table_rows == 0) return;
  if (entry.table_rows > entry.bytes / entry.row_bytes ||
      !is_within(entry.table_offset, entry.table_rows * entry.row_bytes, entry.bytes)) {
    damaged("the block table passes the end of the file");
  }
  const auto begin = entry.table_offset, end = begin + entry.table_rows * entry.row_bytes;
  for (const auto& [offset, bytes] : entry.structure) {
    if (offset < end && begin < offset + bytes) damaged("the block table overlaps the structure");
  }
}

std::string file_name(const Value& object, const char* name) {
  auto text = text_of(object, name);
  if (text.empty() || text.front() == '.' ||
      text.find_first_of(std::string_view("/\0", 2)) != std::string::npos)
    damaged("\"" + text + "\" is not the name of a checkpointable's file");
  return text;
}

std::vector<StoredFile> decode_files(const Value& json) {
  const Value& list = member(json, "files");
  if (!list.is_array()) damaged("\"files\" is not an array");
  std::vector<StoredFile> files;
  std::uint64_t total = 0;
  for (const auto& value : list) {
    if (!value.is_object()) damaged("\"files\" holds what is no object");
    files.push_back({file_name(value, "name"), number_of(value, "bytes", most_bytes - total),
                     digest_of(value, "digest")});
    total += files.back().bytes;
  }
  return files;
}

CheckpointableEntry decode_entry(const Value& json) {
  if (!json.is_object()) damaged("a checkpointable is not an object");
  CheckpointableEntry entry;
  entry.handler = text_of(json, "handler");
  if (entry.handler.empty()) damaged("a checkpointable has no handler");
  if (entry.handler != tree_handler) {
    set_files(entry, decode_files(json));
    return entry;
  }
  entry.file = file_name(json, "file");
  entry.bytes = number_of(json, "bytes");
  entry.data_bytes = number_of(json, "data_bytes");
  entry.leaves = number_of(json, "leaves");
  decode_structure(json, entry);
  decode_index_range(json, entry);
  decode_table(json, entry);
  return entry;
}

void decode_entries(const Value& json, Manifest& manifest) {
  std::set<std::string> files;
  for (const auto& [name, value] : object_of(json, "checkpointables").items()) {
    if (name.empty() || name.front() == '.' || name.front() == '_' || name == "metrics" ||
        name.find_first_of(std::string_view("/\0", 2)) != std::string::npos) {
      damaged("\"" + name + "\" is not the name of a checkpointable");
    }
    auto entry = decode_entry(value);
    const auto add = [&](const std::string& file) {
      if (!files.insert(file).second) damaged("two checkpointables have one file, " + file);
    };
    if (entry.handler == tree_handler) add(entry.file);
    for (const auto& file : entry.files) add(file.name);
    manifest.checkpointables.emplace(name, std::move(entry));
  }
}

double decode_metric(const Value& value) {
  if (value.is_number()) return value.get<double>();
  if (value == "nan" || value.is_null()) return std::numeric_limits<double>::quiet_NaN();
  if (value == "inf") return std::numeric_limits<double>::infinity();
  if (value == "-inf") return -std::numeric_limits<double>::infinity();
  damaged("a metric is " + value.dump() + ", not a number");
}

/// The text with the digest's digits taken as zeros, which it is the digest of; `found`: the digits. False:
/// it does not end as a manifest does.
bool split_digest(std::string_view text, std::string& zeroed, base::Digest& found) {
  const std::size_t tail = before_digest.size() + digest_digits + after_digest.size();
  if (text.size() < tail) return false;
  const std::string_view end = text.substr(text.size() - tail);
  const std::string_view digits = end.substr(before_digest.size(), digest_digits);
  if (!end.starts_with(before_digest) || !end.ends_with(after_digest) || !base::from_hex(digits, found))
    return false;
  zeroed = text;
  zeroed.replace(text.size() - after_digest.size() - digest_digits, digest_digits, digest_digits, '0');
  return true;
}

/// Throws; for a text that has no valid digest.
[[noreturn]] void refuse(std::string_view text) {
  const Value json = Value::parse(text, nullptr, false);
  if (json.is_discarded()) damaged("it is not JSON; it was truncated or overwritten");
  const auto format = json.is_object() ? json.find("format") : json.end();
  if (!json.is_object() || format == json.end() || *format != format_name) {
    throw Error(ErrorCode::not_a_checkpoint, "checkpoint.json is JSON, but not Cairn's");
  }
  damaged("its digest is wrong");
}

Manifest decode_verified(const Value& json) {
  if (!json.is_object() || text_of(json, "format") != format_name) {
    throw Error(ErrorCode::not_a_checkpoint, "checkpoint.json is JSON, but not Cairn's");
  }
  constexpr std::uint64_t most_int = std::numeric_limits<int>::max();
  Manifest manifest;
  manifest.format_version = static_cast<int>(number_of(json, "format_version", most_int));
  manifest.library_version = text_of(json, "library_version");
  if (manifest.format_version > newest_format) {
    throw Error(ErrorCode::unsupported, "this checkpoint has format version " +
                                            std::to_string(manifest.format_version) + ", written by Cairn " +
                                            manifest.library_version +
                                            ": read it with that version or a later one");
  }
  if (manifest.format_version < 1) damaged("its format version is 0");
  manifest.save_id = digest_of(json, "save_id");
  if (manifest.save_id == base::Digest{}) damaged("its save id is zero");
  const auto created = parse_timestamp(text_of(json, "created"));
  if (!created) damaged("\"created\" is not a time");
  manifest.created = *created;
  manifest.world_size = static_cast<int>(number_of(json, "world_size", most_int));
  if (manifest.world_size < 1) damaged("its world size is 0");
  decode_entries(json, manifest);
  manifest.custom_metadata = Json(member(json, "custom_metadata"));
  for (const auto& [name, value] : object_of(json, "metrics").items()) {
    manifest.metrics.emplace(name, decode_metric(value));
  }
  return manifest;
}

}  // namespace

void set_files(CheckpointableEntry& entry, std::vector<StoredFile> files) {
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  entry.files = std::move(files);
  entry.file = entry.files.empty() ? std::string() : entry.files.front().name;
  entry.bytes = 0;
  for (const auto& file : entry.files) entry.bytes += file.bytes;
}

std::string encode(const Manifest& manifest) {
  if (const auto problem = base::json_problem(manifest.custom_metadata); !problem.empty()) {
    throw Error(ErrorCode::invalid_argument, "custom_metadata: " + problem);
  }
  std::string text = "{";
  const auto add = [&](std::string_view name, const std::string& json) {
    text += text.size() == 1 ? "\n  \"" : ",\n  \"";
    text.append(name).append("\": ").append(json);
  };
  try {
    add("format", compact(format_name));
    add("format_version", std::to_string(manifest.format_version));
    add("library_version", compact(manifest.library_version));
    add("save_id", compact(base::to_hex(manifest.save_id)));
    add("created", compact(to_timestamp(manifest.created)));
    add("world_size", std::to_string(manifest.world_size));
    add("checkpointables", encode_entries(manifest.checkpointables));
    add("custom_metadata", manifest.custom_metadata.text());
    Value metrics = Value::object();
    for (const auto& [name, value] : manifest.metrics) metrics[name] = encode_metric(value);
    add("metrics", compact(metrics));
  } catch (const Value::exception& error) {
    throw Error(ErrorCode::invalid_argument,
                std::string("a name in the checkpoint's metadata is not UTF-8: ") + error.what());
  }
  text += before_digest;
  const std::size_t at = text.size();
  text.append(digest_digits, '0').append(after_digest);
  text.replace(at, digest_digits, base::to_hex(base::digest(text)));
  return text;
}

Manifest decode(std::string_view text) {
  std::string zeroed;
  base::Digest stated;
  if (!split_digest(text, zeroed, stated) || base::digest(zeroed) != stated) refuse(text);
  try {
    return decode_verified(Value::parse(text));
  } catch (const Value::exception& error) {
    damaged(error.what());
  }
}

}  // namespace cairn::commit
