#pragma once

#include "cairn/options.hpp"

#include <string>
#include <string_view>
#include <vector>

/// The environment variables `CAIRN_<GROUP>_<NAME>`. A variable that is set to nothing counts as not set, but
/// for text. Not collective; any thread, as long as no thread changes the environment meanwhile.
namespace cairn::base {

/// A variable whose value cannot be read: its option keeps the default, and the next collective call reports
/// it.
struct BadVariable {
  std::string variable;  // CAIRN_IO_THREADS
  std::string value;     // abc
  std::string allowed;   // a whole number, such as 4
};
/// Every such variable of this process, by name.
std::vector<BadVariable> bad_environment();
/// `CAIRN_IO_THREADS=abc: must be a whole number, such as 4`.
std::string to_string(const BadVariable& bad);

/// One option and what is in force: where code says nothing, the environment, else the default.
struct OptionInfo {
  std::string option;    // io.threads
  std::string variable;  // CAIRN_IO_THREADS
  std::string type;      // int, bool, bytes, number, text, octal, or the words allowed, joined by |
  std::string value;
  bool from_environment = false;  // the variable is set, and its value was read
};
/// All options that an environment variable can set, by group.
std::vector<OptionInfo> list_options();

/// Sets an option by the names of `list_options`, and tells it. Error(invalid_argument) of a name or a text
/// that cannot be.
void set_option(Options& options, std::string_view option, std::string_view text);
std::string get_option(const Options& options, std::string_view option);

/// The names of the variables CAIRN_... of this process that are no option, misspelt ones among them.
std::vector<std::string> unknown_variables();

}  // namespace cairn::base
