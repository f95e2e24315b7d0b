#include "plan/request_check.hpp"

#include "base/env.hpp"
#include "base/json.hpp"
#include "tree/path.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>
#include <string_view>

namespace cairn::plan {
namespace {

constexpr std::uint64_t kGiB = 1 << 30;
constexpr std::size_t kMostNameBytes = 200;
constexpr std::int64_t kMostRows = std::int64_t{1} << 40;  // of a rank: sums over any number of ranks fit

bool is_control(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

void check_metrics(const Metrics& metrics, std::vector<tree::Problem>& problems) {
  for (const auto& [name, value] : metrics)
    if (!tree::is_utf8(name)) problems.push_back({"metrics", "a name is not UTF-8"});
}

}  // namespace

std::string name_problem(std::string_view name) {
  if (name.empty()) return "is empty";
  if (name.size() > kMostNameBytes) return "has more than 200 bytes";
  if (name.front() == '.' || name.front() == '_')
    return "begins with `.` or `_`, which is for the library's own files";
  if (name == "metrics") return "is reserved";
  if (name.find('/') != std::string_view::npos) return "holds a `/`";
  if (std::any_of(name.begin(), name.end(), is_control)) return "holds a control character";
  if (!tree::is_utf8(name)) return "is not UTF-8";
  return {};
}

namespace {

void check_options(const Options& options, int ranks, std::vector<tree::Problem>& problems) {
  const auto require = [&](bool good, const char* option, const char* message) {
    if (!good) problems.push_back({option, message});
  };
  require(options.io.block_bytes > 0 && options.io.block_bytes <= kGiB, "io.block_bytes",
          "must be 1 to 1073741824 (1 GiB)");
  require(std::has_single_bit(options.io.alignment_bytes) && options.io.alignment_bytes <= kGiB,
          "io.alignment_bytes", "must be a power of two, and 1073741824 (1 GiB) at most");
  require(options.io.threads >= 0, "io.threads", "must be 0 (as the cores allow) or more");
  require(options.files.permissions >= -1 && options.files.permissions <= 07777, "files.permissions",
          "must be a file mode, such as 0640, or -1 for the umask's");
  require(options.ranks.primary >= 0 && options.ranks.primary < ranks, "ranks.primary",
          "must be a rank of the communicator");
  require(options.ranks.timeout_s > 0, "ranks.timeout_s", "must be more than 0 seconds");
  require(options.ranks.slowest_bytes_per_s > 0, "ranks.slowest_bytes_per_s",
          "must be more than 0 bytes a second");
}

}  // namespace

void check_request(const SaveRequest& request, const Options& options, int ranks,
                   std::vector<tree::Problem>& problems) {
  for (const auto& bad : base::bad_environment()) problems.push_back({"", base::to_string(bad)});
  check_options(options, ranks, problems);
  if (request.path.empty()) problems.push_back({"", "the checkpoint's path is empty"});
  if (const auto problem = name_problem(request.checkpointable_name); !problem.empty())
    problems.push_back({"checkpointable_name", "`" + request.checkpointable_name + "` " + problem});
  if (const auto problem = base::json_problem(request.custom_metadata); !problem.empty())
    problems.push_back({"custom_metadata", problem});
  check_metrics(request.metrics, problems);
}

void check_leaves(std::span<const tree::LocalLeaf> leaves, int ranks, std::vector<tree::Problem>& problems) {
  for (const auto& leaf : leaves) {
    for (const auto& shard : leaf.shards) {
      if (shard.replica < 0 || shard.replica >= shard.replicas)
        problems.push_back({leaf.path, "is replica " + std::to_string(shard.replica) + " of " +
                                           std::to_string(shard.replicas) + "; replicas count from 0"});
    }
    if (leaf.kind != Kind::per_rank && leaf.kind != Kind::appended) continue;
    if (leaf.shape.ndims() > 7) {
      problems.push_back({leaf.path, "has 8 dimensions, and is stored with one more; 8 are the most"});
      continue;
    }
    std::uint64_t bytes = 0;
    Dims stored = leaf.shape;
    stored.push_back(leaf.kind == Kind::per_rank ? ranks : 1);
    if (!tree::checked_product(stored, leaf.element_bytes, bytes))
      problems.push_back({leaf.path, "makes more than 2^63-1 bytes over all ranks"});
    if (leaf.rows > kMostRows) problems.push_back({leaf.path, "has more than 2^40 rows on this rank"});
  }
}

void throw_if_any(const std::vector<tree::Problem>& problems) {
  if (problems.empty()) return;
  std::string text = "this cannot be saved:";
  for (const auto& problem : problems) {
    text += "\n  ";
    if (!problem.path.empty()) text += "`" + problem.path + "`: ";
    text += problem.message;
  }
  throw Error(ErrorCode::invalid_argument, text);
}

}  // namespace cairn::plan
