#include "base/log.hpp"

#include "base/storage.hpp"

#include <cstdio>

#include <fcntl.h>
#include <nlohmann/json.hpp>

namespace cairn::base {
namespace {

std::string as_json(const Report& report) {
  const nlohmann::json json = {{"operation", report.operation},
                               {"path", report.path.string()},
                               {"bytes", report.bytes},
                               {"verified_bytes", report.verified_bytes},
                               {"leaves", report.leaves},
                               {"plan_s", report.plan_s},
                               {"layout_s", report.layout_s},
                               {"snapshot_s", report.snapshot_s},
                               {"write_s", report.write_s},
                               {"commit_s", report.commit_s},
                               {"blocked_s", report.blocked_s},
                               {"background_s", report.background_s},
                               {"slowest_rank", report.slowest_rank},
                               {"slowest_host", report.slowest_host}};
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string as_text(const Report& report) {
  constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;
  const double seconds = report.blocked_s + report.background_s;
  const double size = static_cast<double>(report.bytes) / kGiB;
  char numbers[160];
  std::snprintf(numbers, sizeof numbers, "%.3f GiB, %llu leaves in %.3f s (%.2f GiB/s)", size,
                static_cast<unsigned long long>(report.leaves), seconds, seconds > 0 ? size / seconds : 0.0);
  std::string line = "cairn: " + report.operation + " " + report.path.string() + ": " + numbers;
  if (report.background_s > 0) {
    std::snprintf(numbers, sizeof numbers, ", of which blocked %.3f s", report.blocked_s);
    line += numbers;
  }
  if (report.slowest_rank >= 0)
    line += ", slowest rank " + std::to_string(report.slowest_rank) + " on " + report.slowest_host;
  return line + "\n";
}

}  // namespace

std::string format_report(const Report& report, bool json) {
  return json ? as_json(report) : as_text(report);
}

void log_report(const LogOptions& options, const Report& report, bool primary) noexcept {
  try {
    if (primary && (options.lines || !options.file.empty())) {
      const std::string line = format_report(report, options.json);
      if (options.lines) std::fputs(line.c_str(), stderr);
      if (!options.file.empty()) append_to_file(options.file, line);
    }
  } catch (const std::exception&) {
  }
  try {
    if (options.on_report) options.on_report(report);
  } catch (...) {
  }
}

void warn(const std::string& text) noexcept {
  std::fprintf(stderr, "cairn: %s\n", text.c_str());
}

}  // namespace cairn::base
