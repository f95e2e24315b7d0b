#pragma once

#include "cairn/dtype.hpp"
#include "slice.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

/// The values of an array on std::cout, one after another, so that it may be larger than memory.
namespace cairn::command {

/// As text: the last dimension on a line, an empty line between planes; of one dimension, a value a line.
class TextOutput {
 public:
  explicit TextOutput(const std::vector<Range>& ranges);
  void add(const std::string& value);

 private:
  std::uint64_t line_ = 1, plane_ = 0, count_ = 0;
};

/// As a JSON object: the members of `heading`, `dtype`, `shape`, and `values`, a list a dimension, or the one
/// value. Prints nothing before there is a value, or the end: what cannot be read is then no half of an
/// object.
class JsonOutput {
 public:
  JsonOutput(nlohmann::json heading, Dtype dtype, const std::vector<Range>& ranges);
  void add(const std::string& json);
  void end();

 private:
  void begin();
  /// How many of the innermost lists begin before value `count_`, or have ended at it.
  std::size_t edges() const;

  nlohmann::json heading_;
  std::vector<std::uint64_t> shape_;
  bool begun_ = false;
  std::uint64_t count_ = 0;
};

}  // namespace cairn::command
