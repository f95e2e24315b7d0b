#include "bind.hpp"
#include "folder.hpp"

#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

using namespace mpi_test;

namespace {

cairn::Tree bind_all(std::vector<RandomArray>& arrays) {
  cairn::Tree tree;
  for (auto& array : arrays)
    tree["group" + std::to_string(array.number % 3)]["a" + std::to_string(array.number)] =
        bind_shards(array.shards, array.shape, array.dtype);
  return tree;
}

std::string file_bytes(const cairn::Path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

cairn::Context with_writer(cairn::Writer writer, bool collective = false) {
  cairn::Context context(MPI_COMM_WORLD);
  context.io.writer = writer;
  context.io.collective = collective;
  context.io.block_bytes = 4096;
  return context;
}

}  // namespace

TEST_CASE("any decomposition is loaded into any other, on any number of ranks") {
  SharedFolder folder(MPI_COMM_WORLD);
  const int rank = cairn::testing::rank(), size = cairn::testing::size();
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Random random(seed);
    std::vector<RandomArray> arrays;
    for (std::int64_t n = between(random, 1, 6); n > 0; --n)
      arrays.push_back(RandomArray::make(random, static_cast<std::uint64_t>(n)));
    for (auto& array : arrays) array.distribute(random, rank, size);
    for (auto& array : arrays) array.fill();
    const cairn::Path path = folder.path() / "random";
    auto context = with_writer(seed % 4 == 0 ? cairn::Writer::mpio : cairn::Writer::direct);
    context.io.block_bytes = 1 + static_cast<std::uint64_t>(between(random, 0, 3)) * 4096;
    const cairn::Tree saved = bind_all(arrays);
    cairn::save(context, path, saved, {.overwrite = true});

    const int readers = static_cast<int>(between(random, 1, size));
    for (auto& array : arrays) array.distribute(random, rank < readers ? rank : -1, readers);
    MPI_Comm some;
    MPI_Comm_split(MPI_COMM_WORLD, rank < readers ? 0 : 1, rank, &some);
    if (rank < readers) {
      cairn::Tree loaded = bind_all(arrays);
      const auto report = cairn::load(some, path, loaded);
      std::uint64_t bytes = 0;
      for (auto& array : arrays) bytes += array.tree_elements() * cairn::size_of(array.dtype);
      INFO("seed " << seed);
      CHECK(report.bytes == bytes);  // each byte once, and no other
      for (auto& array : arrays) CHECK(array.holds());
    }
    MPI_Comm_free(&some);
    CHECK(cairn::verify(MPI_COMM_WORLD, path).empty());
  }
}

TEST_CASE("both writers make the same file, byte for byte") {
  SharedFolder folder(MPI_COMM_WORLD);
  const int rank = cairn::testing::rank(), size = cairn::testing::size();
  for (std::uint64_t seed = 100; seed < 110; ++seed) {
    Random random(seed);
    std::vector<RandomArray> arrays;
    for (std::uint64_t n = 0; n < 5; ++n) arrays.push_back(RandomArray::make(random, n));
    for (auto& array : arrays) array.distribute(random, rank, size);
    for (auto& array : arrays) array.fill();
    const cairn::Tree tree = bind_all(arrays);
    cairn::save(with_writer(cairn::Writer::direct), folder.path() / "direct", tree, {.overwrite = true});
    cairn::save(with_writer(cairn::Writer::mpio), folder.path() / "mpio", tree, {.overwrite = true});
    cairn::save(with_writer(cairn::Writer::mpio, true), folder.path() / "collective", tree,
                {.overwrite = true});
    const auto direct = file_bytes(folder.path() / "direct" / "state.h5");
    CHECK(!direct.empty());
    CHECK(direct == file_bytes(folder.path() / "mpio" / "state.h5"));
    CHECK(direct == file_bytes(folder.path() / "collective" / "state.h5"));
    MPI_Barrier(MPI_COMM_WORLD);
  }
}

