#include "c/handles.hpp"

#include <cstdlib>
#include <optional>

namespace cairn::c {
namespace {

struct LastError {
  std::optional<Error> error = {};
  std::string why = {};  // given to cairn_fail
};

LastError& last() {
  thread_local LastError last;
  return last;
}

int keep(const Error& error) {
  last().error.emplace(error);
  return static_cast<int>(error.code());
}

}  // namespace

int keep_error() noexcept {
  try {
    try {
      throw;
    } catch (const Error& error) {
      return keep(error);
    } catch (const std::bad_alloc&) {
      return keep(Error(ErrorCode::out_of_memory, "no memory"));
    } catch (const std::exception& error) {
      return keep(Error(ErrorCode::internal, error.what()));
    } catch (...) {
      return keep(Error(ErrorCode::internal, "something that is no std::exception was thrown"));
    }
  } catch (...) {
    return CAIRN_OUT_OF_MEMORY;
  }
}

void refuse(const char* message) {
  throw Error(ErrorCode::invalid_argument, message);
}

void call_back(const char* name, const std::function<int()>& callback) {
  last().error.reset();
  last().why.clear();
  const int code = callback();
  if (code == 0) return;
  if (!last().why.empty()) throw Error(ErrorCode::internal, last().why);
  if (last().error && static_cast<int>(last().error->code()) == code) throw Error(*last().error);
  throw Error(ErrorCode::internal,
              std::string("the callback `") + name + "` returned " + std::to_string(code));
}

}  // namespace cairn::c

using namespace cairn;

const char* cairn_error_name(int code) {
  return to_string(static_cast<ErrorCode>(code));
}

const char* cairn_last_error(void) {
  const auto& error = c::last().error;
  return error ? error->what() : "";
}

int cairn_last_error_code(void) {
  const auto& error = c::last().error;
  return error ? static_cast<int>(error->code()) : CAIRN_OK;
}

int cairn_last_error_errno(void) {
  const auto& error = c::last().error;
  return error ? error->system_error() : 0;
}

int cairn_last_error_rank(void) {
  const auto& error = c::last().error;
  return error ? error->rank() : -1;
}

const char* cairn_last_error_path(void) {
  const auto& error = c::last().error;
  return error ? error->path().c_str() : "";
}

int cairn_fail(const char* message) {
  (void)c::guard([&] { c::last().why = c::text_or_empty(message); });
  return CAIRN_INTERNAL;
}
