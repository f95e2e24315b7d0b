#include "c/handles.hpp"

using namespace cairn;

int cairn_save(const cairn_context* context, const char* path, const cairn_tree* tree,
               const cairn_save_options* options, cairn_report* report) {
  return c::guard([&] {
    c::check_size(report);
    c::give_report(report, save(c::need(context).context, c::text_or_empty(path), c::need(tree).tree,
                                c::options_of(options)));
  });
}

int cairn_save_async(const cairn_context* context, const char* path, const cairn_tree* tree,
                     const cairn_save_options* options, cairn_response** response) {
  return c::guard([&] {
    auto& result = c::need_result(response);
    auto made = std::make_unique<cairn_response>();
    made->response = save_async(c::need(context).context, c::text_or_empty(path), c::need(tree).tree,
                                c::options_of(options));
    result = made.release();
  });
}

int cairn_load(const cairn_context* context, const char* path, cairn_tree* tree,
               const cairn_load_options* options, cairn_report* report) {
  return c::guard([&] {
    c::check_size(report);
    c::give_report(report, load(c::need(context).context, c::text_or_empty(path), c::need(tree).tree,
                                c::options_of(options)));
  });
}

int cairn_load_owned(const cairn_context* context, const char* path, const cairn_load_options* options,
                     cairn_tree** tree) {
  return c::guard([&] {
    auto& result = c::need_result(tree);
    auto made = std::make_unique<cairn_tree>();
    made->tree = load(c::need(context).context, c::text_or_empty(path), c::options_of(options));
    result = made.release();
  });
}

int cairn_load_async(const cairn_context* context, const char* path, cairn_tree* tree,
                     const cairn_load_options* options, cairn_response** response) {
  return c::guard([&] {
    auto& result = c::need_result(response);
    auto made = std::make_unique<cairn_response>();
    made->response = load_async(c::need(context).context, c::text_or_empty(path), c::need(tree).tree,
                                c::options_of(options));
    result = made.release();
  });
}

int cairn_response_result(cairn_response* response, cairn_report* report) {
  return c::guard([&] {
    c::check_size(report);
    c::give_report(report, c::need(response).response.result());
  });
}

int cairn_response_cancel(cairn_response* response) {
  return c::guard([&] { c::need(response).response.cancel(); });
}

int cairn_response_poll(cairn_response* response, int* done) {
  return c::guard([&] { c::need(done) = c::need(response).response.poll() ? 1 : 0; });
}

int cairn_response_snapshotted(const cairn_response* response, int* free_again) {
  return c::guard([&] { c::need(free_again) = c::need(response).response.snapshotted() ? 1 : 0; });
}

int cairn_response_valid(const cairn_response* response) {
  return response != nullptr && response->response.valid() ? 1 : 0;
}

int cairn_response_on_complete(cairn_response* response, cairn_complete_fn callback, void* arg) {
  return c::guard([&] {
    if (callback == nullptr) c::refuse("the callback is NULL");
    c::need(response).response.on_complete([callback, arg](const Report& report, const Error* error) {
      const auto view = c::view_of(report);
      callback(&view, error != nullptr ? static_cast<int>(error->code()) : CAIRN_OK,
               error != nullptr ? error->what() : "", arg);
    });
  });
}

void cairn_response_free(cairn_response* response) {
  delete response;
}

int cairn_verify(const cairn_context* context, const char* path, std::size_t* problems,
                 cairn_problem_fn problem, void* arg) {
  return c::guard([&] {
    const auto found = verify(c::need(context).context, c::text_or_empty(path));
    c::give(problems, found.size());
    if (problem == nullptr) return;
    for (const auto& error : found)
      problem(static_cast<int>(error.code()), error.what(), error.path().c_str(), arg);
  });
}

int cairn_is_checkpoint(const cairn_context* context, const char* path, int* there) {
  return c::guard([&] {
    auto& answer = c::need(there);
    answer = is_checkpoint(c::need(context).context, c::text_or_empty(path)) ? 1 : 0;
  });
}

int cairn_is_checkpoint_local(const char* path, int* there) {
  return c::guard([&] {
    auto& answer = c::need(there);
    answer = is_checkpoint(Path(c::text_or_empty(path))) ? 1 : 0;
  });
}
