#include "tree/array_rep.hpp"
#include "tree/box.hpp"
#include "tree/path.hpp"

#include <cstdlib>
#include <cstring>
#include <new>

namespace cairn {
inline namespace CAIRN_ABI {
namespace detail {
namespace {

View look_at_string(const void* object) {
  const auto& text = *static_cast<const std::string*>(object);
  return {text.data(), Form::flat, Dims{text.size()}, {}};
}

void resize_string(void* object, const Dims& extents) {
  static_cast<std::string*>(object)->resize(static_cast<std::size_t>(extents[0]));
}

const char* to_string(Kind kind) {
  switch (kind) {
    case Kind::value:
      return "a single value";
    case Kind::sharded:
      return "sharded";
    case Kind::replicated:
      return "replicated";
    case Kind::per_rank:
      return "per_rank";
    case Kind::appended:
      return "appended";
  }
  return "unknown";
}

std::shared_ptr<ArrayRep> own(Source source, std::uint64_t bytes) {
  auto rep = make_array(Kind::value, source.dtype, source.element_bytes, {});
  rep->owns = true;
  rep->owned_bytes = bytes;
  rep->shards.push_back({std::move(source), {}, {}});
  return rep;
}

}  // namespace

std::shared_ptr<ArrayRep> make_array(Kind kind, Dtype dtype, std::size_t element_bytes, const Dims& shape) {
  auto rep = std::make_shared<ArrayRep>();
  rep->kind = kind;
  rep->dtype = dtype;
  rep->element_bytes = element_bytes;
  rep->shape = shape;
  return rep;
}

void add_shard(ArrayRep& array, Source source, const Slab& slab, const Memory& memory) {
  const auto complain = [&](const std::string& problem) { array.problems.push_back("also(): " + problem); };
  if (array.kind != Kind::sharded && !array.shards.empty())
    return complain(std::string("adds boxes to sharded arrays, and this one is ") + to_string(array.kind));
  if (source.dtype != array.dtype)
    return complain(std::string("elements of ") + cairn::to_string(source.dtype) + " in an array of " +
                    cairn::to_string(array.dtype));
  if (slab.shape.ndims() != 0 && slab.shape != array.shape)
    return complain("names the shape " + tree::to_string(slab.shape) + ", and the array's is " +
                    tree::to_string(array.shape) + ": leave slab.shape out");
  array.shards.push_back({std::move(source), slab, memory});
}

Source allocate(Dtype dtype, std::size_t element_bytes, std::uint64_t bytes) {
  Source source;
  source.kept = std::shared_ptr<void>(std::calloc(bytes == 0 ? 1 : bytes, 1), std::free);
  if (source.kept == nullptr) throw std::bad_alloc();
  source.object = source.kept.get();
  source.view = look_at_pointer;
  source.dtype = dtype;
  source.element_bytes = element_bytes;
  return source;
}

Source bind_string(const std::string& variable) {
  Source source;
  source.object = &variable;
  source.view = look_at_string;
  source.dtype = Dtype::string;
  source.element_bytes = 1;
  source.read_only = true;
  return source;
}

Source bind_string(std::string& variable) {
  Source source = bind_string(std::as_const(variable));
  source.resize = resize_string;
  source.read_only = false;
  return source;
}

Source keep_string(std::string text) {
  auto kept = std::make_shared<std::string>(std::move(text));
  Source source = bind_string(*kept);
  source.kept = std::move(kept);
  return source;
}

std::shared_ptr<ArrayRep> own_bytes(const void* value, Dtype dtype, std::size_t bytes) {
  Source source = allocate(dtype, bytes, bytes);
  std::memcpy(source.kept.get(), value, bytes);
  return own(std::move(source), bytes);
}

std::shared_ptr<ArrayRep> own_string(std::string_view text) {
  auto rep = own(keep_string(std::string(text)), text.size());
  if (!tree::is_utf8(text))
    rep->problems.emplace_back(
        "is text that is not UTF-8: convert it, or bind its bytes as an array of char");
  return rep;
}

std::shared_ptr<ArrayRep> own_null_text() {
  auto rep = own_string({});
  rep->problems.emplace_back("is text from a null pointer");
  return rep;
}

namespace {

Leaf bind_value(Source source) {
  auto rep = make_array(Kind::value, source.dtype, source.element_bytes, {});
  add_shard(*rep, std::move(source), {}, {});
  return Access::leaf(std::move(rep));
}

}  // namespace
}  // namespace detail

Leaf ref(std::string& variable) {
  return detail::bind_value(detail::bind_string(variable));
}
Leaf ref(const std::string& variable) {
  return detail::bind_value(detail::bind_string(variable));
}
Leaf ref(std::complex<float>& variable) {
  return detail::bind_value(detail::bind(variable));
}
Leaf ref(const std::complex<float>& variable) {
  return detail::bind_value(detail::bind(variable));
}
Leaf ref(std::complex<double>& variable) {
  return detail::bind_value(detail::bind(variable));
}
Leaf ref(const std::complex<double>& variable) {
  return detail::bind_value(detail::bind(variable));
}

}  // namespace CAIRN_ABI
}  // namespace cairn
