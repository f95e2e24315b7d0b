#include "c/handles.hpp"

#include <cstdlib>

namespace cairn::c {

static_assert(CAIRN_INTERNAL == static_cast<int>(ErrorCode::internal));
static_assert(CAIRN_F64 == static_cast<int>(Dtype::f64) && CAIRN_STRING == static_cast<int>(Dtype::string));
static_assert(CAIRN_APPENDED == static_cast<int>(Kind::appended));
static_assert(CAIRN_CAST_ANY == static_cast<int>(Cast::any));
static_assert(CAIRN_HIGHEST == static_cast<int>(Best::highest));
static_assert(CAIRN_STATE_REPLICATED == static_cast<int>(StateScope::replicated));

char* copy_text(std::string_view text) {
  auto* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  return copy;
}

cairn_report view_of(const Report& report) noexcept {
  cairn_report view{};
  view.struct_size = sizeof(view);
  view.operation = report.operation.c_str();
  view.path = report.path.c_str();
  view.bytes = report.bytes;
  view.verified_bytes = report.verified_bytes;
  view.leaves = report.leaves;
  view.plan_s = report.plan_s;
  view.layout_s = report.layout_s;
  view.snapshot_s = report.snapshot_s;
  view.write_s = report.write_s;
  view.commit_s = report.commit_s;
  view.blocked_s = report.blocked_s;
  view.background_s = report.background_s;
  view.slowest_rank = report.slowest_rank;
  view.slowest_host = report.slowest_host.c_str();
  return view;
}

void give_report(cairn_report* out, Report report) {
  if (out == nullptr) return;
  thread_local Report kept;
  kept = std::move(report);
  give_struct(out, view_of(kept));
}

Metrics metrics_of(const cairn_metric* metrics, std::size_t count) {
  Metrics result;
  for (std::size_t i = 0; metrics != nullptr && i < count; ++i)
    result[text_or_empty(metrics[i].name)] = metrics[i].value;
  return result;
}

Json json_of(const char* text) {
  return text == nullptr ? Json() : Json::parse(text);
}

SaveOptions options_of(const cairn_save_options* given) {
  const auto taken = take(given);
  SaveOptions options;
  if (taken.checkpointable_name != nullptr) options.checkpointable_name = taken.checkpointable_name;
  options.overwrite = taken.overwrite != 0;
  options.custom_metadata = json_of(taken.custom_metadata);
  options.metrics = metrics_of(taken.metrics, taken.metric_count);
  return options;
}

LoadOptions options_of(const cairn_load_options* given) {
  const auto taken = take(given);
  LoadOptions options;
  if (taken.checkpointable_name != nullptr) options.checkpointable_name = taken.checkpointable_name;
  options.partial = taken.partial != 0;
  options.cast = static_cast<Cast>(taken.cast);
  for (std::size_t i = 0; taken.renames != nullptr && i < taken.rename_count; ++i)
    options.rename[text_or_empty(taken.renames[i].tree_path)] = text_or_empty(taken.renames[i].file_path);
  options.whole = taken.whole != 0;
  options.deal_per_rank = taken.deal_per_rank != 0;
  return options;
}

Dims dims_of(int ndims, const std::int64_t* extents) {
  Dims dims;
  if (ndims < 0) return Dims{ndims};
  for (int dim = 0; extents != nullptr && dim < ndims; ++dim)
    dims.push_back(dim < 8 ? extents[dim] : std::int64_t{0});
  return dims;
}

void put_dims(const Dims& dims, std::int64_t (&out)[8]) noexcept {
  std::copy(dims.begin(), dims.end(), out);
}

double seconds_since_1970(std::chrono::system_clock::time_point time) noexcept {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

}  // namespace cairn::c

using namespace cairn;

void cairn_init(void* options, std::size_t size) {
  if (options == nullptr) return;
  std::memset(options, 0, size);
  std::memcpy(options, &size, std::min(size, sizeof(size)));
}

void cairn_free(char* text) {
  std::free(text);
}

int cairn_text_set(cairn_text* text, const char* value) {
  return c::guard([&] { c::need(text).text = c::text_or_empty(value); });
}

const char* cairn_version(void) {
  return CAIRN_VERSION;
}

std::size_t cairn_dtype_size(cairn_dtype dtype) {
  return size_of(static_cast<Dtype>(dtype));
}

const char* cairn_dtype_name(cairn_dtype dtype) {
  return to_string(static_cast<Dtype>(dtype));
}
