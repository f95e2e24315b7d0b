#pragma once

#include "cairn/options.hpp"

#include <string>

namespace cairn::base {

/// One line about an operation: `cairn: save run/ckpt: 1.50 GiB in 0.81 s (1.85 GiB/s), slowest rank 3 on
/// node7`, or a JSON object.
std::string format_report(const Report& report, bool json);

/// Hands a report to where the options want it: on the primary stderr (`lines`) and the file, on every rank
/// the callback. Nothing that goes wrong here fails the operation: what the callback throws is dropped, and a
/// file that cannot be written is too. Not collective.
void log_report(const LogOptions& options, const Report& report, bool primary) noexcept;

/// A line on stderr that the user must see, whatever the options say. Not collective.
void warn(const std::string& text) noexcept;

}  // namespace cairn::base
