#include "handlers/contents.hpp"

#include "base/message.hpp"
#include "plan/request_check.hpp"

#include <algorithm>

namespace cairn::handlers {

Entries by_name(const Checkpointables& things) {
  Entries entries;
  for (const auto& entry : things.entries()) entries.push_back(&entry);
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto* a, const auto* b) { return a->name < b->name; });
  return entries;
}

comm::Agreed<base::Digest> agree_on_contents(
    comm::Communicator& comm, Options& options, const plan::SaveRequest& request, const Entries& entries,
    const std::function<std::string(const Checkpointables::Entry&)>& kind) {
  auto asked = request;
  const auto check = [&](std::vector<tree::Problem>& problems) {
    if (entries.empty()) problems.push_back({"", "no checkpointable was given"});
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const auto& entry = *entries[i];
      if (const auto problem = plan::name_problem(entry.name); !problem.empty())
        problems.push_back({"", "the checkpointable's name `" + entry.name + "` " + problem});
      if (i > 0 && entries[i - 1]->name == entry.name) problems.push_back({entry.name, "is given twice"});
      try {
        asked.contents.emplace_back(entry.name, kind(entry));
      } catch (const Error& error) {
        problems.push_back({entry.name, std::string(base::message_of(error))});
      }
    }
  };
  return plan::agree_on_request(comm, options, asked, check);
}

}  // namespace cairn::handlers
