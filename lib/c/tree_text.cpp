#include "c/handles.hpp"
#include "tree/array_rep.hpp"

using namespace cairn;

namespace {

/// Text in a buffer of the caller's: with a zero byte behind it, or with blanks up to the end.
struct TextBuffer {
  char* data;
  std::size_t capacity;
  bool padded;

  std::size_t bytes() const {
    if (data == nullptr) return 0;
    if (!padded) return static_cast<std::size_t>(std::find(data, data + capacity, '\0') - data);
    const std::string_view all(data, capacity);
    return all.find_last_not_of(' ') + 1;
  }
};

detail::View look_at_buffer(const void* object) {
  const auto& buffer = *static_cast<const TextBuffer*>(object);
  return {buffer.data, detail::Form::flat, Dims{buffer.bytes()}, {}};
}

/// Makes the text as long as that, of any characters; it stays as it is where it has no room.
void resize_buffer(void* object, const Dims& extents) {
  auto& buffer = *static_cast<TextBuffer*>(object);
  const auto bytes = static_cast<std::size_t>(extents[0]);
  if (bytes + (buffer.padded ? 0 : 1) > buffer.capacity) return;
  std::memset(buffer.data, 'x', bytes);
  if (buffer.padded)
    std::memset(buffer.data + bytes, ' ', buffer.capacity - bytes);
  else
    buffer.data[bytes] = '\0';
}

int ref_text(cairn_tree* tree, const char* path, char* data, std::size_t capacity, bool padded) {
  return c::guard([&] {
    auto kept = std::make_shared<TextBuffer>(TextBuffer{data, capacity, padded});
    detail::Source source;
    source.object = kept.get();
    source.kept = std::move(kept);
    source.view = look_at_buffer;
    source.resize = resize_buffer;
    source.dtype = Dtype::string;
    source.element_bytes = 1;
    auto rep = detail::make_array(Kind::value, Dtype::string, 1, {});
    if (data == nullptr || (capacity == 0 && !padded))
      rep->problems.emplace_back("is text in a buffer that is NULL, or has no room for a zero byte");
    detail::add_shard(*rep, std::move(source), {}, {});
    c::need(tree).tree[c::text_or_empty(path)] = detail::Access::leaf(std::move(rep));
  });
}

}  // namespace

int cairn_tree_ref_text(cairn_tree* tree, const char* path, char* buffer, std::size_t capacity) {
  return ref_text(tree, path, buffer, capacity, false);
}

int cairn_tree_ref_padded(cairn_tree* tree, const char* path, char* buffer, std::size_t capacity) {
  return ref_text(tree, path, buffer, capacity, true);
}
