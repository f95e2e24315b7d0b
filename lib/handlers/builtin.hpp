#pragma once

#include "cairn/handler.hpp"

#include <memory>
#include <string_view>
#include <vector>

/// The library's own handlers. The one of trees only says so: the stages of saves and loads do its work.
namespace cairn::handlers {

std::vector<std::shared_ptr<Handler>> builtin();
bool is_builtin_type(std::string_view type) noexcept;
inline constexpr std::string_view tree_type = "tree";

}  // namespace cairn::handlers
