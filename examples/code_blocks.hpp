#pragma once

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <cairn/cairn.hpp>
#include <mpi.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

/// What the code blocks of a document find, besides what they make themselves.
struct BlockSetting {
  MPI_Comm comm = MPI_COMM_WORLD;
  int rank = rank_in(comm), ranks = size_of(comm);

  // A global array in rows over the ranks; and the same rows with one more on each side.
  long nx = 100, ny = 40;
  long first = nx * rank / ranks, rows = nx * (rank + 1) / ranks - first;
  std::vector<double> T = std::vector<double>(static_cast<std::size_t>(rows * ny), 300.0);
  std::vector<double> with_halo = std::vector<double>(static_cast<std::size_t>((rows + 2) * (ny + 2)), 1.0);

  std::int64_t step = 7, last = 250;
  double loss = 0.5;
  std::vector<float> weights = std::vector<float>(1000, 0.25f);
  std::uint64_t random_state = static_cast<std::uint64_t>(rank) + 1;
  std::vector<double> particles = std::vector<double>(static_cast<std::size_t>(3 * (rank + 2)), 1.5);
  cairn::Tree state = make_state();
  void* stream = nullptr;  // the default one

  void step_the_model() { T[0] += 1; }

 private:
  static int rank_in(MPI_Comm of) {
    int rank = 0;
    MPI_Comm_rank(of, &rank);
    return rank;
  }
  static int size_of(MPI_Comm of) {
    int size = 1;
    MPI_Comm_size(of, &size);
    return size;
  }
  cairn::Tree make_state() {
    cairn::Tree tree;
    tree["T"] = cairn::sharded(T, {.shape = {nx, ny}, .start = {first, 0}, .count = {rows, ny}});
    tree["step"] = cairn::ref(step);
    return tree;
  }
};

struct CodeBlock {
  int line;
  void (*run)();
};

template <class Block>
void run_block() {
  Block().run();
}

/// Runs each in an empty directory of its own below the current one, and tells of it.
inline int run_blocks(int& argc, char**& argv, std::initializer_list<CodeBlock> blocks) {
  MPI_Init(&argc, &argv);
  int rank = 0, failures = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  const auto here = std::filesystem::current_path();
  for (const auto& block : blocks) {
    const auto directory = here / ("line-" + std::to_string(block.line));
    if (rank == 0) std::filesystem::create_directory(directory);
    MPI_Barrier(MPI_COMM_WORLD);
    std::filesystem::current_path(directory);
    std::string what = "ok";
    try {
      block.run();
    } catch (const std::exception& error) {
      what = error.what();
      ++failures;
    }
    if (rank == 0) std::printf("line %d: %s\n", block.line, what.c_str());
    std::fflush(stdout);
    MPI_Barrier(MPI_COMM_WORLD);
  }
  MPI_Finalize();
  return failures == 0 ? 0 : 1;
}
