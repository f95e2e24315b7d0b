#include "output.hpp"

#include "text.hpp"

#include <iostream>
#include <utility>

namespace cairn::command {
namespace {

std::vector<std::uint64_t> shape_of(const std::vector<Range>& ranges) {
  std::vector<std::uint64_t> shape;
  for (const auto& range : ranges)
    if (range.kept) shape.push_back(static_cast<std::uint64_t>(range.count));
  return shape;
}

/// Lists of a shape in which some extent is 0.
nlohmann::json empty_lists(const std::vector<std::uint64_t>& shape, std::size_t from = 0) {
  auto lists = nlohmann::json::array();
  if (from < shape.size())
    for (std::uint64_t i = 0; i < shape[from]; ++i) lists.push_back(empty_lists(shape, from + 1));
  return lists;
}

}  // namespace

TextOutput::TextOutput(const std::vector<Range>& ranges) {
  const auto shape = shape_of(ranges);
  if (shape.size() >= 2) line_ = shape.back();
  if (shape.size() >= 3) plane_ = line_ * shape[shape.size() - 2];
}

void TextOutput::add(const std::string& value) {
  if (plane_ != 0 && count_ != 0 && count_ % plane_ == 0) std::cout << '\n';
  ++count_;
  std::cout << value << (count_ % line_ == 0 ? '\n' : ' ');
}

JsonOutput::JsonOutput(nlohmann::json heading, Dtype dtype, const std::vector<Range>& ranges)
    : heading_(std::move(heading)), shape_(shape_of(ranges)) {
  heading_["dtype"] = to_string(dtype);
  heading_["shape"] = shape_;
}

void JsonOutput::begin() {
  begun_ = true;
  const auto head = json_text(heading_);
  std::cout << head.substr(0, head.size() - 1) << ",\"values\":";
}

std::size_t JsonOutput::edges() const {
  std::size_t lists = 0;
  std::uint64_t values = 1;
  for (std::size_t d = shape_.size(); d-- > 0; ++lists) {
    values *= shape_[d];
    if (count_ % values != 0) break;
  }
  return lists;
}

void JsonOutput::add(const std::string& json) {
  if (!begun_) begin();
  const auto opened = edges();
  if (count_ != 0) std::cout << (opened == 0 ? ", " : ",\n");
  std::cout << std::string(opened, '[') << json;
  ++count_;
  std::cout << std::string(edges(), ']');
}

void JsonOutput::end() {
  if (!begun_) {
    begin();
    std::cout << json_text(empty_lists(shape_));
  }
  std::cout << "}\n";
}

}  // namespace cairn::command
