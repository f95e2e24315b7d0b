#pragma once

#include "context.hpp"
#include "json.hpp"
#include "tree.hpp"

namespace cairn {
inline namespace CAIRN_ABI {

struct SaveOptions {
  std::string checkpointable_name = "state";
  bool overwrite = false;
  Json custom_metadata = {};
};

CAIRN_API Report save(const Context&, const Path&, const Tree&, const SaveOptions& = {});

}  // namespace CAIRN_ABI
}  // namespace cairn
