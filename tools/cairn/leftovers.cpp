#include "leftovers.hpp"

#include "text.hpp"

namespace cairn::command {
namespace {

std::string action(commit::Fate fate) {
  switch (fate) {
    case commit::Fate::removed:
      return "remove";
    case commit::Fate::completed:
      return "complete";
    case commit::Fate::under_way:
    case commit::Fate::left_alone:
      break;
  }
  return "leave";
}

}  // namespace

std::vector<std::string> leftover_row(const checkpointer::ListedLeftover& leftover, bool done) {
  const auto& finding = leftover.finding;
  std::string what = action(finding.fate);
  if (what == "leave")
    what = "left alone";
  else
    what = done ? what + 'd' : "to " + what;
  return {"  " + what, finding.entry, bytes_text(leftover.bytes), finding.why};
}

nlohmann::json leftover_json(const checkpointer::ListedLeftover& leftover) {
  const auto& finding = leftover.finding;
  nlohmann::json owner;
  if (finding.owner) owner = commit::describe(*finding.owner);
  return {{"checkpoint", leftover.name},
          {"entry", finding.entry},
          {"action", action(finding.fate)},
          {"why", finding.why},
          {"owner", std::move(owner)},
          {"bytes", leftover.bytes},
          {"under_way", finding.fate == commit::Fate::under_way}};
}

}  // namespace cairn::command
