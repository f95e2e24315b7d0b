#include "workload.hpp"

#include "base/checksum.hpp"
#include "tree/box.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include <mpi.h>

namespace cairn::bench {
namespace {

std::uint64_t element_bytes(const Field& field) {
  return size_of(field.dtype);
}

/// What rank `at` of `of` holds of n things: [first, first + count).
struct Span {
  std::int64_t first = 0, count = 0;
};
Span span_of(std::int64_t n, int at, int of) {
  const std::int64_t first = n * at / of;
  return {first, n * (at + 1) / of - first};
}

/// The extent of a cube of f64 values that takes about `bytes`.
std::int64_t cube_extent(double bytes, std::int64_t least) {
  return std::max(least, static_cast<std::int64_t>(std::cbrt(bytes / sizeof(double))));
}

class Builder {
 public:
  Builder(std::string name, int rank, int ranks) : rank_(rank), ranks_(ranks) {
    workload_.name = std::move(name);
  }

  Field& field(std::string name, Kind kind, Dtype dtype, const Dims& shape) {
    workload_.fields.push_back({std::move(name), kind, dtype, shape, {}});
    return workload_.fields.back();
  }
  /// A box with `halo` points around it, filled with numbers that no two boxes share.
  void piece(Field& field, const Dims& start, const Dims& count, std::int64_t halo = 0) {
    Piece piece{start, count, {}, {}, nullptr};
    for (const std::int64_t extent : count) {
      piece.memory_shape.push_back(extent + 2 * halo);
      piece.memory_start.push_back(halo);
    }
    auto& memory = workload_.memory.emplace_back(tree::product(piece.memory_shape) * element_bytes(field));
    fill(memory, field.dtype);
    piece.data = memory.data();
    field.pieces.push_back(std::move(piece));
  }
  /// Split over the ranks along its first dimension.
  void rows(const std::string& name, Dtype dtype, const Dims& shape) {
    Field& made = field(name, Kind::sharded, dtype, shape);
    const auto [first, count] = span_of(shape[0], rank_, ranks_);
    Dims start, extents;
    for (std::size_t dim = 0; dim < shape.ndims(); ++dim) {
      start.push_back(dim == 0 ? first : 0);
      extents.push_back(dim == 0 ? count : shape[dim]);
    }
    piece(made, start, extents);
  }
  void replicated(const std::string& name, Dtype dtype, const Dims& shape) {
    Field& made = field(name, Kind::replicated, dtype, shape);
    Dims zero;
    for (std::size_t dim = 0; dim < shape.ndims(); ++dim) zero.push_back(0);
    const std::uint64_t own = std::exchange(seed_, 1 + workload_.fields.size());  // the same on every rank
    piece(made, zero, shape);
    seed_ = own;
  }
  /// This rank's rows of a ragged array.
  void appended(const std::string& name, Dtype dtype, std::int64_t all_rows, Span mine, const Dims& row) {
    Dims shape{all_rows}, start{mine.first}, count{mine.count};
    for (const std::int64_t extent : row) {
      shape.push_back(extent);
      start.push_back(0);
      count.push_back(extent);
    }
    piece(field(name, Kind::appended, dtype, shape), start, count);
  }
  Workload result() && { return std::move(workload_); }

 private:
  void fill(std::vector<std::byte>& memory, Dtype dtype) {
    const std::size_t size = size_of(dtype);
    for (std::size_t at = 0; at + size <= memory.size(); at += size) {
      seed_ = seed_ * 6364136223846793005u + 1442695040888963407u;
      const double value = static_cast<double>(seed_ >> 11) / 9007199254740992.0;
      const auto narrow = static_cast<float>(value);
      std::memcpy(&memory[at], dtype == Dtype::f32 ? static_cast<const void*>(&narrow) : &value, size);
    }
  }

