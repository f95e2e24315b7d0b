#include "c/handles.hpp"
#include "tree/array_rep.hpp"

using namespace cairn;

namespace {

using Rep = std::shared_ptr<detail::ArrayRep>;

detail::View look_at(const void* pointer) {
  return {pointer, detail::Form::pointer, {}, {}};
}

detail::Source source_of(Dtype dtype, const void* data) {
  detail::Source source;
  source.object = data;
  source.view = look_at;
  source.dtype = dtype;
  source.element_bytes = size_of(dtype);
  return source;
}

/// An array without shards; what is wrong with the arguments is kept in it.
Rep make_array(Kind kind, cairn_dtype given, int ndims, const std::int64_t* shape) {
  const auto dtype = static_cast<Dtype>(given);
  auto rep = detail::make_array(kind, dtype, size_of(dtype), c::dims_of(ndims, shape));
  if (size_of(dtype) == 0)
    rep->problems.push_back("has no type that is one of cairn_dtype: " +
                            std::to_string(static_cast<int>(given)));
  if (dtype == Dtype::string)
    rep->problems.emplace_back("is of CAIRN_STRING: bind text by cairn_tree_ref_text or cairn_tree_text");
  if (ndims > 0 && shape == nullptr) rep->problems.emplace_back("has dimensions, and its shape is NULL");
  return rep;
}

void put(cairn_tree* tree, const char* path, Rep rep) {
  c::need(tree).tree[c::text_or_empty(path)] = detail::Access::leaf(std::move(rep));
}

Slab slab_of(const cairn_slab& given) {
  Slab slab;
  slab.shape = c::dims_of(given.ndims, given.shape);
  slab.start = c::dims_of(given.ndims, given.start);
  slab.count = c::dims_of(given.ndims, given.count);
  slab.replica = given.replica;
  slab.replicas = given.replicas == 0 ? 1 : given.replicas;
  return slab;
}

Memory memory_of(int ndims, const cairn_memory* given) {
  const auto taken = c::take(given);
  return {c::dims_of(ndims, taken.shape), c::dims_of(ndims, taken.start), c::dims_of(ndims, taken.strides)};
}

int add_whole(Kind kind, cairn_tree* tree, const char* path, cairn_dtype dtype, const void* data, int ndims,
              const std::int64_t* shape, const std::int64_t* strides) {
  return c::guard([&] {
    auto rep = make_array(kind, dtype, ndims, shape);
    detail::add_shard(*rep, source_of(rep->dtype, data), {}, {{}, {}, c::dims_of(ndims, strides)});
    put(tree, path, std::move(rep));
  });
}

const Rep& rep_at(const cairn_tree* tree, const char* path) {
  const auto& leaves = detail::Access::leaves(c::need(tree).tree);
  const auto found = leaves.find(std::string_view(c::text_or_empty(path)));
  if (found == leaves.end()) (void)tree->tree.at(c::text_or_empty(path));  // throws
  return detail::Access::rep(found->second);
}

struct FixedRows {
  const void* data;
  Dims extents, strides;
};

detail::View look_at_fixed(const void* object) {
  const auto& rows = *static_cast<const FixedRows*>(object);
  return {rows.data, detail::Form::shaped, rows.extents, rows.strides};
}

struct CalledRows {
  cairn_rows calls;
  Dims row;
};

detail::View look_at_called(const void* object) {
  const auto& rows = *static_cast<const CalledRows*>(object);
  std::int64_t count = 0;
  const void* data = rows.calls.data(rows.calls.arg, &count);
  Dims extents{count};
  for (const auto extent : rows.row) extents.push_back(extent);
  return {data, detail::Form::shaped, extents, {}};
}

void resize_called(void* object, const Dims& extents) {
  const auto& calls = static_cast<const CalledRows*>(object)->calls;
  c::call_back("resize", [&] { return calls.resize(calls.arg, extents[0]); });
}

}  // namespace

int cairn_tree_create(cairn_tree** tree) {
  return c::guard([&] { c::need_result(tree) = new cairn_tree{}; });
}

int cairn_tree_copy(const cairn_tree* tree, cairn_tree** copy) {
  return c::guard([&] { c::need_result(copy) = new cairn_tree{c::need(tree).tree}; });
}

void cairn_tree_free(cairn_tree* tree) {
  delete tree;
}

int cairn_tree_sharded(cairn_tree* tree, const char* path, cairn_dtype dtype, void* data, int ndims,
                       const std::int64_t* shape, const std::int64_t* start, const std::int64_t* count) {
  cairn_slab slab;
  CAIRN_INIT(&slab);
  slab.ndims = ndims;
  slab.shape = shape;
  slab.start = start;
  slab.count = count;
  return cairn_tree_sharded_in(tree, path, dtype, data, &slab, nullptr);
}

