// The benchmark: Cairn against plain files and against hand-written parallel HDF5, in one run, interleaved.
//
//   mpirun -n 4 cairn-bench --workload fields --mib 1024 --path /scratch/bench --json results.json

#include "cairn/load.hpp"
#include "cairn/save.hpp"
#include "device_memory.hpp"
#include "measure.hpp"
#include "memory_work.hpp"
#include "parallel_hdf5.hpp"
#include "posix_file.hpp"
#include "results.hpp"
#include "workload.hpp"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <mpi.h>

namespace cairn::bench {
namespace {

struct Settings {
  std::vector<std::string> workloads{"fields"};
  std::filesystem::path path = "cairn-bench.d", json = {};
  int rounds = 5;
  std::uint64_t mib = 256;
  WorkloadSize size = {};
  std::string only = {};
  std::vector<std::string> skip = {};
  bool device = false;
};

/// Fills the settings; an exit status where the program ends here.
std::optional<int> parse(int argc, char** argv, Settings& settings) {
  CLI::App app("Cairn against plain files and hand-written parallel HDF5. Run it under mpirun.",
               "cairn-bench");
  std::string names;
  for (const auto& name : workload_names()) names += (names.empty() ? "" : ", ") + name;
  app.add_option("--workload", settings.workloads, "one or more of " + names + "; or all")
      ->capture_default_str();
  app.add_option("--mib", settings.mib, "size of all arrays together, in MiB (fields, amr, particles)")
      ->capture_default_str();
  app.add_option("--repetitions", settings.rounds, "rounds, after one that does not count")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--layers", settings.size.layers, "of gpt2; 12 is GPT-2 124M")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--tokens", settings.size.tokens, "of gpt2; 50257 is GPT-2's")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--leaves", settings.size.leaves, "how many arrays the workload leaves has")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--leaf-bytes", settings.size.leaf_bytes, "bytes of each of them")
      ->check(CLI::Range(8u, 1u << 30))
      ->capture_default_str();
  app.add_option("--path", settings.path,
                 "a directory on the file system to measure; made, and emptied again")
      ->capture_default_str();
  app.add_option("--json", settings.json, "write all samples to this file");
  app.add_flag(
      "--device", settings.device,
      "also with the arrays in the memory of a CUDA device: a device for each rank, as far as they go");
  app.add_option("--only", settings.only, "only contenders whose names hold this text");
  app.add_option("--skip", settings.skip, "no contenders whose names hold one of these texts");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return rank == 0 ? app.exit(error) : error.get_exit_code();
  }
  if (settings.workloads == std::vector<std::string>{"all"}) settings.workloads = workload_names();
  settings.size.bytes = settings.mib << 20;
  return std::nullopt;
}

/// Everything that one workload is measured with. Its contenders refer to it.
class Bench {
 public:
  Bench(MPI_Comm comm, const Settings& settings, const std::string& workload)
      : comm_(comm),
        settings_(settings),
        rank_(rank_of(comm)),
        size_(size_of_comm(comm)),
        workload_(make_workload(workload, settings.size, rank_, size_)),
        tree_(workload_.tree()),
        plain_(comm, settings.path / "plain", workload_.bytes_of_rank(size_)),
        memory_(workload_.bytes_of_rank(size_)) {
    if (!settings.device) return;
    device_.emplace(workload_, rank_);
    device_tree_ = device_->workload().tree();
  }

  Results run() {
    Results results{
        workload_.name, size_, workload_.total_bytes(), workload_.fields.size(), {}, {}, {}, {}, {}};
    results.writes = measure(comm_, chosen(writers()), settings_.rounds, true);
    results.blocked = measure(comm_, chosen(background()), settings_.rounds, true);
    prepare_reading();
    results.reads = measure(comm_, chosen(readers()), settings_.rounds, true);
    check_load();
    if (device_) {
      results.device_bytes_taken = device_bytes_taken();
      results.device = measure(comm_, chosen(on_device()), settings_.rounds, true);
      check_device();
    }
    plain_.remove();
    remove(checkpoint());
    return results;
  }

 private:
  static int rank_of(MPI_Comm comm) {
    int rank = 0;
    MPI_Comm_rank(comm, &rank);
    return rank;
  }
  static int size_of_comm(MPI_Comm comm) {
    int size = 0;
    MPI_Comm_size(comm, &size);
    return size;
  }

