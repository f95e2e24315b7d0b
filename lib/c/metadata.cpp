#include "c/handles.hpp"

using namespace cairn;

cairn_metadata::cairn_metadata(Metadata told) : metadata(std::move(told)) {
  for (const auto& metric : metadata.metrics) metrics.push_back(&metric);
  for (const auto& entry : metadata.checkpointables) {
    auto& each = checkpointables.emplace_back();
    each.info = &entry;
    for (const auto& leaf : entry.second.leaves) each.leaves.push_back(&leaf);
  }
}

namespace {

template <class List>
const typename List::value_type& at(const List& list, std::size_t index) {
  if (index >= list.size()) c::refuse("there are fewer than that: the number is too large");
  return list[index];
}

cairn_leaf describe(const std::string& path, const LeafInfo& info) {
  cairn_leaf leaf{};
  leaf.path = path.c_str();
  leaf.kind = static_cast<cairn_kind>(info.kind);
  leaf.dtype = static_cast<cairn_dtype>(info.dtype);
  leaf.ndims = static_cast<int>(std::min<std::size_t>(info.shape.ndims(), 8));
  c::put_dims(info.shape, leaf.shape);
  c::put_dims(info.shape, leaf.count);
  leaf.bytes = info.bytes;
  leaf.fortran_order = info.fortran_order ? 1 : 0;
  return leaf;
}

}  // namespace

int cairn_metadata_read(const cairn_context* context, const char* path, cairn_metadata** result) {
  return c::guard([&] {
    auto& made = c::need_result(result);
    made = new cairn_metadata(metadata(c::need(context).context, c::text_or_empty(path)));
  });
}

int cairn_metadata_read_local(const char* path, cairn_metadata** result) {
  return c::guard([&] {
    auto& made = c::need_result(result);
    made = new cairn_metadata(metadata(Path(c::text_or_empty(path))));
  });
}

void cairn_metadata_free(cairn_metadata* metadata) {
  delete metadata;
}

int cairn_metadata_get(const cairn_metadata* metadata, cairn_metadata_info* info) {
  return c::guard([&] {
    c::check_size(&c::need(info));
    const auto& from = c::need(metadata).metadata;
    cairn_metadata_info told{};
    told.format_version = from.format_version;
    told.world_size = from.world_size;
    told.library_version = from.library_version.c_str();
    told.created_s = c::seconds_since_1970(from.created);
    told.custom_metadata = from.custom_metadata.text().c_str();
    told.metric_count = from.metrics.size();
    told.checkpointable_count = from.checkpointables.size();
    c::give_struct(info, told);
  });
}

int cairn_metadata_metric(const cairn_metadata* metadata, std::size_t index, cairn_metric* metric) {
  return c::guard([&] {
    const auto& found = *at(c::need(metadata).metrics, index);
    c::need(metric) = {found.first.c_str(), found.second};
  });
}

int cairn_metadata_checkpointable(const cairn_metadata* metadata, std::size_t index,
                                  cairn_checkpointable_info* info) {
  return c::guard([&] {
    c::check_size(&c::need(info));
    const auto& [name, from] = *at(c::need(metadata).checkpointables, index).info;
    cairn_checkpointable_info told{};
    told.name = name.c_str();
    told.handler = from.handler.c_str();
    told.file = from.file.c_str();
    told.bytes = from.bytes;
    told.leaf_count = from.leaves.size();
    told.metadata = from.metadata.text().c_str();
    c::give_struct(info, told);
  });
}

int cairn_metadata_leaf(const cairn_metadata* metadata, std::size_t checkpointable, std::size_t index,
                        cairn_leaf* leaf) {
  return c::guard([&] {
    c::check_size(&c::need(leaf));
    const auto& [path, info] = *at(at(c::need(metadata).checkpointables, checkpointable).leaves, index);
    c::give_struct(leaf, describe(path, info));
  });
}
