#include "commit/owner.hpp"

#include "base/host.hpp"
#include "cairn/error.hpp"

#include <cerrno>
#include <charconv>
#include <cstdlib>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <signal.h>
#include <unistd.h>

namespace cairn::commit {

namespace {

constexpr std::uint64_t most_bytes = 64 * 1024;

std::string boot_id() {
  std::string text = base::read_pseudo_file("/proc/sys/kernel/random/boot_id");
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::uint64_t pid_namespace() {
  try {
    const auto directory = base::try_open_file(nullptr, "/proc/self/ns/pid", O_RDONLY);
    return directory ? base::status(directory).st_ino : 0;
  } catch (const Error&) {
    return 0;
  }
}

struct ProcessState {
  char state = 0;
  std::uint64_t start_time = 0;  // 0: unknown
};

ProcessState read_process(std::int64_t pid) {
  // pid (name) state ...; the name may hold blanks and parentheses, the start time is the 22nd field.
  const std::string text = base::read_pseudo_file("/proc/" + std::to_string(pid) + "/stat");
  std::size_t at = text.rfind(')');
  if (at == std::string::npos || at + 2 >= text.size()) return {};
  at += 2;
  ProcessState found{text[at], 0};
  for (int field = 3; field < 22; ++field) {
    at = text.find(' ', at);
    if (at == std::string::npos) return found;
    ++at;
  }
  std::from_chars(text.data() + at, text.data() + text.size(), found.start_time);
  return found;
}

std::string batch_job() {
  for (const char* name : {"SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID"}) {
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') return value;
  }
  return {};
}

/// Names that many machines have.
bool is_common_name(const std::string& host) {
  return host.empty() || host == "unknown" || host == "(none)" || host == "localhost" ||
         host.starts_with("localhost.");
}

enum class Lock { taken, held, impossible };

/// What the owner's process says, `lock` being what its lock says; both on this boot of this machine.
Life judge_process(const Owner& owner, const Owner& self, Lock lock) {
  const bool proven = lock == Lock::taken && owner.locked;
  const bool same_namespace = owner.pid_namespace != 0 && owner.pid_namespace == self.pid_namespace;
  if (!same_namespace) return proven ? Life::dead : Life::unknown;
  if (owner.pid == self.pid && owner.start_time == self.start_time) {
    // This process has let go of it, or another of its threads cannot lock it.
    return proven ? Life::dead : Life::living;
  }
  if (::kill(static_cast<pid_t>(owner.pid), 0) != 0 && errno == ESRCH) return Life::dead;
  const ProcessState process = read_process(owner.pid);
  if (process.start_time != 0 && owner.start_time != 0 && process.start_time != owner.start_time) {
    return Life::dead;
  }
  if (!proven) return Life::living;
  return process.state == 'Z' || process.state == 'X' ? Life::dead : Life::unknown;
}

Life judge(const Owner& owner, Lock lock) {
  if (lock == Lock::held) return Life::living;
  const Owner self = this_process();
  if (!self.boot_id.empty() && owner.boot_id == self.boot_id) return judge_process(owner, self, lock);
  // The same machine has been started again since.
  if (!owner.boot_id.empty() && !self.boot_id.empty() && owner.host == self.host &&
      !is_common_name(self.host)) {
    return Life::dead;
  }
  return Life::unknown;
}

Lock try_to_lock(const base::File& file) {
  try {
    return base::try_lock(file) ? Lock::taken : Lock::held;
  } catch (const Error&) {
    return Lock::impossible;
  }
}

}  // namespace

Owner this_process() {
  Owner self;
  self.host = base::host_name();
  self.boot_id = boot_id();
  self.pid = ::getpid();
  self.pid_namespace = pid_namespace();
  self.start_time = read_process(self.pid).start_time;
  self.job = batch_job();
  return self;
}

std::string encode(const Owner& owner) {
  const nlohmann::json json = {{"host", owner.host},
                               {"boot_id", owner.boot_id},
                               {"pid", owner.pid},
                               {"pid_namespace", owner.pid_namespace},
                               {"start_time", owner.start_time},
                               {"job", owner.job},
                               {"locked", owner.locked},
                               {"overwrite", owner.overwrite}};
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
}

std::optional<Owner> decode_owner(std::string_view text) {
  try {
    const auto json = nlohmann::json::parse(text);
    Owner owner;
    json.at("host").get_to(owner.host);
    json.at("boot_id").get_to(owner.boot_id);
    json.at("pid").get_to(owner.pid);
    json.at("pid_namespace").get_to(owner.pid_namespace);
    json.at("start_time").get_to(owner.start_time);
    json.at("job").get_to(owner.job);
    json.at("locked").get_to(owner.locked);
    json.at("overwrite").get_to(owner.overwrite);
    if (owner.pid <= 0) return std::nullopt;
    return owner;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

std::string describe(const Owner& owner) {
  std::string text = "process " + std::to_string(owner.pid) + " on " + owner.host;
  if (!owner.job.empty()) text += " (job " + owner.job + ")";
  return text;
}

Inspection inspect_owner(const base::File& directory) {
  Inspection result;
  std::string text;
  Lock lock = Lock::impossible;
  try {
    auto file = base::try_open_file(&directory, owner_file, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
    result.unfinished = !file;
    if (!file) return result;
    lock = try_to_lock(file);
    text = base::read_whole(directory, owner_file, most_bytes);
    if (lock == Lock::taken) result.lock = std::move(file);
  } catch (const Error&) {
    if (lock == Lock::held) result.life = Life::living;
    return result;
  }
  result.owner = decode_owner(text);
  result.unfinished = !result.owner && lock == Lock::taken;
  result.life = result.owner ? judge(*result.owner, lock) : lock == Lock::held ? Life::living : Life::unknown;
  return result;
}

}  // namespace cairn::commit
