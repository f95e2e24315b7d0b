// The connected parts of a graph whose edges arrive in batches. Three things of different kinds are in one
// checkpoint: the labels of the vertices, a tree; what is left to read, an object with a state as JSON that
// is divided anew over another number of ranks; and the graph itself, in a binary file that all ranks write
// together, by a Handler of this program's own. The result does not depend on the number of ranks.
//
//   mpirun -n 2 handler --rounds 5 --path run/graph
//   mpirun -n 3 handler --path run/graph     (reads the batches that are left)

#include "arguments.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <cairn/cairn.hpp>
#include <fcntl.h>
#include <mpi.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace {

constexpr auto usage =
    "usage: handler [--vertices 200] [--batches 40] [--rounds ROUNDS] [--path run/graph]\n"
    "Each rank reads one batch of edges a round, until none is left or `rounds` are over; then it saves. "
    "Goes "
    "on from\n"
    "the checkpoint at `path` where there is one.\n";

struct Settings {
  long vertices = 200, batches = 40, rounds = std::numeric_limits<long>::max();
  std::string path = "run/graph";
};

/// This rank's vertices, a range of all, and their neighbours: those of vertex `first + i` are
/// targets[begins[i]] to targets[begins[i + 1]], ascending.
struct Graph {
  std::uint64_t vertices = 0, first = 0;
  std::vector<std::uint64_t> begins = {0}, targets = {};

  std::uint64_t count() const { return begins.size() - 1; }

  /// Rank `rank` of `ranks` takes its even part of the vertices, without edges.
  void divide(std::uint64_t of_vertices, int rank, int ranks) {
    const auto parts = static_cast<std::uint64_t>(ranks), part = static_cast<std::uint64_t>(rank);
    vertices = of_vertices;
    first = vertices * part / parts;
    begins.assign(static_cast<std::size_t>(vertices * (part + 1) / parts - first + 1), 0);
    targets.clear();
  }

  /// Nothing happens where another rank has the vertex, or the edge is there.
  void add(std::uint64_t from, std::uint64_t to) {
    if (from < first || from - first >= count()) return;
    const auto row = begins.begin() + static_cast<std::ptrdiff_t>(from - first);
    const auto begin = targets.begin() + static_cast<std::ptrdiff_t>(row[0]);
    const auto end = targets.begin() + static_cast<std::ptrdiff_t>(row[1]);
    const auto place = std::lower_bound(begin, end, to);
    if (place != end && *place == to) return;
    targets.insert(place, to);
    for (auto later = row + 1; later != begins.end(); ++later) ++*later;
  }
};

/// A file that is read or written at places of one's own. Its errors are system errors of C++: Cairn makes
/// them the same Error on all ranks.
class BinaryFile {
 public:
  BinaryFile(const cairn::Path& path, int flags) : path_(path), file_(::open(path.c_str(), flags, 0666)) {
    if (file_ < 0) fail("open");
  }
  ~BinaryFile() {
    if (file_ >= 0) ::close(file_);
  }
  BinaryFile(const BinaryFile&) = delete;
  BinaryFile& operator=(const BinaryFile&) = delete;

  void write(const std::uint64_t* values, std::uint64_t count, std::uint64_t at) {
    move("write", at, count, [&](std::uint64_t done, std::size_t bytes, off_t place) {
      return ::pwrite(file_, reinterpret_cast<const char*>(values) + done, bytes, place);
    });
  }
  void read(std::uint64_t* values, std::uint64_t count, std::uint64_t at) {
    move("read", at, count, [&](std::uint64_t done, std::size_t bytes, off_t place) {
      return ::pread(file_, reinterpret_cast<char*>(values) + done, bytes, place);
    });
  }

 private:
  /// In numbers of 8 bytes.
  template <class Call>
  void move(const char* what, std::uint64_t at, std::uint64_t count, const Call& call) {
    const std::uint64_t bytes = count * sizeof(std::uint64_t);
    for (std::uint64_t done = 0; done < bytes;) {
      errno = 0;  // at the end of a file none is set
      const auto moved = call(done, static_cast<std::size_t>(bytes - done),
                              static_cast<off_t>(at * sizeof(std::uint64_t) + done));
      if (moved <= 0) fail(what);
      done += static_cast<std::uint64_t>(moved);
    }
  }
  [[noreturn]] void fail(const char* what) const {
    throw std::system_error(errno, std::generic_category(), std::string(what) + " " + path_.string());
  }

  cairn::Path path_;
  int file_;
};

/// The file NAME.graph, in numbers of 8 bytes of this machine's order: how many vertices, how many targets,
/// where each vertex's targets begin (and, once more, where the last one's end), and the targets.
class GraphHandler final : public cairn::Handler {
 public:
  std::string type() const override { return "graph"; }
  bool handles(const cairn::Checkpointable& thing) const override {
    return thing.get_if<const Graph>() != nullptr;
  }