TEST_CASE(
    "every kind of leaf comes back: replicated, per rank, appended, scalars, strings, owned values, "
    "nothing") {
  SharedFolder folder(MPI_COMM_WORLD);
  const int rank = cairn::testing::rank(), size = cairn::testing::size();
  const cairn::Path path = folder.path() / "kinds";

  std::vector<double> bias(70000);
  for (std::size_t i = 0; i < bias.size(); ++i) bias[i] = static_cast<double>(i) * 0.5;
  std::array<std::uint64_t, 4> random_state{1u + static_cast<std::uint64_t>(rank), 2, 3, 4};
  std::vector<float> particles(static_cast<std::size_t>(3 * rank), static_cast<float>(rank));
  std::int64_t step = 42;
  bool flag = true;
  std::complex<double> z{1.5, -2.5};
  std::string name = "heat \xc3\xa9";
  float fixed[2][3] = {{1, 2, 3}, {4, 5, 6}};
  std::vector<int> nothing;

  cairn::Tree tree;
  tree["params/b"] = cairn::replicated(bias, {700, 100});
  tree["rng"] = cairn::per_rank(random_state);
  tree["particles/x"] = cairn::appended(particles, {3});
  tree["step"] = cairn::ref(step);
  tree["flag"] = cairn::ref(flag);
  tree["z"] = cairn::ref(z);
  tree["name"] = cairn::ref(name);
  tree["fixed"] = cairn::replicated(fixed);
  tree["nothing"] = cairn::sharded(nothing, {.shape = {0}});
  tree["note"] = "second run";
  tree["empty"] = "";
  tree["lr"] = 1e-3;
  cairn::save(MPI_COMM_WORLD, path, tree, {.custom_metadata = {{"lr", 1e-3}, {"tags", {"a", "b"}}}});

  bias.assign(bias.size(), 0);
  random_state = {};
  particles.clear();
  step = 0;
  flag = false;
  z = 0;
  name.clear();
  std::memset(fixed, 0, sizeof fixed);
  tree["note"] = "other";
  tree["lr"] = 0.0;
  cairn::load(MPI_COMM_WORLD, path, tree);
  CHECK(bias[69999] == 69999 * 0.5);
  CHECK(random_state[0] == 1u + static_cast<std::uint64_t>(rank));
  CHECK(particles == std::vector<float>(static_cast<std::size_t>(3 * rank), static_cast<float>(rank)));
  CHECK(step == 42);
  CHECK(flag);
  CHECK(z == std::complex<double>(1.5, -2.5));
  CHECK(name == "heat \xc3\xa9");
  CHECK(fixed[1][2] == 6);
  CHECK(tree["note"].get<std::string>() == "second run");
  CHECK(tree["empty"].get<std::string>().empty());
  CHECK(tree["lr"].get<double>() == 1e-3);

  const cairn::Tree owned = cairn::load(MPI_COMM_WORLD, path);
  CHECK(owned.size() == tree.size());
  CHECK(owned.at("step").get<std::int64_t>() == 42);
  CHECK(owned.at("params/b").data<double>()[3] == 1.5);
  CHECK(owned.at("rng").data<std::uint64_t>()[0] == 1u + static_cast<std::uint64_t>(rank));
  CHECK(owned.at("note").get<std::string>() == "second run");
  CHECK(owned.at("nothing").shape() == cairn::Dims{0});

  const auto info = cairn::metadata(MPI_COMM_WORLD, path);
  CHECK(info.world_size == size);
  CHECK(info.custom_metadata.value()["tags"][1] == "b");
  CHECK(info.checkpointables.at("state").leaves.at("params/b").shape == cairn::Dims{700, 100});
  CHECK(info.checkpointables.at("state").leaves.at("rng").kind == cairn::Kind::per_rank);
  CHECK(cairn::metadata(path).custom_metadata.text() == info.custom_metadata.text());
}