  std::filesystem::path checkpoint() const { return settings_.path / "checkpoint"; }
  std::filesystem::path hdf5_file() const { return settings_.path / "by-hand.h5"; }

  void remove(const std::filesystem::path& path) const {
    MPI_Barrier(comm_);
    if (rank_ == 0) std::filesystem::remove_all(path);
    MPI_Barrier(comm_);
  }
  void forget(const std::filesystem::path& path) const {
    forget_cached_pages(path);
    MPI_Barrier(comm_);
  }

  std::map<std::string, double> stages() const {
    std::map<std::string, double> parts;
    for (const auto& [name, seconds] : {std::pair<const char*, double>{"plan", last_.plan_s},
                                        {"lay out", last_.layout_s},
                                        {last_.operation == "load" ? "read" : "write", last_.write_s},
                                        {"snapshot", last_.snapshot_s},
                                        {"commit", last_.commit_s}})
      if (seconds > 0) parts[name] = seconds;
    return parts;
  }

  Contender plain(const std::string& name, PosixWay way) {
    return {name, [] {}, [this, way] { plain_.write(way); }, [this] { plain_.remove(); }};
  }
  Contender by_hand(const std::string& name, bool collective) {
    return {name, [] {},
            [this, collective] { write_parallel_hdf5(comm_, hdf5_file(), workload_, collective); },
            [this] { remove(hdf5_file()); }};
  }
  Contender cairn_save(const std::string& name, Writer writer, bool checksums) {
    Options options;
    options.io.writer = writer;
    options.integrity.checksums = checksums;
    return {name, [] {}, [this, options] { last_ = save(Context(comm_, options), checkpoint(), tree_); },
            [this] { remove(checkpoint()); }, [this] { return stages(); }};
  }
  std::vector<Contender> writers() {
    return {plain("posix buffered", PosixWay::buffered),
            plain("posix preallocated", PosixWay::preallocated),
            plain("posix O_DIRECT", PosixWay::direct),
            by_hand("hdf5 independent", false),
            by_hand("hdf5 collective", true),
            cairn_save("cairn direct", Writer::direct, true),
            cairn_save("cairn mpio", Writer::mpio, true),
            cairn_save("cairn without checksums", Writer::direct, false)};
  }

  /// What a save in the background costs the program: until the call returns, and while it computes. The
  /// first round, which does not count, fills the pool.
  std::vector<Contender> background() {
    const auto start = [this](bool snapshot) {
      Options options;
      options.async.snapshot = snapshot;
      pending_ = save_async(Context(comm_, options), checkpoint(), tree_);
    };
    const auto finish = [this] {
      last_ = pending_.result();
      remove(checkpoint());
    };
    return {
        {"memcpy", [] {}, [this] { memory_.copy(); }},
        {"cairn save_async, blocked", [] {}, [start] { start(true); }, finish, [this] { return stages(); }},
        {"cairn save_async, no snapshot", [] {}, [start] { start(false); }, finish},
        {"compute alone", [] {}, [this] { memory_.compute(); }},
        {"compute during a save", [start] { start(true); }, [this] { memory_.compute(); }, finish}};
  }