  std::function<void()> save(cairn::HandlerScope& scope, const cairn::Checkpointable& thing) override {
    const MPI_Comm comm = scope.context().comm();
    // A copy: the program may change its graph while this one is written.
    auto graph = std::make_shared<Graph>();
    cairn::Path path;
    scope.agree([&] {  // what may fail on one rank, before ranks wait for each other
      *graph = *thing.get_if<const Graph>();
      path = scope.file(".graph");
    });
    std::uint64_t before = 0, all = 0;
    const std::uint64_t mine = graph->targets.size();
    MPI_Exscan(&mine, &before, 1, MPI_UINT64_T, MPI_SUM, comm);
    MPI_Allreduce(&mine, &all, 1, MPI_UINT64_T, MPI_SUM, comm);
    int rank = 0;
    MPI_Comm_rank(comm, &rank);
    if (rank == 0) before = 0;  // MPI_Exscan leaves it undefined

    // Runs later, in another thread, without MPI. All ranks write the one file, each its own part.
    return [graph, path, before, all] {
      BinaryFile file(path, O_CREAT | O_WRONLY);
      for (auto& begin : graph->begins) begin += before;
      const std::array<std::uint64_t, 2> head = {graph->vertices, all};
      if (graph->first == 0) file.write(head.data(), head.size(), 0);
      const bool last = graph->first + graph->count() == graph->vertices;
      file.write(graph->begins.data(), graph->count() + (last ? 1 : 0), head.size() + graph->first);
      file.write(graph->targets.data(), graph->targets.size(), head.size() + graph->vertices + 1 + before);
    };
  }

  void load(cairn::HandlerScope& scope, const cairn::Checkpointable& thing) override {
    int rank = 0, ranks = 1;
    MPI_Comm_rank(scope.context().comm(), &rank);
    MPI_Comm_size(scope.context().comm(), &ranks);
    scope.agree([&] {
      auto& graph = *thing.get_if<Graph>();
      BinaryFile file(scope.file(".graph"), O_RDONLY);
      const auto head = head_of(file);
      graph.divide(head[0], rank, ranks);
      file.read(graph.begins.data(), graph.begins.size(), head.size() + graph.first);
      const std::uint64_t before = graph.begins.front();
      graph.targets.resize(static_cast<std::size_t>(graph.begins.back() - before));
      file.read(graph.targets.data(), graph.targets.size(), head.size() + graph.vertices + 1 + before);
      for (auto& begin : graph.begins) begin -= before;
    });
  }

  cairn::Json metadata(const cairn::Path& path) const override {
    BinaryFile file(path, O_RDONLY);
    const auto head = head_of(file);
    return {{"vertices", head[0]}, {"targets", head[1]}};
  }

 private:
  static std::array<std::uint64_t, 2> head_of(BinaryFile& file) {
    std::array<std::uint64_t, 2> head{};
    file.read(head.data(), head.size(), 0);
    return head;
  }
};

/// The batches that this rank has still to read.
struct Loader {
  std::vector<long> left;

  nlohmann::json save_state() const { return left; }
  void load_state(const nlohmann::json& state) { state.get_to(left); }
  /// On another number of ranks than saved: what all of them had left is dealt out in turn.
  void load_state(const std::vector<nlohmann::json>& states, int rank, int ranks) {
    std::vector<long> all;
    for (const auto& state : states)
      for (const auto& batch : state) all.push_back(batch.get<long>());
    left.clear();
    for (auto i = static_cast<std::size_t>(rank); i < all.size(); i += static_cast<std::size_t>(ranks))
      left.push_back(all[i]);
  }
};

/// The edges of a batch: in a program of yours, what a file or a stream holds.
std::vector<std::pair<std::uint64_t, std::uint64_t>> read_batch(long batch, std::uint64_t vertices) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> edges(4);
  std::uint64_t state = static_cast<std::uint64_t>(batch) * 7919 + 1;
  const auto next = [&] { return (state = state * 6364136223846793005u + 1442695040888963407u) >> 33; };
  for (auto& [from, to] : edges) {
    from = next() % vertices;
    to = next() % vertices;
  }
  return edges;
}

class Components {
 public:
  Components(MPI_Comm comm, long vertices, long batches) : comm_(comm) {
    MPI_Comm_rank(comm_, &rank_);
    MPI_Comm_size(comm_, &size_);
    graph_.divide(static_cast<std::uint64_t>(vertices), rank_, size_);
    for (std::uint64_t i = 0; i < graph_.count(); ++i) labels_.push_back(graph_.first + i);
    for (long batch = rank_; batch < batches; batch += size_) loader_.left.push_back(batch);
  }

