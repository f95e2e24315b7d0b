#pragma once

#include <string>

namespace cairn::c {

/// What a Checkpointable of cairn_checkpointables_add_object refers to.
struct ForeignObject {
  std::string type;
  void* object = nullptr;
};

}  // namespace cairn::c
