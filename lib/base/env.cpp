#include "base/env.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <set>
#include <variant>

#include <unistd.h>

namespace cairn {
namespace base {
namespace {

enum class Type { boolean, integer, octal, bytes, number, text, writer, verify };

constexpr std::array<std::string_view, 3> writers = {"automatic", "mpio", "direct"};
constexpr std::array<std::string_view, 3> verifies = {"off", "blocks", "full"};
constexpr std::string_view permissions_name = "FILES_PERMISSIONS";

/// The text of a variable, or null where it is not set.
const char* text_of(std::string_view name) {
  return std::getenv(("CAIRN_" + std::string(name)).c_str());
}

/// The text of a variable that is not text itself: set to nothing counts as not set.
const char* value_of(const char* name) {
  const char* text = text_of(name);
  return text != nullptr && *text != '\0' ? text : nullptr;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

template <class Number, class... Format>
std::optional<Number> parse_whole(std::string_view text, Format... format) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, format...);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<bool> parse_bool(std::string_view text) {
  const std::string word = lower(text);
  for (const char* yes : {"1", "true", "yes", "on"})
    if (word == yes) return true;
  for (const char* no : {"0", "false", "no", "off"})
    if (word == no) return false;
  return std::nullopt;
}

std::optional<int> parse_octal(std::string_view text) {
  const auto value = parse_whole<int>(text, 8);
  if (!value || *value < -1 || *value > 07777) return std::nullopt;
  return value;
}

std::optional<unsigned long long> parse_bytes(std::string_view text) {
  int shift = 0;
  if (!text.empty()) {
    const auto suffix = std::string_view("kmgt").find(lower(text.substr(text.size() - 1)));
    if (suffix != std::string_view::npos) {
      shift = 10 * static_cast<int>(suffix + 1);
      text.remove_suffix(1);
    }
  }
  const auto value = parse_whole<unsigned long long>(text);
  if (!value || *value > (std::numeric_limits<unsigned long long>::max() >> shift)) return std::nullopt;
  return *value << shift;
}

std::optional<double> parse_number(std::string_view text) {
  const auto value = parse_whole<double>(text);
  if (!value || !std::isfinite(*value)) return std::nullopt;
  return value;
}

template <class Enum>
std::optional<Enum> parse_word(std::string_view text, const std::array<std::string_view, 3>& words) {
  const auto found = std::find(words.begin(), words.end(), lower(text));
  if (found == words.end()) return std::nullopt;
  return static_cast<Enum>(found - words.begin());
}

bool is_readable(Type type, std::string_view text) {
  switch (type) {
    case Type::boolean:
      return parse_bool(text).has_value();
    case Type::integer:
      return parse_whole<int>(text).has_value();
    case Type::octal:
      return parse_octal(text).has_value();
    case Type::bytes:
      return parse_bytes(text).has_value();
    case Type::number:
      return parse_number(text).has_value();
    case Type::text:
      return true;
    case Type::writer:
      return parse_word<Writer>(text, writers).has_value();
    case Type::verify:
      return parse_word<Verify>(text, verifies).has_value();
  }
  return false;
}

const char* type_name(Type type) {
  switch (type) {
    case Type::boolean:
      return "bool";
    case Type::integer:
      return "int";
    case Type::octal:
      return "octal";
    case Type::bytes:
      return "bytes";
    case Type::number:
      return "number";
    case Type::text:
      return "text";
    case Type::writer:
      return "automatic|mpio|direct";
    case Type::verify:
      return "off|blocks|full";
  }
  return "";
}

const char* allowed(Type type) {
  switch (type) {
    case Type::boolean:
      return "0, 1, true, false, yes, no, on or off";
    case Type::integer:
      return "a whole number, such as 4";
    case Type::octal:
      return "octal permissions, such as 0640, or -1 for the umask";
    case Type::bytes:
      return "a number of bytes, such as 8388608, 8M or 1G (K, M, G, T: of 1024)";
    case Type::number:
      return "a decimal number, such as 600 or 1e6";
    case Type::text:
      return "text";
    case Type::writer:
      return "automatic, mpio or direct";
    case Type::verify:
      return "off, blocks or full";
  }
  return "";
}

std::string show(bool value) {
  return value ? "true" : "false";
}
std::string show(int value) {
  return std::to_string(value);
}
std::string show(std::uint64_t value) {
  return std::to_string(value);
}
std::string show(const std::string& value) {
  return value;
}
std::string show(Writer value) {
  return std::string(writers[static_cast<std::size_t>(value)]);
}
std::string show(Verify value) {
  return std::string(verifies[static_cast<std::size_t>(value)]);
}
std::string show(double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}
std::string show_octal(int value) {
  if (value < 0) return show(value);
  std::array<char, 16> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value, 8).ptr;
  return std::string("0").append(text.data(), end);
}

using Target = std::variant<bool*, int*, std::uint64_t*, double*, std::string*, Writer*, Verify*>;

/// An option that text can set, and where it is kept.
struct Setting {
  const char* option;
  Type type;
  Target target;