  cairn::Checkpointables things() {
    cairn::Tree tree;
    tree["labels"] = cairn::sharded(
        labels_, {.shape = {graph_.vertices}, .start = {graph_.first}, .count = {graph_.count()}});
    return {{"components", std::move(tree)},
            {"loader", cairn::stateful(loader_)},
            {"edges", cairn::object(graph_)}};
  }

  /// Every rank takes the edges of its own vertices out of the batches of all.
  void read() {
    long mine = -1;
    if (!loader_.left.empty()) {
      mine = loader_.left.front();
      loader_.left.erase(loader_.left.begin());
    }
    std::vector<long> all(static_cast<std::size_t>(size_));
    MPI_Allgather(&mine, 1, MPI_LONG, all.data(), 1, MPI_LONG, comm_);
    for (const long batch : all) {
      if (batch < 0) continue;
      for (const auto& [a, b] : read_batch(batch, graph_.vertices)) {
        graph_.add(a, b);
        graph_.add(b, a);
      }
    }
  }

  /// Each vertex takes the least label around it, until nothing changes.
  void spread() {
    for (int changed = 1; changed != 0;) {
      changed = 0;
      const auto all = gather(labels_);
      for (std::size_t i = 0; i < labels_.size(); ++i)
        for (auto k = graph_.begins[i]; k < graph_.begins[i + 1]; ++k) {
          const auto label = all[static_cast<std::size_t>(graph_.targets[k])];
          if (label >= labels_[i]) continue;
          labels_[i] = label;
          changed = 1;
        }
      MPI_Allreduce(MPI_IN_PLACE, &changed, 1, MPI_INT, MPI_MAX, comm_);
    }
  }

  int rank() const { return rank_; }
  std::uint64_t left() const { return sum(loader_.left.size()); }
  std::uint64_t edges() const { return sum(graph_.targets.size()); }
  std::uint64_t parts() const {
    std::uint64_t roots = 0;
    for (std::uint64_t i = 0; i < graph_.count(); ++i)
      if (labels_[static_cast<std::size_t>(i)] == graph_.first + i) ++roots;
    return sum(roots);
  }

 private:
  std::uint64_t sum(std::uint64_t value) const {
    MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_UINT64_T, MPI_SUM, comm_);
    return value;
  }
  std::vector<std::uint64_t> gather(const std::vector<std::uint64_t>& own) const {
    const int count = static_cast<int>(own.size());
    std::vector<int> counts(static_cast<std::size_t>(size_)), offsets;
    MPI_Allgather(&count, 1, MPI_INT, counts.data(), 1, MPI_INT, comm_);
    int offset = 0;
    for (const int each : counts) offsets.push_back(std::exchange(offset, offset + each));
    std::vector<std::uint64_t> all(static_cast<std::size_t>(offset));
    MPI_Allgatherv(own.data(), count, MPI_UINT64_T, all.data(), counts.data(), offsets.data(), MPI_UINT64_T,
                   comm_);
    return all;
  }

  MPI_Comm comm_;
  int rank_ = 0, size_ = 1;
  Graph graph_;
  std::vector<std::uint64_t> labels_;  // of this rank's vertices: the least vertex known to be connected
  Loader loader_;
};

void run(const Settings& settings) {
  Components components(MPI_COMM_WORLD, settings.vertices, settings.batches);
  cairn::Context context(MPI_COMM_WORLD);
  context.handlers.add(std::make_shared<GraphHandler>());

  const auto print = [&](const char* when) {
    const auto left = components.left(), edges = components.edges(), parts = components.parts();
    if (components.rank() != 0) return;
    std::printf("handler: %s, %lu batches left, %lu ends of edges, %lu parts\n", when,
                static_cast<unsigned long>(left), static_cast<unsigned long>(edges),
                static_cast<unsigned long>(parts));
  };

  if (cairn::is_checkpoint(context, settings.path)) {
    cairn::load_checkpointables(context, settings.path, components.things());
    print("resumed");
  }
  for (long round = 0; round < settings.rounds && components.left() > 0; ++round) components.read();
  components.spread();
  cairn::save_checkpointables(context, settings.path, components.things(), {.overwrite = true});
  print("saved");
  const auto saved = cairn::metadata(context, settings.path).checkpointables.at("edges");
  if (components.rank() == 0)
    std::printf("handler: %s holds %s\n", saved.file.c_str(), saved.metadata.text().c_str());
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  Arguments arguments(argc, argv, usage);
  settings.vertices = std::max(1L, arguments.number("--vertices", settings.vertices));
  settings.batches = std::max(0L, arguments.number("--batches", settings.batches));
  settings.rounds = arguments.number("--rounds", settings.rounds);
  settings.path = arguments.text("--path", settings.path);
  arguments.finish();
  return run_under_mpi(argc, argv, "handler", [&] {
    run(settings);
    return EXIT_SUCCESS;
  });
}
