#include "names.hpp"

#include "tree/path.hpp"

namespace cairn::command {

std::string nearest_text(std::string_view wanted, const std::vector<std::string_view>& names) {
  std::string text;
  if (!wanted.empty())
    for (const auto& name : tree::nearest_names(wanted, names))
      text += (text.empty() ? "`" : " or `") + name + '`';
  return text.empty() ? text : "; did you mean " + text + '?';
}

std::string suggestion(std::string_view wanted, const std::vector<std::string_view>& names) {
  constexpr std::size_t kListed = 20;
  std::string text = nearest_text(wanted, names);
  if (!text.empty()) return text;
  for (std::size_t i = 0; i < names.size() && i < kListed; ++i)
    text += (i == 0 ? "" : ", ") + std::string(names[i]);
  if (names.empty()) return {};
  return "; there are: " + text + (names.size() > kListed ? ", ..." : "");
}

}  // namespace cairn::command