  std::string show_value() const {
    if (type == Type::octal) return show_octal(*std::get<int*>(target));
    return std::visit([](const auto* value) { return show(*value); }, target);
  }
};

std::vector<Setting> settings(Options& options) {
  auto& [io, async, device, integrity, files, ranks, log, handlers] = options;
  return {{"io.writer", Type::writer, &io.writer},
          {"io.block_bytes", Type::bytes, &io.block_bytes},
          {"io.alignment_bytes", Type::bytes, &io.alignment_bytes},
          {"io.threads", Type::integer, &io.threads},
          {"io.collective", Type::boolean, &io.collective},
          {"io.odirect", Type::boolean, &io.odirect},
          {"io.fsync", Type::boolean, &io.fsync},
          {"async.snapshot", Type::boolean, &async.snapshot},
          {"async.check_borrowed", Type::boolean, &async.check_borrowed},
          {"async.low_priority", Type::boolean, &async.low_priority},
          {"async.staging_bytes", Type::bytes, &async.staging_bytes},
          {"async.rate_bytes_per_s", Type::bytes, &async.rate_bytes_per_s},
          {"device.pinned_bytes", Type::bytes, &device.pinned_bytes},
          {"integrity.checksums", Type::boolean, &integrity.checksums},
          {"integrity.verify", Type::verify, &integrity.verify},
          {"files.permissions", Type::octal, &files.permissions},
          {"files.reserve", Type::boolean, &files.reserve},
          {"files.prefix", Type::text, &files.prefix},
          {"ranks.primary", Type::integer, &ranks.primary},
          {"ranks.timeout_s", Type::number, &ranks.timeout_s},
          {"ranks.slowest_bytes_per_s", Type::number, &ranks.slowest_bytes_per_s},
          {"log.lines", Type::boolean, &log.lines},
          {"log.json", Type::boolean, &log.json},
          {"log.file", Type::text, &log.file}};
}

Setting find_setting(Options& options, std::string_view option) {
  for (const auto& setting : settings(options))
    if (option == setting.option) return setting;
  throw Error(ErrorCode::invalid_argument,
              "there is no option `" + std::string(option) + "`: `cairn env` lists them");
}

template <class Value>
bool assign(Value* target, std::optional<Value> value) {
  if (value) *target = std::move(*value);
  return value.has_value();
}

/// False where the text cannot be read.
bool parse_into(const Setting& setting, std::string_view text) {
  const auto& target = setting.target;
  switch (setting.type) {
    case Type::boolean:
      return assign(std::get<bool*>(target), parse_bool(text));
    case Type::integer:
      return assign(std::get<int*>(target), parse_whole<int>(text));
    case Type::octal:
      return assign(std::get<int*>(target), parse_octal(text));
    case Type::bytes: {
      const auto bytes = parse_bytes(text);
      if (bytes) *std::get<std::uint64_t*>(target) = *bytes;
      return bytes.has_value();
    }
    case Type::number:
      return assign(std::get<double*>(target), parse_number(text));
    case Type::text:
      return assign(std::get<std::string*>(target), std::optional<std::string>(text));
    case Type::writer:
      return assign(std::get<Writer*>(target), parse_word<Writer>(text, writers));
    case Type::verify:
      return assign(std::get<Verify*>(target), parse_word<Verify>(text, verifies));
  }
  return false;
}

struct Variable {
  const char* option;
  Type type;
  std::string value;

