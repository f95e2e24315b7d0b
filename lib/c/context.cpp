#include "base/env.hpp"
#include "c/handles.hpp"
#include "comm/fortran_handle.hpp"

using namespace cairn;

namespace {

constexpr std::string_view hints = "io.hints.";

/// The name of the hint, or nothing.
std::string hint_of(std::string_view option) {
  return option.substr(0, hints.size()) == hints ? std::string(option.substr(hints.size())) : std::string();
}

}  // namespace

int cairn_context_create(MPI_Comm comm, cairn_context** context) {
  return c::guard([&] { c::need_result(context) = new cairn_context{Context(comm)}; });
}

int cairn_context_create_f(MPI_Fint comm, cairn_context** context) {
  return cairn_context_create(comm::from_fortran(comm), context);
}

void cairn_context_free(cairn_context* context) {
  delete context;
}

MPI_Comm cairn_context_comm(const cairn_context* context) {
  return context == nullptr ? MPI_COMM_NULL : context->context.comm();
}

int cairn_context_set(cairn_context* context, const char* option, const char* text) {
  return c::guard([&] {
    Options& options = c::need(context).context;
    const std::string_view name(&c::need(option)), value(&c::need(text));
    if (const auto hint = hint_of(name); !hint.empty())
      options.io.hints[hint] = value;
    else
      base::set_option(options, name, value);
  });
}

int cairn_context_get(const cairn_context* context, const char* option, char** text) {
  return c::guard([&] {
    auto& result = c::need_result(text);
    const Options& options = c::need(context).context;
    const std::string_view name(&c::need(option));
    if (const auto hint = hint_of(name); !hint.empty()) {
      const auto found = options.io.hints.find(hint);
      result = c::copy_text(found == options.io.hints.end() ? std::string() : found->second);
    } else {
      result = c::copy_text(base::get_option(options, name));
    }
  });
}

int cairn_context_set_device_stream(cairn_context* context, void* stream) {
  return c::guard([&] { c::need(context).context.device.stream = stream; });
}

int cairn_context_set_nccl(cairn_context* context, void* nccl) {
  return c::guard([&] { c::need(context).context.device.nccl = nccl; });
}

int cairn_context_on_report(cairn_context* context, cairn_report_fn callback, void* arg) {
  return c::guard([&] {
    auto& on_report = c::need(context).context.log.on_report;
    if (callback == nullptr) {
      on_report = {};
      return;
    }
    on_report = [callback, arg](const Report& report) {
      const auto view = c::view_of(report);
      callback(&view, arg);
    };
  });
}