  Workload workload_;
  int rank_, ranks_;
  std::uint64_t seed_ = 0x9E3779B97F4A7C15u * static_cast<std::uint64_t>(rank_ + 1);
};

Workload make_fields(const WorkloadSize& size, int rank, int ranks) {
  constexpr std::array names{"density", "pressure", "energy", "potential"};
  const std::int64_t n = cube_extent(static_cast<double>(size.bytes) / names.size(), 4);
  std::array<int, 3> grid{0, 0, 0};
  MPI_Dims_create(ranks, 3, grid.data());
  Dims start, count;
  for (int dim = 0, below = ranks, at = rank; dim < 3; ++dim) {
    below /= grid[dim];
    const auto [first, extent] = span_of(n, at / below, grid[dim]);
    at %= below;
    start.push_back(first);
    count.push_back(extent);
  }
  Builder builder("fields", rank, ranks);
  for (const char* name : names)
    builder.piece(builder.field(name, Kind::sharded, Dtype::f64, {n, n, n}), start, count, 1);
  return std::move(builder).result();
}

/// Names and shapes of the weights of GPT-2 124M: width 768, 1024 positions.
std::vector<std::pair<std::string, Dims>> gpt2_weights(const WorkloadSize& size) {
  constexpr std::int64_t width = 768;
  std::vector<std::pair<std::string, Dims>> weights{{"wte/weight", {size.tokens, width}},
                                                    {"wpe/weight", {1024, width}}};
  const std::vector<std::pair<std::string, Dims>> block{{"ln_1/weight", {width}},
                                                        {"ln_1/bias", {width}},
                                                        {"attn/c_attn/weight", {width, 3 * width}},
                                                        {"attn/c_attn/bias", {3 * width}},
                                                        {"attn/c_proj/weight", {width, width}},
                                                        {"attn/c_proj/bias", {width}},
                                                        {"ln_2/weight", {width}},
                                                        {"ln_2/bias", {width}},
                                                        {"mlp/c_fc/weight", {width, 4 * width}},
                                                        {"mlp/c_fc/bias", {4 * width}},
                                                        {"mlp/c_proj/weight", {4 * width, width}},
                                                        {"mlp/c_proj/bias", {width}}};
  for (int layer = 0; layer < size.layers; ++layer)
    for (const auto& [name, shape] : block)
      weights.emplace_back("h/" + std::to_string(layer) + "/" + name, shape);
  weights.emplace_back("ln_f/weight", Dims{width});
  weights.emplace_back("ln_f/bias", Dims{width});
  return weights;
}

Workload make_gpt2(const std::string& name, const WorkloadSize& size, int rank, int ranks) {
  Builder builder(name, rank, ranks);
  for (const auto& [weight, shape] : gpt2_weights(size)) {
    if (name == "gpt2")
      builder.replicated("weights/" + weight, Dtype::f32, shape);
    else
      builder.rows("weights/" + weight, Dtype::f32, shape);
    builder.rows("adam/m/" + weight, Dtype::f32, shape);
    builder.rows("adam/v/" + weight, Dtype::f32, shape);
  }
  return std::move(builder).result();
}

Workload make_amr(const WorkloadSize& size, int rank, int ranks) {
  constexpr std::array<std::int64_t, 3> grid{25, 20, 20};
  constexpr std::int64_t blocks = grid[0] * grid[1] * grid[2];
  const std::int64_t b = cube_extent(static_cast<double>(size.bytes) / blocks, 2);
  Builder builder("amr", rank, ranks);
  Field& density =
      builder.field("density", Kind::sharded, Dtype::f64, {grid[0] * b, grid[1] * b, grid[2] * b});
  const auto [first, count] = span_of(blocks, rank, ranks);
  for (std::int64_t block = first; block < first + count; ++block) {
    const std::int64_t i = block / (grid[1] * grid[2]), j = block / grid[2] % grid[1], k = block % grid[2];
    builder.piece(density, {i * b, j * b, k * b}, {b, b, b}, 2);
  }
  return std::move(builder).result();
}

Workload make_particles(const WorkloadSize& size, int rank, int ranks) {
  constexpr std::uint64_t row_bytes = 7 * sizeof(double);  // position, velocity, charge
  const auto per_share = static_cast<std::int64_t>(size.bytes / row_bytes / static_cast<unsigned>(ranks) / 2);
  // Ranks hold 1, 2 or 3 shares and an odd rest, so that no boundary falls on a page.
  const auto rows_of = [&](int r) { return std::max<std::int64_t>(1, per_share * (1 + r % 3) + 7 * r); };
  Span mine{0, rows_of(rank)};
  std::int64_t all = 0;
  for (int r = 0; r < ranks; ++r) {
    if (r == rank) mine.first = all;
    all += rows_of(r);
  }
  Builder builder("particles", rank, ranks);
  builder.appended("position", Dtype::f64, all, mine, {3});
  builder.appended("velocity", Dtype::f64, all, mine, {3});
  builder.appended("charge", Dtype::f64, all, mine, {});
  return std::move(builder).result();
}

Workload make_leaves(const WorkloadSize& size, int rank, int ranks) {
  Builder builder("leaves", rank, ranks);
  const auto values = static_cast<std::int64_t>(size.leaf_bytes / sizeof(double));
  for (int leaf = 0; leaf < size.leaves; ++leaf)
    builder.rows("group" + std::to_string(leaf / 100) + "/leaf" + std::to_string(leaf), Dtype::f64, {values});
  return std::move(builder).result();
}

template <class Value>
Leaf bind(const Field& field) {
  const auto data = [](const Piece& piece) { return reinterpret_cast<Value*>(piece.data); };
  if (field.kind == Kind::replicated) return cairn::replicated(data(field.pieces[0]), field.shape);
  if (field.kind == Kind::appended) {
    const Piece& rows = field.pieces[0];
    return cairn::appended(ArrayView<Value>{data(rows), rows.count, {}});
  }
  Array array = cairn::sharded<Value>(field.shape);
  for (const Piece& piece : field.pieces)
    array.also(data(piece), {.shape = field.shape, .start = piece.start, .count = piece.count},
               {.shape = piece.memory_shape, .start = piece.memory_start});
  return array;
}

}  // namespace

Tree Workload::tree() const {
  Tree tree;
  for (const Field& field : fields)
    tree[field.name] = field.dtype == Dtype::f32 ? bind<float>(field) : bind<double>(field);
  return tree;
}

std::uint64_t Workload::total_bytes() const {
  std::uint64_t bytes = 0;
  for (const Field& field : fields) bytes += tree::product(field.shape) * element_bytes(field);
  return bytes;
}

std::uint64_t Workload::bytes_of_rank(int size) const {
  std::uint64_t bytes = 0;
  for (const Field& field : fields)
    for (const Piece& piece : field.pieces) {
      const std::uint64_t own = tree::product(piece.count) * element_bytes(field);
      bytes += field.kind == Kind::replicated ? own / static_cast<unsigned>(size) : own;
    }
  return bytes;
}

std::uint64_t Workload::checksum() const {
  std::uint64_t sum = 0;
  std::vector<std::byte> packed;
  for (const Field& field : fields)
    for (const Piece& piece : field.pieces) {
      const std::uint64_t bytes = element_bytes(field);
      packed.resize(tree::product(piece.count) * bytes);
      const Dims strides = tree::row_major_strides(piece.memory_shape);
      tree::copy_strided(
          piece.data + tree::offset_of(piece.memory_start, strides) * static_cast<std::int64_t>(bytes),
          strides, packed.data(), tree::row_major_strides(piece.count), piece.count, bytes);
      sum = sum * 31 + base::checksum(packed);
    }
  return sum;
}

void Workload::clear() {
  for (auto& one : memory) std::fill(one.begin(), one.end(), std::byte{0});
}

const std::vector<std::string>& workload_names() {
  static const std::vector<std::string> names{"fields", "gpt2", "gpt2-sharded", "amr", "particles", "leaves"};
  return names;
}

Workload make_workload(const std::string& name, const WorkloadSize& size, int rank, int ranks) {
  if (name == "fields") return make_fields(size, rank, ranks);
  if (name == "gpt2" || name == "gpt2-sharded") return make_gpt2(name, size, rank, ranks);
  if (name == "amr") return make_amr(size, rank, ranks);
  if (name == "particles") return make_particles(size, rank, ranks);
  if (name == "leaves") return make_leaves(size, rank, ranks);
  throw Error(ErrorCode::invalid_argument, "there is no workload '" + name + "'; see cairn-bench --help");
}

}  // namespace cairn::bench
