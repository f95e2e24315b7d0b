#pragma once

#include <vector>

#include <cairn/cairn.hpp>

namespace mpi_test {

/// A small state all of whose values are one number, so that a mix of two saves is seen at once. It can be
/// loaded on another number of ranks (at most 12) than saved it.
struct State {
  std::vector<double> field;         // 12 x 10, by rows
  std::vector<float> columns;        // 6 x 12, by columns
  std::vector<std::int32_t> ragged;  // rank + 1 rows, or as many as a load has given it
  std::vector<std::int64_t> table;   // replicated
  std::int64_t generation = 0;
  cairn::Tree tree;

  explicit State(MPI_Comm comm, std::size_t table_values = 20000) {
    int rank = 0, size = 1;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    const std::int64_t first = 12 * rank / size, count = 12 * (rank + 1) / size - first;
    field.resize(static_cast<std::size_t>(count * 10));
    columns.resize(static_cast<std::size_t>(6 * count));
    ragged.resize(static_cast<std::size_t>(rank + 1));
    table.resize(table_values);
    tree["field"] = cairn::sharded(field, {.shape = {12, 10}, .start = {first, 0}, .count = {count, 10}});
    tree["columns"] = cairn::sharded(columns, {.shape = {6, 12}, .start = {0, first}, .count = {6, count}});
    tree["ragged"] = cairn::appended(ragged);
    tree["table"] = cairn::replicated(table);
    tree["generation"] = cairn::ref(generation);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void fill(std::int64_t value) {
    generation = value;
    field.assign(field.size(), static_cast<double>(value));
    columns.assign(columns.size(), static_cast<float>(value));
    ragged.assign(ragged.size(), static_cast<std::int32_t>(value));
    table.assign(table.size(), value);
  }

  bool whole() const {
    const auto all = [&](const auto& values) {
      for (auto v : values)
        if (static_cast<std::int64_t>(v) != generation) return false;
      return true;
    };
    return all(field) && all(columns) && all(ragged) && all(table);
  }

  /// The number that all values of all ranks are; -1: they are not one. Collective.
  std::int64_t agreed_generation(MPI_Comm comm) const {
    std::int64_t ends[2] = {whole() ? generation : -1, 0};
    ends[1] = -ends[0];
    MPI_Allreduce(MPI_IN_PLACE, ends, 2, MPI_INT64_T, MPI_MIN, comm);
    return ends[0] == -ends[1] ? ends[0] : -1;
  }
};

}  // namespace mpi_test
