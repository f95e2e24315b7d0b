#include "c/handles.hpp"
#include "c/objects.hpp"
#include "comm/fortran_handle.hpp"

using namespace cairn;

struct cairn_scope {
  HandlerScope& scope;
  std::exception_ptr failure = {};  // of cairn_scope_agree, whatever the callback then returned
};

namespace {

/// A handler that is made of callbacks.
class CalledHandler : public Handler {
 public:
  explicit CalledHandler(const cairn_handler& calls)
      : calls_(calls),
        arg_(calls.arg,
             [destroy = calls.destroy](void* arg) {
               if (destroy != nullptr) destroy(arg);
             }),
        type_(c::text_or_empty(calls.type)) {}

  std::string type() const override { return type_; }

  bool handles(const Checkpointable& thing) const override {
    const auto* object = thing.get_if<c::ForeignObject>();
    if (object == nullptr) return false;
    return calls_.handles != nullptr ? calls_.handles(calls_.arg, object->type.c_str()) != 0
                                     : object->type == type_;
  }

  std::function<void()> save(HandlerScope& scope, const Checkpointable& thing) override {
    if (calls_.save == nullptr) c::refuse("its handler cannot save: cairn_handler::save is NULL");
    void* job = nullptr;
    run("save", scope, [&](cairn_scope& shown) {
      return calls_.save(calls_.arg, &shown, thing.get_if<c::ForeignObject>()->object, &job);
    });
    std::shared_ptr<void> kept(job, [calls = calls_, arg = arg_](void* done) {
      if (done != nullptr && calls.release != nullptr) calls.release(calls.arg, done);
    });
    if (calls_.write == nullptr) return {};
    return
        [calls = calls_, kept] { c::call_back("write", [&] { return calls.write(calls.arg, kept.get()); }); };
  }

  void load(HandlerScope& scope, const Checkpointable& thing) override {
    if (calls_.load == nullptr) c::refuse("its handler cannot load: cairn_handler::load is NULL");
    run("load", scope, [&](cairn_scope& shown) {
      return calls_.load(calls_.arg, &shown, thing.get_if<c::ForeignObject>()->object);
    });
  }

  Json metadata(const Path& file) const override {
    if (calls_.metadata == nullptr) return {};
    cairn_text text;
    c::call_back("metadata", [&] { return calls_.metadata(calls_.arg, file.c_str(), &text); });
    return Json::parse(text.text);
  }

 private:
  template <class Call>
  static void run(const char* name, HandlerScope& scope, const Call& call) {
    cairn_scope shown{scope};
    c::call_back(name, [&] {
      const int code = call(shown);
      if (shown.failure) std::rethrow_exception(shown.failure);
      return code;
    });
  }

  cairn_handler calls_;
  std::shared_ptr<void> arg_;  // destroyed after the last job
  std::string type_;
};

}  // namespace

MPI_Comm cairn_scope_comm(const cairn_scope* scope) {
  return scope == nullptr ? MPI_COMM_NULL : scope->scope.context().comm();
}

MPI_Fint cairn_scope_comm_f(const cairn_scope* scope) {
  return comm::to_fortran(cairn_scope_comm(scope));
}

int cairn_scope_file(const cairn_scope* scope, const char* suffix, char** path) {
  return c::guard([&] {
    auto& result = c::need_result(path);
    result = c::copy_text(c::need(scope).scope.file(c::text_or_empty(suffix)).native());
  });
}

int cairn_scope_agree(cairn_scope* scope, int (*local_step)(void* arg), void* arg) {
  return c::guard([&] {
    auto& shown = c::need(scope);
    try {
      shown.scope.agree([&] {
        if (local_step != nullptr) c::call_back("local_step", [&] { return local_step(arg); });
      });
    } catch (...) {
      shown.failure = std::current_exception();
      throw;
    }
  });
}

int cairn_context_add_handler(cairn_context* context, const cairn_handler* handler, const char* bound_name) {
  return c::guard([&] {
    const auto made = std::make_shared<CalledHandler>(c::take(&c::need(handler)));
    c::need(context).context.handlers.add(made, c::text_or_empty(bound_name));
  });
}
