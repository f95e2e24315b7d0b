#pragma once

#include "detail/traits.hpp"
#include "error.hpp"

/// \file
/// Options, by group. A member that code leaves out is the environment variable CAIRN_<GROUP>_<NAME>
/// (`io.threads`: CAIRN_IO_THREADS), else the default written here; `cairn env` prints what is in force. A
/// variable that cannot be read never throws here: the next collective call reports it on all ranks. Where
/// ranks must agree, the primary's value holds. Not collective; plain values, any thread.

namespace cairn {
inline namespace CAIRN_ABI {

/// How the bytes of arrays are written; the files are the same.
enum class Writer {
  automatic,  ///< direct
  mpio,       ///< parallel HDF5 through MPI-IO
  direct      ///< pwrite by several threads
};

/// What a load checks against the checksums of the blocks.
enum class Verify {
  off,
  blocks,  ///< those blocks that a rank reads whole
  full     ///< every block that it touches, read whole for that
};

/// The value of the variable CAIRN_<group_and_name>, else `fallback`: also where it is not set, set to
/// nothing, or cannot be read. Numbers are decimal (FILES_PERMISSIONS octal); bytes (unsigned long long) may
/// end in K, M, G or T (of 1024); bools are 0, 1, true, false, yes, no, on, off.
CAIRN_API bool env(const char* group_and_name, bool fallback);
CAIRN_API int env(const char* group_and_name, int fallback);
CAIRN_API unsigned long long env(const char* group_and_name, unsigned long long fallback);
CAIRN_API double env(const char* group_and_name, double fallback);
CAIRN_API std::string env(const char* group_and_name, std::string fallback);
CAIRN_API Writer env(const char* group_and_name, Writer fallback);
CAIRN_API Verify env(const char* group_and_name, Verify fallback);

/// What an operation did and how long its stages took on this rank, in seconds.
struct Report {
  std::string operation = {};        ///< "save", "load"
  Path path = {};                    ///< of the checkpoint
  std::uint64_t bytes = 0;           ///< of all leaves, over all ranks
  std::uint64_t verified_bytes = 0;  ///< of a load: those whose checksum was compared
  std::uint64_t leaves = 0;
  double plan_s = 0;
  double layout_s = 0;
  double snapshot_s = 0;
  double write_s = 0;
  double commit_s = 0;
  double blocked_s = 0;     ///< how long the caller waited
  double background_s = 0;  ///< and how long work went on behind it
  int slowest_rank = -1;    ///< the rank that wrote or read longest
  std::string slowest_host = {};
};

struct IoOptions {
  Writer writer = env("IO_WRITER", Writer::automatic);
  std::uint64_t block_bytes = env("IO_BLOCK_BYTES", 8ull << 20);       ///< of staging and checksums, at most
  std::uint64_t alignment_bytes = env("IO_ALIGNMENT_BYTES", 4096ull);  ///< of datasets in the file
  int threads = env("IO_THREADS", 0);                                  ///< of a rank; 0: as cores allow
  bool collective = env("IO_COLLECTIVE", false);  ///< mpio: collective transfers, no deadline
  bool odirect = env("IO_ODIRECT", true);         ///< direct: past the page cache
  bool fsync = env("IO_FSYNC", true);             ///< the data is on the disk at the commit
  std::map<std::string, std::string> hints = {};  ///< mpio: MPI_Info
};

/// Of save_async and load_async.
struct AsyncOptions {
  /// A save copies what it writes before it returns; else it reads the caller's memory until
  /// AsyncResponse::snapshotted().
  bool snapshot = env("ASYNC_SNAPSHOT", true);
  bool check_borrowed =
      env("ASYNC_CHECK_BORROWED", false);  ///< without a snapshot: memory that changes is an error
  bool low_priority = env("ASYNC_LOW_PRIORITY", false);  ///< of the threads in the background
  /// Host memory of a rank for snapshots, kept from save to save; 0: as much as they need. What does not fit
  /// is written before the call returns.
  std::uint64_t staging_bytes = env("ASYNC_STAGING_BYTES", 0ull);
  std::uint64_t rate_bytes_per_s =
      env("ASYNC_RATE_BYTES_PER_S", 0ull);  ///< of each rank's writes; 0: no bound
};

/// Of arrays in the memory of NVIDIA devices.
struct DeviceOptions {
  /// A cudaStream_t: copies begin after the work that it has been given; null: the default stream of each
  /// device.
  void* stream = nullptr;
  /// An ncclComm_t of the same ranks in the same order: loads broadcast replicated arrays over it, from
  /// device to device; null: over MPI.
  void* nccl = nullptr;
  /// Of a rank, for copies between devices and the disk, beside the staging memory of saves in the
  /// background.
  std::uint64_t pinned_bytes = env("DEVICE_PINNED_BYTES", 64ull << 20);
};

struct IntegrityOptions {
  bool checksums = env("INTEGRITY_CHECKSUMS", true);        ///< of blocks, made by a save
  Verify verify = env("INTEGRITY_VERIFY", Verify::blocks);  ///< compared by a load
};

struct FileOptions {
  int permissions = env("FILES_PERMISSIONS", -1);           ///< of files, such as 0640; -1: as the umask says
  bool reserve = env("FILES_RESERVE", true);                ///< space is reserved before data moves
  std::string prefix = env("FILES_PREFIX", std::string());  ///< relative paths are below it
};

struct RankOptions {
  int primary = env("RANKS_PRIMARY", 0);             ///< the rank that does what one rank must do
  double timeout_s = env("RANKS_TIMEOUT_S", 600.0);  ///< of an agreement
  /// Moving data may take the bytes of the fullest rank divided by this beyond the timeout.
  double slowest_bytes_per_s = env("RANKS_SLOWEST_BYTES_PER_S", 1e6);
};

struct LogOptions {
  bool lines = env("LOG_LINES", false);               ///< one line an operation, on stderr of the primary
  bool json = env("LOG_JSON", false);                 ///< as JSON
  std::string file = env("LOG_FILE", std::string());  ///< appended to this file instead
  std::function<void(const Report&)> on_report = {};  ///< called on every rank, on the caller's thread
};

class Handler;

/// The program's own handlers (handler.hpp): for the checkpointable of a name, or for all things that they
/// take. Later ones win over earlier ones and over the library's own. Not collective; a plain value.
class CAIRN_API HandlerRegistry {
 public:
  /// `bound_name`: the checkpointable that it is for; empty: any. Error(invalid_argument), on this rank
  /// alone: no handler, a type that is empty or the library's own, or a second one of its type for that name.
  HandlerRegistry& add(std::shared_ptr<Handler> handler, std::string bound_name = {});
  /// Handlers and the names that they are bound to, in the order in which they were added.
  const std::vector<std::pair<std::string, std::shared_ptr<Handler>>>& handlers() const noexcept {
    return handlers_;
  }

 private:
  std::vector<std::pair<std::string, std::shared_ptr<Handler>>> handlers_;
};

struct Options {
  IoOptions io = {};
  AsyncOptions async = {};
  DeviceOptions device = {};
  IntegrityOptions integrity = {};
  FileOptions files = {};
  RankOptions ranks = {};
  LogOptions log = {};
  HandlerRegistry handlers = {};
};

}  // namespace CAIRN_ABI
}  // namespace cairn
