#pragma once

#include "array.hpp"
#include "detail/traits.hpp"
#include "error.hpp"

namespace cairn {
inline namespace CAIRN_ABI {

class CAIRN_API
    Leaf {  // one named value: an array, a variable of the caller's, or a value of its own. Cheap to copy
 public:
  Leaf() = default;
  Leaf(Array array) noexcept : rep_(std::move(array.rep_)) {}
  template <class Value, detail::if_stored<DtypeOf<Value>> = 0>
  Leaf(Value value) : rep_(detail::own(value)) {}  // exactly this type: 5 is i32, 5.0 f64
  template <class Text, detail::if_text<Text> = 0>
  Leaf(const Text& text) : rep_(detail::own_text(text)) {}
  Kind kind() const noexcept;
  Dtype dtype() const noexcept;
  bool empty() const noexcept,
      read_only() const noexcept;  // read_only: bound to const memory; save reads it, load refuses it
  Dims shape() const, start() const, count() const;  // of the array, and of what this rank holds
  template <class Value>
  const Value* data()
      const;  // of an owning leaf: count()'s values, row-major, while a copy of it lives; Error(mismatch)
  template <class Value>
  Value get() const;  // a number or std::string; Error(mismatch) where it does not fit
 private:
  friend struct detail::Access;
  std::shared_ptr<detail::ArrayRep> rep_;
};
template <class Value>
Leaf ref(Value& variable);  // one number, bool or enum, equal on every rank
template <class Value>
Leaf ref(const Value&& temporary) = delete;
CAIRN_API Leaf ref(std::string&variable), ref(const std::string&variable), ref(std::complex<float>&variable),
    ref(std::complex<double>&variable);  // no templates: std::ref loses
class CAIRN_API Tree {  // paths -> leaves, ordered by path. Copies share bound memory and own their values
 public:
  class CAIRN_API Slot {  // a place in a tree: looking makes nothing, assigning does
   public:
    Slot(const Slot&) = default;
    Slot& operator=(const Slot& other);
    Slot& operator=(Leaf leaf);
    Slot& operator=(const Tree& tree);  // a tree: its leaves, below this path
    template <class Data, detail::if_not<Data, Leaf> = 0>
    Slot& operator=(const Data&) = delete;  // say how it is spread: sharded, replicated, per_rank, appended
    Slot operator[](std::string_view name) const;
    Slot operator[](std::nullptr_t) const = delete;
    template <class Int, detail::if_index<Int> = 0>
    Slot operator[](Int index) const {
      return (*this)[std::string_view(std::to_string(index))];
    }
    template <class Value>
    Value get() const {
      return leaf().template get<Value>();
    }
    Leaf leaf() const;  // Error(not_found)
   private:
    friend class Tree;
    Slot(Tree* tree, std::string path);
    Tree* tree_;
    std::string path_;
  };
  Slot operator[](std::string_view path) &;
  Slot operator[](std::nullptr_t) & = delete;  // ["a/b"] and ["a"]["b"] are one place
  template <class Int, detail::if_index<Int> = 0>
  Slot operator[](Int index) & {
    return (*this)[std::string_view(std::to_string(index))];
  }
  Leaf at(std::string_view path) const;                 // Error(not_found), with the nearest names
  bool contains(std::string_view path) const noexcept;  // a leaf, or a group of leaves
  Tree subtree(std::string_view path) const;
  bool erase(std::string_view path);
  bool empty() const noexcept { return leaves_.empty(); }
  std::size_t size() const noexcept { return leaves_.size(); }
  auto begin() const noexcept { return leaves_.begin(); }
  auto end() const noexcept { return leaves_.end(); }  // std::pair<const std::string, Leaf>
 private:
  friend struct detail::Access;
  std::map<std::string, Leaf, std::less<>> leaves_;
};

}  // namespace CAIRN_ABI
}  // namespace cairn