  std::string name() const {
    std::string name(option);
    for (char& c : name) c = c == '.' ? '_' : (c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
    return name;
  }
};

/// Every option with a variable, and its value in force.
std::vector<Variable> variables() {
  Options now;
  std::vector<Variable> all;
  for (const auto& setting : settings(now))
    all.push_back({setting.option, setting.type, setting.show_value()});
  return all;
}

bool is_set(const Variable& variable) {
  const char* text = text_of(variable.name());
  return text != nullptr && (*text != '\0' || variable.type == Type::text);
}

}  // namespace

std::vector<BadVariable> bad_environment() {
  std::vector<BadVariable> bad;
  for (const auto& variable : variables()) {
    const std::string name = variable.name();
    if (is_set(variable) && !is_readable(variable.type, text_of(name)))
      bad.push_back({"CAIRN_" + name, text_of(name), allowed(variable.type)});
  }
  std::sort(bad.begin(), bad.end(),
            [](const BadVariable& a, const BadVariable& b) { return a.variable < b.variable; });
  return bad;
}

std::string to_string(const BadVariable& bad) {
  return bad.variable + "=" + bad.value + ": must be " + bad.allowed;
}

std::vector<OptionInfo> list_options() {
  std::vector<OptionInfo> options;
  for (auto& variable : variables()) {
    const std::string name = variable.name();
    const bool read = is_set(variable) && is_readable(variable.type, text_of(name));
    options.push_back(
        {variable.option, "CAIRN_" + name, type_name(variable.type), std::move(variable.value), read});
  }
  return options;
}

void set_option(Options& options, std::string_view option, std::string_view text) {
  const auto setting = find_setting(options, option);
  if (!parse_into(setting, text))
    throw Error(ErrorCode::invalid_argument,
                std::string(option) + "=" + std::string(text) + ": must be " + allowed(setting.type));
}

std::string get_option(const Options& options, std::string_view option) {
  return find_setting(const_cast<Options&>(options), option).show_value();
}

std::vector<std::string> unknown_variables() {
  std::set<std::string> known;
  for (const auto& variable : variables()) known.insert("CAIRN_" + variable.name());
  std::set<std::string> unknown;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::string name(text.substr(0, text.find('=')));
    if (name.rfind("CAIRN_", 0) == 0 && known.count(name) == 0) unknown.insert(name);
  }
  return {unknown.begin(), unknown.end()};
}

}  // namespace base

inline namespace CAIRN_ABI {

bool env(const char* group_and_name, bool fallback) {
  const char* text = base::value_of(group_and_name);
  return text == nullptr ? fallback : base::parse_bool(text).value_or(fallback);
}

int env(const char* group_and_name, int fallback) {
  const char* text = base::value_of(group_and_name);
  if (text == nullptr) return fallback;
  const bool octal = group_and_name == base::permissions_name;
  return (octal ? base::parse_octal(text) : base::parse_whole<int>(text)).value_or(fallback);
}

unsigned long long env(const char* group_and_name, unsigned long long fallback) {
  const char* text = base::value_of(group_and_name);
  return text == nullptr ? fallback : base::parse_bytes(text).value_or(fallback);
}

double env(const char* group_and_name, double fallback) {
  const char* text = base::value_of(group_and_name);
  return text == nullptr ? fallback : base::parse_number(text).value_or(fallback);
}

std::string env(const char* group_and_name, std::string fallback) {
  const char* text = base::text_of(group_and_name);
  return text == nullptr ? std::move(fallback) : std::string(text);
}

Writer env(const char* group_and_name, Writer fallback) {
  const char* text = base::value_of(group_and_name);
  return text == nullptr ? fallback : base::parse_word<Writer>(text, base::writers).value_or(fallback);
}

Verify env(const char* group_and_name, Verify fallback) {
  const char* text = base::value_of(group_and_name);
  return text == nullptr ? fallback : base::parse_word<Verify>(text, base::verifies).value_or(fallback);
}

}  // namespace CAIRN_ABI
}  // namespace cairn
