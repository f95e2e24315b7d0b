#pragma once

#include "detail/traits.hpp"
#include "error.hpp"

namespace cairn {
inline namespace CAIRN_ABI {

enum class Writer { automatic, mpio, direct };  // automatic: direct
enum class Verify { off, blocks, full };        // blocks: those that a rank reads whole
CAIRN_API bool env(const char* group_and_name, bool fallback);
CAIRN_API int env(const char*, int);
CAIRN_API unsigned long long env(const char*, unsigned long long);
CAIRN_API double env(const char*, double);
CAIRN_API std::string env(const char*, std::string);
CAIRN_API Writer env(const char*, Writer);
CAIRN_API Verify env(const char*, Verify);
struct Report {
  std::string operation = {};
  Path path = {};
  std::uint64_t bytes = 0, verified_bytes = 0, leaves = 0;
  double plan_s = 0, layout_s = 0, snapshot_s = 0, write_s = 0, commit_s = 0, blocked_s = 0, background_s = 0;
  int slowest_rank = -1;
  std::string slowest_host = {};
};
struct IoOptions {
  Writer writer = env("IO_WRITER", Writer::automatic);
  std::uint64_t block_bytes = env("IO_BLOCK_BYTES", 8ull << 20),
                alignment_bytes = env("IO_ALIGNMENT_BYTES", 4096ull);
  int threads = env("IO_THREADS", 0);  // 0: as cores allow
  bool collective = env("IO_COLLECTIVE", false), odirect = env("IO_ODIRECT", true),
       fsync = env("IO_FSYNC", true);
  std::map<std::string, std::string> hints = {};
};  // MPI_Info
struct IntegrityOptions {
  bool checksums = env("INTEGRITY_CHECKSUMS", true);
  Verify verify = env("INTEGRITY_VERIFY", Verify::blocks);
};
struct FileOptions {
  int permissions = env("FILES_PERMISSIONS", -1);
  bool reserve = env("FILES_RESERVE", true);
  std::string prefix = env("FILES_PREFIX", std::string());
};  // -1: umask
struct RankOptions {
  int primary = env("RANKS_PRIMARY", 0);
  double timeout_s = env("RANKS_TIMEOUT_S", 600.0);  // of an agreement
  double slowest_bytes_per_s = env("RANKS_SLOWEST_BYTES_PER_S", 1e6);
};  // the write and read stages may take this long
struct LogOptions {
  bool lines = env("LOG_LINES", false), json = env("LOG_JSON", false);
  std::string file = env("LOG_FILE", std::string());
  std::function<void(const Report&)> on_report = {};
};
struct Options {
  IoOptions io = {};
  IntegrityOptions integrity = {};
  FileOptions files = {};
  RankOptions ranks = {};
  LogOptions log = {};
};

}  // namespace CAIRN_ABI
}  // namespace cairn