int cairn_tree_sharded_in(cairn_tree* tree, const char* path, cairn_dtype dtype, void* data,
                          const cairn_slab* slab, const cairn_memory* memory) {
  return c::guard([&] {
    const auto taken = c::take(&c::need(slab));
    auto rep = make_array(Kind::sharded, dtype, taken.ndims, taken.shape);
    detail::add_shard(*rep, source_of(rep->dtype, data), slab_of(taken), memory_of(taken.ndims, memory));
    put(tree, path, std::move(rep));
  });
}

int cairn_tree_sharded_none(cairn_tree* tree, const char* path, cairn_dtype dtype, int ndims,
                            const std::int64_t* shape) {
  return c::guard([&] { put(tree, path, make_array(Kind::sharded, dtype, ndims, shape)); });
}

int cairn_tree_also(cairn_tree* tree, const char* path, void* data, const cairn_slab* slab,
                    const cairn_memory* memory) {
  return c::guard([&] {
    const auto& rep = rep_at(tree, path);
    const auto taken = c::take(&c::need(slab));
    detail::add_shard(*rep, source_of(rep->dtype, data), slab_of(taken), memory_of(taken.ndims, memory));
  });
}

int cairn_tree_replicated(cairn_tree* tree, const char* path, cairn_dtype dtype, void* data, int ndims,
                          const std::int64_t* shape, const std::int64_t* strides) {
  return add_whole(Kind::replicated, tree, path, dtype, data, ndims, shape, strides);
}

int cairn_tree_per_rank(cairn_tree* tree, const char* path, cairn_dtype dtype, void* data, int ndims,
                        const std::int64_t* shape, const std::int64_t* strides) {
  return add_whole(Kind::per_rank, tree, path, dtype, data, ndims, shape, strides);
}

int cairn_tree_ref(cairn_tree* tree, const char* path, cairn_dtype dtype, void* variable) {
  return add_whole(Kind::value, tree, path, dtype, variable, 0, nullptr, nullptr);
}

int cairn_tree_appended(cairn_tree* tree, const char* path, cairn_dtype dtype, void* data, std::int64_t rows,
                        int row_ndims, const std::int64_t* row_shape, const std::int64_t* strides) {
  return c::guard([&] {
    auto rep = make_array(Kind::appended, dtype, row_ndims, row_shape);
    Dims extents{rows};
    for (const auto extent : rep->shape) extents.push_back(extent);
    auto kept = std::make_shared<FixedRows>(FixedRows{data, extents, c::dims_of(row_ndims + 1, strides)});
    auto source = source_of(rep->dtype, kept.get());
    source.kept = std::move(kept);
    source.view = look_at_fixed;
    detail::add_shard(*rep, std::move(source), {}, {});
    put(tree, path, std::move(rep));
  });
}

int cairn_tree_appended_rows(cairn_tree* tree, const char* path, cairn_dtype dtype, const cairn_rows* rows,
                             int row_ndims, const std::int64_t* row_shape) {
  return c::guard([&] {
    const auto calls = c::take(&c::need(rows));
    auto rep = make_array(Kind::appended, dtype, row_ndims, row_shape);
    if (calls.data == nullptr) {
      rep->problems.emplace_back("has no cairn_rows::data: it is NULL");
      return put(tree, path, std::move(rep));
    }
    auto kept = std::make_shared<CalledRows>(CalledRows{calls, rep->shape});
    auto source = source_of(rep->dtype, kept.get());
    source.kept = std::move(kept);
    source.view = look_at_called;
    if (calls.resize != nullptr) source.resize = resize_called;
    detail::add_shard(*rep, std::move(source), {}, {});
    put(tree, path, std::move(rep));
  });
}

int cairn_tree_value(cairn_tree* tree, const char* path, cairn_dtype dtype, const void* value) {
  return c::guard([&] {
    const auto type = static_cast<Dtype>(dtype);
    if (value == nullptr || type == Dtype::string || size_of(type) == 0) {
      auto rep = make_array(Kind::value, dtype, 0, nullptr);
      detail::add_shard(*rep, source_of(type, value), {}, {});
      put(tree, path, std::move(rep));
    } else {
      put(tree, path, detail::own_bytes(value, type, size_of(type)));
    }
  });
}

int cairn_tree_text(cairn_tree* tree, const char* path, const char* text) {
  return c::guard(
      [&] { put(tree, path, text == nullptr ? detail::own_null_text() : detail::own_string(text)); });
}

int cairn_tree_set_read_only(cairn_tree* tree, const char* path) {
  return c::guard([&] {
    for (auto& shard : rep_at(tree, path)->shards) shard.source.read_only = true;
  });
}

int cairn_tree_set_fortran_order(cairn_tree* tree, const char* path) {
  return c::guard([&] { rep_at(tree, path)->fortran_order = true; });
}

int cairn_tree_add_problem(cairn_tree* tree, const char* path, const char* problem) {
  return c::guard([&] { rep_at(tree, path)->problems.emplace_back(c::text_or_empty(problem)); });
}
