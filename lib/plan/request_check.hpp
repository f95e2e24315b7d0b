#pragma once

#include "plan/plan.hpp"
#include "tree/local.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What is wrong in what one rank was given, found without the others.
namespace cairn::plan {

/// Why a checkpointable cannot have this name; empty where it can.
std::string name_problem(std::string_view name);

/// Adds what is wrong with the options, the environment, the name and the metadata.
void check_request(const SaveRequest& request, const Options& options, int ranks,
                   std::vector<tree::Problem>& problems);

/// Adds what only shows in the stored form, where per_rank and appended arrays have one dimension more, and
/// replica numbers that do not count.
void check_leaves(std::span<const tree::LocalLeaf> leaves, int ranks, std::vector<tree::Problem>& problems);

/// Throws Error(invalid_argument) that lists all of them, if there are any.
void throw_if_any(const std::vector<tree::Problem>& problems);

}  // namespace cairn::plan
