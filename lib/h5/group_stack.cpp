#include "h5/group_stack.hpp"

namespace cairn::h5 {

GroupStack::GroupStack(hid_t root)
    : root_(root),
      links_(own<PropertyId>(H5Pcreate(H5P_LINK_CREATE), "make a property list")),
      groups_(own<PropertyId>(H5Pcreate(H5P_GROUP_CREATE), "make a property list")) {
  check(H5Pset_char_encoding(links_.get(), H5T_CSET_UTF8), "set a name's character set");
  check(H5Pset_obj_track_times(groups_.get(), false), "set a group's properties");
}

hid_t GroupStack::parent_of(std::string_view path) {
  std::size_t depth = 0;
  for (auto slash = path.find('/'); slash != path.npos; slash = path.find('/')) {
    const auto name = path.substr(0, slash);
    path.remove_prefix(slash + 1);
    if (depth == levels_.size() || levels_[depth].name != name) {
      levels_.erase(levels_.begin() + static_cast<std::ptrdiff_t>(depth), levels_.end());
      Level level{std::string(name), {}};
      level.group =
          own<GroupId>(H5Gcreate2(top(), level.name.c_str(), links_.get(), groups_.get(), H5P_DEFAULT),
                       "create the group", level.name);
      levels_.push_back(std::move(level));
    }
    ++depth;
  }
  levels_.erase(levels_.begin() + static_cast<std::ptrdiff_t>(depth), levels_.end());
  return top();
}

}  // namespace cairn::h5