  Contender cairn_load(const std::string& name, Verify verify, bool cold) {
    Options options;
    options.integrity.verify = verify;
    return {name,
            [this, cold] {
              if (cold) forget(checkpoint());
            },
            [this, options] { last_ = load(Context(comm_, options), checkpoint(), tree_); }, [] {},
            [this] { return stages(); }};
  }
  std::vector<Contender> readers() {
    return {{"pread, warm", [] {}, [this] { plain_.read(); }},
            {"pread, cold", [this] { forget(settings_.path / "plain"); }, [this] { plain_.read(); }},
            cairn_load("cairn load, warm", Verify::blocks, false),
            cairn_load("cairn load, cold", Verify::blocks, true),
            cairn_load("cairn load unverified, warm", Verify::off, false),
            cairn_load("cairn load unverified, cold", Verify::off, true)};
  }
  /// The first round, which does not count, fills the pool.
  std::vector<Contender> on_device() {
    const auto load_again = [this] { last_ = load(Context(comm_), checkpoint(), device_tree_); };
    return {
        {"cudaMemcpy to pinned memory", [] {},
         [this] { device_->copy_to_pinned(workload_.bytes_of_rank(size_)); }},
        {"cairn save_async, blocked", [] {},
         [this] { pending_ = save_async(Context(comm_), checkpoint(), device_tree_, {.overwrite = true}); },
         [this] { last_ = pending_.result(); }, [this] { return stages(); }},
        {"cairn direct", [] {},
         [this] { last_ = save(Context(comm_), checkpoint(), device_tree_, {.overwrite = true}); }, [] {},
         [this] { return stages(); }},
        {"cairn load, warm", [] {}, load_again, [] {}, [this] { return stages(); }},
    };
  }
  /// By the first save in the background and the first load, streams and the code of kernels included; at the
  /// most of all ranks. Ranks that share a device count together.
  std::uint64_t device_bytes_taken() {
    device_->start_watching();
    save_async(Context(comm_), checkpoint(), device_tree_, {.overwrite = true}).result();
    load(Context(comm_), checkpoint(), device_tree_);
    auto taken = device_->stop_watching();
    MPI_Allreduce(MPI_IN_PLACE, &taken, 1, MPI_UINT64_T, MPI_MAX, comm_);
    return taken;
  }
  /// What was saved from the device and loaded into it is what the host has.
  void check_device() {
    save(Context(comm_), checkpoint(), device_tree_, {.overwrite = true});
    workload_.clear();
    device_->upload();
    load(Context(comm_), checkpoint(), device_tree_);
    device_->download();
    require_saved();
  }

  std::vector<Contender> chosen(std::vector<Contender> all) const {
    const auto has = [](const Contender& one, const std::string& text) {
      return one.name.find(text) != std::string::npos;
    };
    std::erase_if(all, [&](const Contender& one) {
      return !has(one, settings_.only) ||
             std::any_of(settings_.skip.begin(), settings_.skip.end(),
                         [&](const std::string& text) { return has(one, text); });
    });
    return all;
  }

  void prepare_reading() {
    plain_.write(PosixWay::preallocated);
    saved_ = workload_.checksum();
    last_ = save(Context(comm_), checkpoint(), tree_, {.overwrite = true});
  }
  /// A time for a load means nothing where what it loads is wrong.
  void check_load() {
    workload_.clear();
    load(Context(comm_), checkpoint(), tree_);
    require_saved();
  }
  void require_saved() {
    int wrong = workload_.checksum() != saved_;
    MPI_Allreduce(MPI_IN_PLACE, &wrong, 1, MPI_INT, MPI_MAX, comm_);
    if (wrong != 0)
      throw Error(ErrorCode::internal, "what was loaded is not what was saved: the times mean nothing");
  }

  MPI_Comm comm_;
  const Settings& settings_;
  int rank_, size_;
  Workload workload_;
  Tree tree_;
  PosixFile plain_;
  MemoryWork memory_;
  std::optional<DeviceMemory> device_;
  Tree device_tree_;
  AsyncResponse pending_;
  std::uint64_t saved_ = 0;
  Report last_;
};

void run(const Settings& settings) {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (rank == 0) std::filesystem::create_directories(settings.path);
  MPI_Barrier(MPI_COMM_WORLD);
  if (settings.device && !DeviceMemory::is_available())
    throw Error(ErrorCode::unsupported, "--device: there is no CUDA device, or this was built without CUDA");
  nlohmann::json all = nlohmann::json::array();
  for (const std::string& workload : settings.workloads) {
    const Results results = Bench(MPI_COMM_WORLD, settings, workload).run();
    if (rank != 0) continue;
    std::cout << to_text(results) << std::endl;
    all.push_back(to_json(results));
  }
  if (rank == 0 && !settings.json.empty()) {
    std::ofstream file(settings.json);
    file << all.dump(2) << '\n';
    if (!file.flush()) throw std::runtime_error("cannot write " + settings.json.string());
  }
}

}  // namespace
}  // namespace cairn::bench

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  cairn::bench::Settings settings;
  if (const auto status = cairn::bench::parse(argc, argv, settings)) {
    MPI_Finalize();
    return *status;
  }
  try {
    cairn::bench::run(settings);
  } catch (const std::exception& error) {
    // One rank may be alone in this: the others would wait for it.
    std::cerr << "cairn-bench: " << error.what() << std::endl;
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
  MPI_Finalize();
  return 0;
}
