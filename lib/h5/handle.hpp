#pragma once

#include "cairn/error.hpp"

#include <string>
#include <string_view>
#include <utility>

#include <hdf5.h>

/// RAII for HDF5's ids, and HDF5's errors as cairn::Error. On the caller's thread only.
namespace cairn::h5 {

/// An HDF5 id, closed by the destructor (which swallows errors; use `close` where they matter).
template <herr_t (*Close)(hid_t)>
class Handle {
 public:
  Handle() = default;
  explicit Handle(hid_t id) noexcept : id_(id) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) {
      reset();
      id_ = std::exchange(other.id_, H5I_INVALID_HID);
    }
    return *this;
  }
  ~Handle() { reset(); }
  explicit operator bool() const noexcept { return id_ >= 0; }
  hid_t get() const noexcept { return id_; }
  /// Closes now; what H5*close returns.
  herr_t close() noexcept { return id_ >= 0 ? Close(std::exchange(id_, H5I_INVALID_HID)) : 0; }

 private:
  void reset() noexcept {
    if (id_ >= 0) Close(id_);
    id_ = H5I_INVALID_HID;
  }
  hid_t id_ = H5I_INVALID_HID;
};
using FileId = Handle<H5Fclose>;
using GroupId = Handle<H5Gclose>;
using DatasetId = Handle<H5Dclose>;
using SpaceId = Handle<H5Sclose>;
using TypeId = Handle<H5Tclose>;
using PropertyId = Handle<H5Pclose>;
using AttributeId = Handle<H5Aclose>;

/// While it lives, HDF5 prints no errors; the application's printing is put back afterwards.
class QuietErrors {
 public:
  QuietErrors() noexcept;
  ~QuietErrors();
  QuietErrors(const QuietErrors&) = delete;
  QuietErrors& operator=(const QuietErrors&) = delete;

 private:
  bool restore_ = false;
#ifndef H5_NO_DEPRECATED_SYMBOLS
  bool version_1_ = false;
  H5E_auto1_t print_1_ = nullptr;
#endif
  H5E_auto2_t print_ = nullptr;
  void* data_ = nullptr;
};

/// HDF5's error stack as one line, outermost call first, and cleared. Empty where there is none.
std::string take_error_text();

/// Throws `code` with "cannot <what> '<name>': <the error stack>".
[[noreturn]] void fail(ErrorCode code, std::string_view what, std::string_view name = {});

/// The result of an HDF5 call, or, where that is negative, Error(internal): for calls that only a bug or
/// damaged bytes can make fail.
template <class Result>
Result check(Result result, std::string_view what, std::string_view name = {}) {
  if (result < 0) fail(ErrorCode::internal, what, name);
  return result;
}

/// The same for calls that return an id.
template <class Owner>
Owner own(hid_t id, std::string_view what, std::string_view name = {}) {
  return Owner(check(id, what, name));
}

}  // namespace cairn::h5
