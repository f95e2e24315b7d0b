#pragma once

#include "h5/handle.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace cairn::h5 {

/// Creates the groups of a sequence of paths that is sorted, each once, and keeps those of the last path
/// open, so that no path is walked from the root again.
class GroupStack {
 public:
  /// `root` must outlive the stack.
  explicit GroupStack(hid_t root);

  /// The group that holds the last component of `path` ("a/b" of "a/b/c"); lives until the next call.
  hid_t parent_of(std::string_view path);

  /// For creating what lies in the groups: names are UTF-8.
  hid_t link_properties() const noexcept { return links_.get(); }

 private:
  struct Level {
    std::string name;
    GroupId group;
  };
  hid_t top() const noexcept { return levels_.empty() ? root_ : levels_.back().group.get(); }

  hid_t root_;
  PropertyId links_;
  PropertyId groups_;
  std::vector<Level> levels_;
};

/// The last component of a path, which is ended by a null.
inline const char* leaf_name(const std::string& path) noexcept {
  const auto slash = path.rfind('/');
  return path.c_str() + (slash == std::string::npos ? 0 : slash + 1);
}

}  // namespace cairn::h5
