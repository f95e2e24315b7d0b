#include "commit/votes.hpp"

#include "base/message.hpp"
#include "commit/path.hpp"
#include "commit/stored_files.hpp"
#include "commit/token.hpp"

#include <algorithm>
#include <cstring>
#include <span>

#include <fcntl.h>
#include <nlohmann/json.hpp>

namespace cairn::commit {
namespace {

using Value = nlohmann::json;

/// Slots lie on pages of their own: a network file system may write a whole page for a part of it.
constexpr std::uint64_t kPageBytes = 4096;
constexpr std::uint64_t kHeaderBytes = 16;  // the checksum of the text, its length; both little-endian
constexpr std::size_t kMostMessageBytes = 2048;

/// A slot has as many pages as the largest vote may need: one, but for many checkpointables.
std::uint64_t slot_bytes_for(const std::vector<std::string>& tables) {
  constexpr std::uint64_t kRest = kHeaderBytes + 1000;  // a host's name and numbers
  constexpr std::uint64_t kTable = 48;                  // a digest, quoted
  std::uint64_t bytes = kRest;
  for (const auto& name : tables) bytes += kTable + 6 * name.size();  // escaped
  return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}

/// Where a rank's slot is in the file, as it was made.
struct Slot {
  std::uint64_t offset = 0, bytes = 0;
};
Slot slot_of(const base::File& votes, int rank, int ranks) {
  const auto bytes =
      static_cast<std::uint64_t>(base::status(votes).st_size) / static_cast<std::uint64_t>(ranks);
  if (bytes < kPageBytes || bytes % kPageBytes != 0)
    throw Error(ErrorCode::corrupt, "the file of votes has another size than it was made with", 0, -1,
                votes.name());
  return {static_cast<std::uint64_t>(rank) * bytes, bytes};
}

void put_number(std::span<std::byte> to, std::uint64_t value) noexcept {
  for (std::size_t i = 0; i < sizeof value; ++i) to[i] = static_cast<std::byte>(value >> (8 * i) & 0xff);
}

std::uint64_t get_number(std::span<const std::byte> from) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i) value |= static_cast<std::uint64_t>(from[i]) << (8 * i);
  return value;
}

std::string encode_vote(const Vote& vote, std::size_t most_message_bytes) {
  Value json = {
      {"host", vote.host}, {"write_s", vote.write_s}, {"synced", vote.synced}, {"tables", Value::object()}};
  for (const auto& [name, digest] : vote.tables) json["tables"][name] = base::to_hex(digest);
  if (vote.failure) {
    json["failure"] = {{"code", static_cast<int>(vote.failure->code())},
                       {"message", base::message_of(*vote.failure).substr(0, most_message_bytes)},
                       {"system_error", vote.failure->system_error()}};
  }
  return json.dump(-1, ' ', false, Value::error_handler_t::replace);
}

Vote decode_vote(std::string_view text, int rank, const base::File& directory) {
  Vote vote;
  const Value json = Value::parse(text);
  vote.host = json.at("host").get<std::string>();
  vote.write_s = json.at("write_s").get<double>();
  vote.synced = json.at("synced").get<bool>();
  for (const auto& [name, value] : json.at("tables").items()) {
    base::Digest digest;
    if (!base::from_hex(value.get<std::string>(), digest))
      throw Error(ErrorCode::corrupt, "a vote holds what is no digest", 0, rank, directory.name());
    vote.tables.emplace(name, digest);
  }
  if (const auto failure = json.find("failure"); failure != json.end())
    vote.failure.emplace(static_cast<ErrorCode>(failure->at("code").get<int>()),
                         failure->at("message").get<std::string>(), failure->at("system_error").get<int>(),
                         rank, Path());
  return vote;
}

/// nullopt: not all are in, or one is a failure, or of data that may have been lost with a node.
std::optional<std::vector<Vote>> read_all(const base::File& directory, int ranks) {
  std::vector<Vote> votes;
  for (int rank = 0; rank < ranks; ++rank) {
    auto vote = read_vote(directory, rank, ranks);
    if (!vote || vote->failure || !vote->synced) return std::nullopt;
    votes.push_back(std::move(*vote));
  }
  return votes;
}

/// Whether what handlers wrote is there: it may have been lost with a node.
bool has_files(const base::File& directory, const Manifest& pending) {
  for (const auto& [name, entry] : pending.checkpointables)
    for (const auto& file : entry.files)
      if (!base::status_of(directory, file.name)) return false;
  return true;
}

}  // namespace

void prepare_votes(const base::File& directory, int ranks, const std::vector<std::string>& tables,
                   const FileOptions& files, bool sync) {
  auto votes = create_file(directory, votes_file, files);
  const auto bytes = static_cast<std::uint64_t>(ranks) * slot_bytes_for(tables);
  base::truncate(votes, bytes);
  if (files.reserve) base::allocate(votes, 0, bytes);
  if (sync) base::sync(votes);
  votes.close();
}

