#pragma once

#include <vector>

#include <cairn/cairn.hpp>

namespace mpi_test {

/// A small state of every kind of layout, all of whose values are one number, so that a mix of two saves is
/// seen at once.
struct Generation {
  std::vector<double> field;         // 12 x 10, by rows: one tile
  std::vector<float> columns;        // 600 x (512 * size), by columns: a grid of tiles
  std::vector<std::int16_t> uneven;  // 700 x (600 + 100 * size), by unequal columns: a tile a shard
  std::vector<std::int32_t> ragged;  // rank + 1 rows
  std::vector<std::int64_t> table;   // replicated, large enough to be divided over the ranks
  std::vector<std::uint8_t> own;     // per rank
  std::int64_t number = 0;
  cairn::Tree tree;

  explicit Generation(MPI_Comm comm, std::int64_t scale = 1) {
    int rank = 0, size = 1;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    const std::int64_t first = 12 * rank / size, last = 12 * (rank + 1) / size;
    field.resize(static_cast<std::size_t>((last - first) * 10));
    columns.resize(static_cast<std::size_t>(600 * 512 * scale));
    const std::int64_t width = rank == 0 ? 700 : 100;
    uneven.resize(static_cast<std::size_t>(700 * width));
    ragged.resize(static_cast<std::size_t>(rank + 1));
    table.resize(static_cast<std::size_t>(20000 * scale));
    own.resize(5);
    tree["field"] =
        cairn::sharded(field, {.shape = {12, 10}, .start = {first, 0}, .count = {last - first, 10}});
    tree["deep/columns"] = cairn::sharded(
        columns,
        {.shape = {600, 512 * scale * size}, .start = {0, 512 * scale * rank}, .count = {600, 512 * scale}});
    tree["deep/uneven"] = cairn::sharded(uneven, {.shape = {700, 600 + 100 * size},
                                                  .start = {0, rank == 0 ? 0 : 600 + 100 * rank},
                                                  .count = {700, width}});
    tree["ragged"] = cairn::appended(ragged);
    tree["table"] = cairn::replicated(table);
    tree["own"] = cairn::per_rank(own);
    tree["number"] = cairn::ref(number);
  }
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  void fill(std::int64_t value) {
    number = value;
    each([&](auto& values) {
      using Value = typename std::remove_reference_t<decltype(values)>::value_type;
      values.assign(values.size(), static_cast<Value>(value));
    });
  }

  bool whole() {
    bool all = true;
    each([&](auto& values) {
      using Value = typename std::remove_reference_t<decltype(values)>::value_type;
      for (auto v : values) all = all && v == static_cast<Value>(number);
    });
    return all;
  }

 private:
  template <class Use>
  void each(Use&& use) {
    use(field);
    use(columns);
    use(uneven);
    use(ragged);
    use(table);
    use(own);
  }
};

/// The generation that the checkpoint holds, agreed by all ranks: 0 where there is none, -1 where it is mixed
/// or differs between ranks.
inline std::int64_t stored_generation(MPI_Comm comm, const cairn::Path& path) {
  if (!cairn::is_checkpoint(comm, path)) return 0;
  Generation state(comm);
  cairn::load(comm, path, state.tree);
  std::int64_t number = state.whole() ? state.number : -1, low = 0, high = 0;
  MPI_Allreduce(&number, &low, 1, MPI_INT64_T, MPI_MIN, comm);
  MPI_Allreduce(&number, &high, 1, MPI_INT64_T, MPI_MAX, comm);
  return low == high ? low : -1;
}

}  // namespace mpi_test
