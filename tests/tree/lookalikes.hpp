#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <vector>

/// Classes that offer what std::mdspan, Kokkos views, std::span and their kin offer, for tests without them.
namespace lookalikes {

/// As std::mdspan<Value, dextents<2>, layout_stride>.
template <class Value>
class Mdspan {
 public:
  using element_type = Value;
  Mdspan(Value* data, std::array<std::size_t, 2> extents, std::array<std::size_t, 2> strides)
      : data_(data), extents_(extents), strides_(strides) {}
  static constexpr std::size_t rank() noexcept { return 2; }
  std::size_t extent(std::size_t dim) const { return extents_[dim]; }
  std::size_t stride(std::size_t dim) const { return strides_[dim]; }
  std::size_t size() const { return extents_[0] * extents_[1]; }
  Value* data_handle() const { return data_; }

 private:
  Value* data_;
  std::array<std::size_t, 2> extents_, strides_;
};

/// As std::mdarray: extents and strides, but it owns its elements.
template <class Value>
class Mdarray {
 public:
  using container_type = std::vector<Value>;
  Mdarray(std::size_t rows, std::size_t cols) : data_(rows * cols), cols_(cols) {}
  static constexpr std::size_t rank() noexcept { return 2; }
  std::size_t extent(std::size_t dim) const { return dim == 0 ? data_.size() / cols_ : cols_; }
  std::size_t stride(std::size_t dim) const { return dim == 0 ? cols_ : 1; }
  Value* data() { return data_.data(); }
  const Value* data() const { return data_.data(); }

 private:
  container_type data_;
  std::size_t cols_;
};

/// As Kokkos::View<Value**, LayoutLeft>: copies share memory that is counted, and the rank is a number.
template <class Value>
class KokkosView {
 public:
  static constexpr int rank = 2;
  KokkosView(int rows, int cols)
      : data_(new Value[static_cast<std::size_t>(rows * cols)]()), rows_(rows), cols_(cols) {}
  int extent(int dim) const { return dim == 0 ? rows_ : cols_; }
  std::ptrdiff_t stride(int dim) const { return dim == 0 ? 1 : rows_; }
  std::size_t size() const { return static_cast<std::size_t>(rows_ * cols_); }
  Value* data() const { return data_.get(); }
  Value& operator()(int row, int col) const { return data_[static_cast<std::size_t>(row + col * rows_)]; }
  long owners() const { return data_.use_count(); }

 private:
  std::shared_ptr<Value[]> data_;
  int rows_, cols_;
};

/// As std::span.
template <class Value>
struct Span {
  using element_type = Value;
  Value* first;
  std::size_t length;
  Value* data() const { return first; }
  std::size_t size() const { return length; }
};

/// A field with a halo that knows nothing of Cairn; ArrayTraits says how.
struct Field {
  std::vector<double> raw = std::vector<double>(30);
  std::int64_t rows = 5, cols = 6;
};

/// A handle: copies are the same memory.
struct Handle {
  std::shared_ptr<std::vector<int>> shared;
};

/// A container whose data() fails.
struct Failing {
  int* data() { throw std::runtime_error("it is on fire"); }
  std::size_t size() const { return 1; }
};

}  // namespace lookalikes