void write_pending(const base::File& directory, const Manifest& pending, const FileOptions& files,
                   bool sync) {
  auto manifest = create_file(directory, pending_file, files);
  const std::string text = encode(pending);
  base::write_at(manifest, std::as_bytes(std::span(text)), 0);
  if (sync) base::sync(manifest);
  manifest.close();
}

VoteSlot::VoteSlot(const base::File& directory, int rank, int ranks)
    : file_(base::open_file(&directory, votes_file, O_WRONLY)), rank_(rank), ranks_(ranks) {}

void VoteSlot::cast(const Vote& vote) {
  const auto slot = slot_of(file_, rank_, ranks_);
  std::string text = encode_vote(vote, kMostMessageBytes);
  // Its characters may each take six.
  for (auto most = kMostMessageBytes / 2; text.size() > slot.bytes - kHeaderBytes && most > 0; most /= 2)
    text = encode_vote(vote, most);
  if (text.size() > slot.bytes - kHeaderBytes)
    throw Error(ErrorCode::internal, "a vote does not fit its slot", 0, rank_, file_.name());
  std::vector<std::byte> memory(slot.bytes);
  const std::span<std::byte> bytes(memory);
  std::memcpy(memory.data() + kHeaderBytes, text.data(), text.size());
  put_number(bytes, base::checksum(bytes.subspan(kHeaderBytes, text.size())));
  put_number(bytes.subspan(8), text.size());
  base::write_at(file_, bytes, slot.offset);
  if (vote.synced) base::sync(file_);
  file_.close();
}

std::optional<Vote> read_vote(const base::File& directory, int rank, int ranks) {
  const auto file = base::open_file(&directory, votes_file, O_RDONLY);
  const auto slot = slot_of(file, rank, ranks);
  std::vector<std::byte> memory(slot.bytes);
  const std::span<std::byte> bytes(memory);
  base::read_at(file, bytes, slot.offset);
  const auto length = get_number(bytes.subspan(8));
  if (length == 0 || length > slot.bytes - kHeaderBytes) return std::nullopt;
  const auto text = bytes.subspan(kHeaderBytes, length);
  // Half written: it is not cast yet.
  if (base::checksum(text) != get_number(bytes)) return std::nullopt;
  try {
    return decode_vote({reinterpret_cast<const char*>(text.data()), text.size()}, rank, directory);
  } catch (const Value::exception& error) {
    throw Error(ErrorCode::corrupt, std::string("a vote cannot be read: ") + error.what(), 0, rank,
                directory.name() / votes_file);
  }
}

Manifest elect(const base::File& directory, Manifest pending, const std::vector<Vote>& votes) {
  for (auto& [name, entry] : pending.checkpointables) {
    entry.table_digest = {};
    for (const auto& vote : votes)
      if (const auto table = vote.tables.find(name); table != vote.tables.end())
        entry.table_digest += table->second;
  }
  measure_files(directory, pending);
  return pending;
}

bool can_elect(const base::File& directory) {
  if (!base::status_of(directory, pending_file) || !base::status_of(directory, votes_file)) return false;
  try {
    const auto pending = decode(base::read_whole(directory, pending_file, most_manifest_bytes));
    return read_all(directory, pending.world_size).has_value() && has_files(directory, pending);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::corrupt) return false;
    throw;
  }
}

bool elect_leftover(const base::File& directory) {
  const auto pending_status = base::status_of(directory, pending_file);
  if (!pending_status || !base::status_of(directory, votes_file)) return false;
  std::string text;
  try {
    const auto pending = decode(base::read_whole(directory, pending_file, most_manifest_bytes));
    const auto votes = read_all(directory, pending.world_size);
    if (!votes || !has_files(directory, pending)) return false;
    text = encode(elect(directory, pending, *votes));
  } catch (const Error& error) {
    // Written by halves, or not there, as after a power failure: then it cannot be completed.
    if (error.code() == ErrorCode::corrupt || error.code() == ErrorCode::not_found) return false;
    throw;
  }
  // The dead job, or another repair, may have come as far as this: the same text is put in its place at once.
  const std::string elected = std::string(elected_prefix) + base::to_hex(base::random_id());
  const mode_t mode = pending_status->st_mode & 0777;
  base::write_whole(directory, elected, text, mode, true);
  base::change_mode(base::open_file(&directory, elected, O_RDONLY), mode);
  if (base::rename_over(directory, elected, manifest_file) != base::RenameResult::done) return false;
  if (const auto token = base::try_open_file(&directory, open_token, O_RDONLY)) base::sync(token);
  base::sync(directory);
  return base::rename_over(directory, open_token, commit_token) == base::RenameResult::done ||
         read_token(directory).kind == TokenKind::commit;
}

}  // namespace cairn::commit
