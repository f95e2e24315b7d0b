#pragma once

#include "context.hpp"
#include "json.hpp"
#include "tree.hpp"

namespace cairn {
inline namespace CAIRN_ABI {

enum class Cast { never, in_range, any };

struct LoadOptions {
  std::string checkpointable_name = "state";
  bool partial = false;
  Cast cast = Cast::never;
  std::map<std::string, std::string> rename = {};  // in tree -> in file
  bool whole = false;                              // an owning load's arrays, else even blocks of rows
  bool deal_per_rank = false;  // per_rank values of another number of ranks: dealt out in turn
};

CAIRN_API Report load(const Context&, const Path&, Tree&, const LoadOptions& = {});
[[nodiscard]] CAIRN_API Tree load(const Context&, const Path&, const LoadOptions& = {});
[[nodiscard]] CAIRN_API std::vector<Error> verify(const Context&, const Path&);  // empty: sound

}  // namespace CAIRN_ABI
}  // namespace cairn
