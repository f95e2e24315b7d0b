#pragma once

#include "cairn/metadata.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

/// Values as people read them.
namespace cairn::command {

std::string bytes_text(std::uint64_t bytes);                            // 8 B, 1.50 GiB
std::string number_text(double value);                                  // as few digits as tell it apart
std::string shape_text(const Dims& shape);                              // [1024, 768]; of a scalar nothing
std::string time_text(std::chrono::system_clock::time_point time);      // 2025-01-31 12:00:00 UTC
std::string iso_time_text(std::chrono::system_clock::time_point time);  // 2025-01-31T12:00:00Z
std::string kind_text(Kind kind);                                       // sharded

std::string age_text(double seconds);                                  // 3 min
std::string count_text(std::uint64_t count, const std::string& what);  // 1 leaf of "leaf", 2 steps of "step"

/// JSON in one line; text that is not UTF-8 is replaced.
std::string json_text(const nlohmann::json& json);
/// JSON on std::cout, likewise.
void print_json(const nlohmann::json& json);
/// A number, or one of the strings nan, inf, -inf, which JSON does not have.
nlohmann::json number_json(double value);
nlohmann::json metrics_json(const Metrics& metrics);

/// Lines whose cells stand below one another, two spaces apart, without spaces at their ends.
std::string align(const std::vector<std::vector<std::string>>& rows);

}  // namespace cairn::command
