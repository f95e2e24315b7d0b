#include "results.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>

namespace cairn::bench {
namespace {

template <class... Values>
std::string line(const char* format, Values... values) {
  std::array<char, 256> text{};
  std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

bool begins(const std::string& text, const char* head) {
  return text.rfind(head, 0) == 0;
}

/// The smallest median among the contenders whose names begin so; 0 where there is none.
double best(const std::vector<Samples>& all, const char* head) {
  double least = 0;
  for (const Samples& one : all)
    if (begins(one.name, head) && (least == 0 || median(one.seconds) < least)) least = median(one.seconds);
  return least;
}

/// How fast against a reference: 2.00 is twice as fast.
std::string ratio(double reference, double seconds) {
  return reference == 0 || seconds == 0 ? line("%10s", "-") : line("%10.2f", reference / seconds);
}

/// What each contender is compared with: a heading, and the seconds of that reference for a contender.
struct Column {
  const char* heading;
  std::function<double(const Samples&)> reference;
};

std::string table(const std::vector<Samples>& all, std::uint64_t bytes, const std::vector<Column>& columns) {
  std::string text = line("  %-28s %9s %9s %9s %9s", "", "median s", "min s", "max s", "GiB/s");
  for (const Column& column : columns) text += line(" %10s", column.heading);
  text += '\n';
  for (const Samples& one : all) {
    const double middle = median(one.seconds);
    const auto [least, most] = std::minmax_element(one.seconds.begin(), one.seconds.end());
    text += line("  %-28s %9.4f %9.4f %9.4f %9.3f", one.name.c_str(), middle, *least, *most,
                 static_cast<double>(bytes) / middle / (1 << 30));
    for (const Column& column : columns) text += ' ' + ratio(column.reference(one), middle);
    text += '\n';
  }
  return text;
}

std::string stage_table(const std::vector<Samples>& all, std::uint64_t leaves) {
  std::string text;
  for (const Samples& one : all) {
    if (one.stages.empty()) continue;
    text += line("  %-28s", one.name.c_str());
    for (const auto& [stage, seconds] : one.stages)
      text += line("  %s %.4f s (%.2f us a leaf)", stage.c_str(), median(seconds),
                   1e6 * median(seconds) / static_cast<double>(std::max<std::uint64_t>(leaves, 1)));
    text += '\n';
  }
  return text;
}

std::string blocked_table(const std::vector<Samples>& all) {
  std::string text = line("  %-30s %9s %9s %9s %12s\n", "", "median s", "min s", "max s", "against");
  for (const Samples& one : all) {
    const double middle = median(one.seconds);
    const auto [least, most] = std::minmax_element(one.seconds.begin(), one.seconds.end());
    text += line("  %-30s %9.4f %9.4f %9.4f", one.name.c_str(), middle, *least, *most);
    const char* reference = begins(one.name, "compute") ? "compute alone" : "memcpy";
    const double other = best(all, reference);
    if (other > 0 && one.name != reference) text += line("  %.2f x %s", middle / other, reference);
    text += '\n';
  }
  return text;
}

nlohmann::json samples_json(const std::vector<Samples>& all, std::uint64_t bytes) {
  nlohmann::json list = nlohmann::json::array();
  for (const Samples& one : all) {
    nlohmann::json stages = nlohmann::json::object();
    for (const auto& [stage, seconds] : one.stages) stages[stage] = median(seconds);
    list.push_back({{"name", one.name},
                    {"median_s", median(one.seconds)},
                    {"bytes_per_s", static_cast<double>(bytes) / median(one.seconds)},
                    {"samples_s", one.seconds},
                    {"stages_s", stages}});
  }
  return list;
}

}  // namespace

std::string to_text(const Results& results) {
  std::string text = line("%s: %.1f MiB in %llu arrays, %d ranks\n", results.workload.c_str(),
                          static_cast<double>(results.bytes) / (1 << 20),
                          static_cast<unsigned long long>(results.leaves), results.ranks);
  const auto of = [](const std::vector<Samples>& all, const char* head) {
    return [&all, head](const Samples&) { return best(all, head); };
  };
  if (!results.writes.empty())
    text += "writing, to the disk (ratios of speed: above 1 is faster)\n" +
            table(results.writes, results.bytes,
                  {{"/ posix", of(results.writes, "posix")}, {"/ hdf5", of(results.writes, "hdf5")}});
  if (!results.reads.empty())
    text += "reading\n" + table(results.reads, results.bytes,
                                {{"/ pread", [&](const Samples& one) {
                                    const bool cold = one.name.find("cold") != std::string::npos;
                                    return best(results.reads, cold ? "pread, cold" : "pread, warm");
                                  }}});
  if (!results.blocked.empty())
    text += "a save in the background: what it costs the program (ratios of time: 1 is no slower)\n" +
            blocked_table(results.blocked);
  if (!results.device.empty())
    text += "with the arrays in device memory\n" +
            table(results.device, results.bytes,
                  {{"/ memcpy", of(results.device, "cudaMemcpy")},
                   {"/ posix", [&](const Samples& one) {
                      return begins(one.name, "cairn direct") ? best(results.writes, "posix") : 0.0;
                    }}});
  if (results.device_bytes_taken)
    text += line("device memory that the library takes: %.1f MiB\n",
                 static_cast<double>(*results.device_bytes_taken) / (1 << 20));
  const std::string stages =
      stage_table(results.writes, results.leaves) + stage_table(results.blocked, results.leaves) +
      stage_table(results.reads, results.leaves) + stage_table(results.device, results.leaves);
  if (!stages.empty()) text += "stages (medians of rank 0's report)\n" + stages;
  const double on = best(results.writes, "cairn direct"),
               off = best(results.writes, "cairn without checksums");
  if (on > 0 && off > 0)
    text += line("checksums: %.4f s with, %.4f s without: %+.1f %%\n", on, off, 100 * (on / off - 1));
  return text;
}

nlohmann::json to_json(const Results& results) {
  nlohmann::json json = {{"workload", results.workload},
                         {"ranks", results.ranks},
                         {"bytes", results.bytes},
                         {"leaves", results.leaves},
                         {"writes", samples_json(results.writes, results.bytes)},
                         {"background", samples_json(results.blocked, results.bytes)},
                         {"reads", samples_json(results.reads, results.bytes)}};
  if (results.device_bytes_taken) {
    json["device"] = samples_json(results.device, results.bytes);
    json["device_bytes_taken"] = *results.device_bytes_taken;
  }
  return json;
}

}  // namespace cairn::bench
