#include "h5/handle.hpp"

namespace cairn::h5 {

QuietErrors::QuietErrors() noexcept {
#ifndef H5_NO_DEPRECATED_SYMBOLS
  unsigned is_version_2 = 1;
  if (H5Eauto_is_v2(H5E_DEFAULT, &is_version_2) >= 0 && is_version_2 == 0) {
    version_1_ = true;
    restore_ = H5Eget_auto1(&print_1_, &data_) >= 0 && H5Eset_auto1(nullptr, nullptr) >= 0;
    return;
  }
#endif
  restore_ =
      H5Eget_auto2(H5E_DEFAULT, &print_, &data_) >= 0 && H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) >= 0;
}

QuietErrors::~QuietErrors() {
  if (!restore_) return;
#ifndef H5_NO_DEPRECATED_SYMBOLS
  if (version_1_) {
    H5Eset_auto1(print_1_, data_);
    return;
  }
#endif
  H5Eset_auto2(H5E_DEFAULT, print_, data_);
}

namespace {

herr_t append_entry(unsigned, const H5E_error2_t* entry, void* data) {
  try {
    auto& text = *static_cast<std::string*>(data);
    const char* description = entry->desc != nullptr ? entry->desc : "";
    if (!text.empty()) text += "; ";
    text += entry->func_name != nullptr ? entry->func_name : "HDF5";
    if (*description != '\0') text.append(": ").append(description);
    return 0;
  } catch (...) {
    return -1;
  }
}

}  // namespace

std::string take_error_text() {
  std::string text;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, append_entry, &text);
  H5Eclear2(H5E_DEFAULT);
  return text;
}

void fail(ErrorCode code, std::string_view what, std::string_view name) {
  std::string message = "HDF5 cannot " + std::string(what);
  if (!name.empty()) message += " '" + std::string(name) + "'";
  if (const auto text = take_error_text(); !text.empty()) message += ": " + text;
  throw Error(code, message);
}

}  // namespace cairn::h5
