#pragma once

#include "cairn/cairn.h"
#include "cairn/cairn.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What is behind the handles of cairn.h, and how its functions turn exceptions into codes.

struct cairn_context {
  cairn::Context context;
};
struct cairn_tree {
  cairn::Tree tree;
};
struct cairn_response {
  cairn::AsyncResponse response;
};
struct cairn_save_policy {
  cairn::SavePolicy policy;
};
struct cairn_keep_policy {
  cairn::KeepPolicy policy;
};
struct cairn_text {
  std::string text;
};
struct cairn_metadata {
  explicit cairn_metadata(cairn::Metadata told);
  cairn::Metadata metadata;
  std::vector<const cairn::Metrics::value_type*> metrics = {};
  struct Checkpointable {
    const std::pair<const std::string, cairn::CheckpointableInfo>* info = nullptr;
    std::vector<const std::pair<const std::string, cairn::LeafInfo>*> leaves = {};
  };
  std::vector<Checkpointable> checkpointables = {};
};
struct cairn_checkpointables {
  cairn::Checkpointables things = {};
  std::vector<std::pair<std::string, std::shared_ptr<std::string>>> json = {};
};

namespace cairn::c {

/// Keeps the exception in flight as this thread's last error, and returns its code.
int keep_error() noexcept;

/// Runs the body of a function of cairn.h.
template <class Body>
int guard(Body&& body) noexcept {
  try {
    body();
    return CAIRN_OK;
  } catch (...) {
    return keep_error();
  }
}

[[noreturn]] void refuse(const char* message);

template <class Handle>
Handle& need(Handle* handle) {
  if (handle == nullptr) refuse("a handle, or a pointer that is required, is NULL");
  return *handle;
}

/// Where a new handle goes; NULL until then.
template <class Handle>
Handle*& need_result(Handle** result) {
  need(result) = nullptr;
  return *result;
}

inline const char* text_or_empty(const char* text) noexcept {
  return text != nullptr ? text : "";
}

template <class Value, class Told>
void give(Value* result, const Told& value) noexcept {
  if (result != nullptr) *result = static_cast<Value>(value);
}

/// A copy of text for the caller, who calls cairn_free.
char* copy_text(std::string_view text);

/// Refuses a struct that CAIRN_INIT has not seen; null is ordinary.
template <class Struct>
void check_size(const Struct* given) {
  constexpr std::size_t most = 1u << 16;
  if (given != nullptr && (given->struct_size < sizeof(std::size_t) || given->struct_size > most))
    refuse("a struct was not made ready by CAIRN_INIT");
}

/// A struct as this version knows it, from a caller who may know another.
template <class Struct>
Struct take(const Struct* given) {
  check_size(given);
  Struct taken{};
  if (given != nullptr) std::memcpy(&taken, given, std::min(given->struct_size, sizeof(Struct)));
  return taken;
}

/// The same the other way; `out` has been checked, and may be null.
template <class Struct>
void give_struct(Struct* out, Struct value) noexcept {
  if (out == nullptr) return;
  value.struct_size = out->struct_size;
  std::memcpy(out, &value, std::min(out->struct_size, sizeof(Struct)));
}

/// Points into `report`.
cairn_report view_of(const Report& report) noexcept;
/// Points into a copy that this thread keeps.
void give_report(cairn_report* out, Report report);

Metrics metrics_of(const cairn_metric* metrics, std::size_t count);
Json json_of(const char* text);
SaveOptions options_of(const cairn_save_options* given);
LoadOptions options_of(const cairn_load_options* given);

/// More than eight are counted, as Dims does; a negative number becomes one extent that is refused.
Dims dims_of(int ndims, const std::int64_t* extents);
void put_dims(const Dims& dims, std::int64_t (&out)[8]) noexcept;

/// Calls a callback of the program's, and throws what its answer says: an Error(internal) with the message of
/// cairn_fail, or the error of a function of cairn.h that failed within, whose code it returned.
void call_back(const char* name, const std::function<int()>& callback);

double seconds_since_1970(std::chrono::system_clock::time_point time) noexcept;

}  // namespace cairn::c
