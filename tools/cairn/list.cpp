#include "cairn/metadata.hpp"
#include "checkpointer/listing.hpp"
#include "commands.hpp"
#include "commit/reader.hpp"
#include "leftovers.hpp"
#include "text.hpp"

#include <algorithm>
#include <iostream>

namespace cairn::command {
namespace {

using checkpointer::ListedCheckpoint;
using checkpointer::Listing;
using checkpointer::State;

/// Whether a checkpoint is at the path itself; a damaged one is Error(corrupt).
bool is_one_checkpoint(const Path& path) {
  try {
    commit::open_checkpoint(commit::resolve_path(path, FileOptions()));
    return true;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::corrupt) throw;
    return false;
  }
}

std::string state_word(State state) {
  switch (state) {
    case State::intact:
      return "intact";
    case State::damaged:
      return "damaged";
    case State::unreadable:
      return "unreadable";
    case State::unfinished:
      return "unfinished";
  }
  return "unknown";
}

std::string state_text(const ListedCheckpoint& one) {
  std::string text = state_word(one.state);
  if (one.pinned) text += ", pinned";
  if (one.set_aside) text += ", set aside";
  if (one.state != State::unfinished && !one.in_place) text += ", committed but not yet in place";
  if (!one.writer.empty()) text += ", being written by " + one.writer;
  return text;
}

std::string metrics_text(const Metrics& metrics) {
  std::string text;
  for (const auto& [name, value] : metrics)
    text += (text.empty() ? "" : " ") + name + '=' + number_text(value);
  return text;
}

double age_s(const ListedCheckpoint& one) {
  return std::chrono::duration<double>(std::chrono::system_clock::now() - one.time).count();
}

bool has_time(const ListedCheckpoint& one) {
  return one.time != std::chrono::system_clock::time_point();
}

std::vector<std::string> row_of(const ListedCheckpoint& one) {
  return {one.step ? std::to_string(*one.step) : "-",
          one.name,
          has_time(one) ? time_text(one.time) : "-",
          has_time(one) ? age_text(age_s(one)) : "-",
          bytes_text(one.bytes),
          state_text(one),
          metrics_text(one.metrics)};
}

std::string holder_text(const Listing& listing) {
  if (!listing.holder) return "";
  const auto& who = listing.holder->who;
  switch (listing.holder->life) {
    case commit::Life::living:
      return "; locked by " + (who.empty() ? "a job that does not say who it is" : who);
    case commit::Life::unknown:
      return "; perhaps locked by " + (who.empty() ? "a job that does not say who it is" : who);
    case commit::Life::dead:
      break;
  }
  return who.empty() ? "; not locked" : "; not locked: " + who + " is over";
}

void print_text(const Path& path, const Listing& listing) {
  std::uint64_t bytes = 0;
  for (const auto& one : listing.checkpoints) bytes += one.bytes;
  std::cout << path.string() << ": " << count_text(listing.checkpoints.size(), "checkpoint") << ", "
            << bytes_text(bytes) << holder_text(listing) << '\n';
  if (!listing.checkpoints.empty()) {
    std::vector<std::vector<std::string>> rows{{"STEP", "NAME", "SAVED", "AGE", "SIZE", "STATE", "METRICS"}};
    for (const auto& one : listing.checkpoints) rows.push_back(row_of(one));
    std::cout << align(rows);
  }
  for (const auto& one : listing.checkpoints)
    if (!one.problem.empty()) std::cout << one.name << ": " << one.problem << '\n';
  std::vector<std::vector<std::string>> rows;
  for (const auto& leftover : listing.leftovers) rows.push_back(leftover_row(leftover, false));
  if (!rows.empty()) std::cout << "leftovers, which the next save or `cairn gc` sees to:\n" << align(rows);
}

nlohmann::json to_json(const ListedCheckpoint& one) {
  nlohmann::json json = {{"name", one.name},
                         {"state", state_word(one.state)},
                         {"in_place", one.in_place},
                         {"pinned", one.pinned},
                         {"set_aside", one.set_aside},
                         {"bytes", one.bytes},
                         {"metrics", metrics_json(one.metrics)}};
  json["step"] = one.step ? nlohmann::json(*one.step) : nlohmann::json();
  json["created"] = has_time(one) ? nlohmann::json(iso_time_text(one.time)) : nlohmann::json();
  json["age_s"] = has_time(one) ? nlohmann::json(age_s(one)) : nlohmann::json();
  json["problem"] = one.problem.empty() ? nlohmann::json() : nlohmann::json(one.problem);
  json["writer"] = one.writer.empty() ? nlohmann::json() : nlohmann::json(one.writer);
  return json;
}

nlohmann::json to_json(const Path& path, const Listing& listing) {
  auto checkpoints = nlohmann::json::array(), leftovers = nlohmann::json::array();
  for (const auto& one : listing.checkpoints) checkpoints.push_back(to_json(one));
  for (const auto& leftover : listing.leftovers) leftovers.push_back(leftover_json(leftover));
  nlohmann::json lock;
  if (listing.holder) {
    const auto life = listing.holder->life;
    lock = {{"held", life == commit::Life::living    ? "yes"
                     : life == commit::Life::unknown ? "unknown"
                                                     : "no"},
            {"owner", listing.holder->who.empty() ? nlohmann::json() : nlohmann::json(listing.holder->who)}};
  }
  return {{"root", path.string()},
          {"lock", std::move(lock)},
          {"checkpoints", std::move(checkpoints)},
          {"leftovers", std::move(leftovers)}};
}

}  // namespace

int list(const Path& directory, bool as_json) {
  if (is_one_checkpoint(directory)) {
    std::cerr << "cairn ls: this is one checkpoint, which `cairn show` shows\n";
    return show(directory, as_json);
  }
  const auto listing = checkpointer::list_checkpoints(directory);
  if (as_json)
    print_json(to_json(directory, listing));
  else
    print_text(directory, listing);
  return sound;
}

}  // namespace cairn::command
