#pragma once

#include "array.hpp"
#include "detail/leaf.hpp"
#include "detail/traits.hpp"
#include "error.hpp"

/// \file
/// Trees: what save and load are given. Nothing here is collective; one tree is for one thread at a time.

namespace cairn {
inline namespace CAIRN_ABI {

/// One named value: an array, a variable of the caller's, or a value of its own. Cheap to copy: copies are
/// the same value.
class CAIRN_API Leaf {
 public:
  Leaf() = default;  ///< empty: a save or load of a tree that holds one reports it
  Leaf(Array array) noexcept : rep_(std::move(array.rep_)) {}
  /// An own number, bool, enum or complex number, stored as exactly this type: 5 is i32, 5.0 is f64.
  template <class Value, detail::if_stored<DtypeOf<Value>> = 0>
  Leaf(Value value) : rep_(detail::own(value)) {}
  /// An own string, UTF-8.
  template <class Text, detail::if_text<Text> = 0>
  Leaf(const Text& text) : rep_(detail::own_text(text)) {}

  Kind kind() const noexcept;       ///< `value` of an empty one
  Dtype dtype() const noexcept;     ///< `none` of an empty one
  bool empty() const noexcept;      ///< made by Leaf()
  bool read_only() const noexcept;  ///< bound to const memory: save reads it, load refuses it

  /// Of the array, and of what this rank holds (of several boxes, the first), as it is now. A sharded array's
  /// are global; otherwise they are those of this rank's own value or rows, and start is zeros.
  Dims shape() const;
  Dims start() const;
  Dims count() const;

  /// count()'s values, row-major, of a leaf that owns them (a load's, or an own value); valid while a copy of
  /// the leaf lives. Error(mismatch) where the leaf owns nothing or `Value` is not its type.
  template <class Value>
  const Value* data() const;

  /// A single number (or bool, enum, complex number), own or bound, or a std::string. Numbers are converted
  /// where the value fits: a fraction does not fit an integer. Error(mismatch).
  template <class Value>
  Value get() const;

 private:
  friend struct detail::Access;
  std::shared_ptr<detail::ArrayRep> rep_;
};

/// A variable of the caller's: one number, bool, enum or complex number, equal on every rank; read by save,
/// written by load. It must outlive the tree. (Qualify the call, as for std::ref: of std::byte, both are
/// found.)
template <class Value>
Leaf ref(Value& variable);
template <class Value>
Leaf ref(const Value&& temporary) = delete;
CAIRN_API Leaf ref(std::string& variable);
CAIRN_API Leaf ref(const std::string& variable);
CAIRN_API Leaf ref(std::complex<float>& variable);
CAIRN_API Leaf ref(const std::complex<float>& variable);
CAIRN_API Leaf ref(std::complex<double>& variable);
CAIRN_API Leaf ref(const std::complex<double>& variable);

/// Paths and leaves, ordered by path. A path is names joined by `/`, and is the HDF5 path as well. Copies of
/// a tree share the memory that is bound, and own their values: a load into one does not change the other's.
class CAIRN_API Tree {
 public:
  /// A place in a tree: looking makes nothing, assigning does. It refers to the tree, which must outlive it.
  class CAIRN_API Slot {
   public:
    Slot(const Slot&) = default;
    /// What is at the other place: a leaf, or a group of leaves. Error(not_found) where there is nothing.
    Slot& operator=(const Slot& other);
    Slot& operator=(Leaf leaf);
    /// The tree's leaves, below this path, in the place of what was there.
    Slot& operator=(const Tree& tree);
    /// Say how it is spread over the ranks: sharded, replicated, per_rank, appended; or ref, for one
    /// variable.
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
    Leaf leaf() const;  ///< Error(not_found), with the nearest names

   private:
    friend class Tree;
    Slot(Tree* tree, std::string path);
    Tree* tree_;
    std::string path_;
  };

  /// `["a/b"]` and `["a"]["b"]` are one place; an integer is its decimal name.
  Slot operator[](std::string_view path) &;
  Slot operator[](std::nullptr_t) & = delete;
  template <class Int, detail::if_index<Int> = 0>
  Slot operator[](Int index) & {
    return (*this)[std::string_view(std::to_string(index))];
  }

  Leaf at(std::string_view path) const;                 ///< Error(not_found), with the nearest names
  bool contains(std::string_view path) const noexcept;  ///< a leaf, or a group of leaves
  /// The leaves below `path`, by the rest of their paths; empty where there is no such group. "": all.
  Tree subtree(std::string_view path) const;
  /// Takes out the leaf at `path` and all below it; false where there was nothing.
  bool erase(std::string_view path);

  bool empty() const noexcept { return leaves_.empty(); }
  std::size_t size() const noexcept { return leaves_.size(); }  ///< how many leaves
  /// std::pair<const std::string, Leaf>, ordered by path.
  auto begin() const noexcept { return leaves_.begin(); }
  auto end() const noexcept { return leaves_.end(); }

 private:
  friend struct detail::Access;
  std::map<std::string, Leaf, std::less<>> leaves_;
};

template <class Value>
const Value* Leaf::data() const {
  detail::check_element<Value>();
  return static_cast<const Value*>(detail::values_of(rep_.get(), DtypeOf<Value>::value));
}

template <class Value>
Value Leaf::get() const {
  if constexpr (std::is_same_v<Value, std::string>) {
    return detail::copy_text(rep_.get());
  } else {
    detail::check_element<Value>();
    Value value{};
    detail::copy_value(rep_.get(), DtypeOf<Value>::value, std::addressof(value));
    return value;
  }
}

template <class Value>
Leaf ref(Value& variable) {
  static_assert(
      detail::shape_of<Value>() == detail::Shape::scalar,
      "cairn::ref binds one number, bool, enum or string: for arrays say how they are spread over the ranks "
      "(sharded, replicated, per_rank, appended)");
  return Leaf(detail::bind_whole(Kind::value, variable, Dims()));
}

}  // namespace CAIRN_ABI
}  // namespace cairn
