#include "c/handles.hpp"
#include "c/objects.hpp"

using namespace cairn;

namespace {

struct Stateful {
  cairn_stateful calls;
};

std::string save_state(void* thing) {
  const auto& calls = static_cast<Stateful*>(thing)->calls;
  cairn_text text;
  c::call_back("save", [&] { return calls.save(calls.arg, &text); });
  return Json::parse(text.text).text();
}

std::string no_state(void*) {
  c::refuse("it cannot be saved: cairn_stateful::save is NULL");
}

void load_state(void* thing, const std::vector<std::string>& states, bool whole, int rank, int ranks) {
  const auto& calls = static_cast<Stateful*>(thing)->calls;
  if (!whole) {
    const auto& state = states[static_cast<std::size_t>(rank)];
    c::call_back("load", [&] { return calls.load(calls.arg, state.c_str()); });
    return;
  }
  std::vector<const char*> texts;
  for (const auto& state : states) texts.push_back(state.c_str());
  c::call_back("load_all", [&] {
    return calls.load_all(calls.arg, texts.data(), static_cast<int>(texts.size()), rank, ranks);
  });
}

std::string json_state(void* thing) {
  return *static_cast<std::string*>(thing);
}

void set_json_state(void* thing, const std::vector<std::string>& states, bool, int, int) {
  *static_cast<std::string*>(thing) = Json::parse(states.front()).text();
}

template <class Thing>
std::shared_ptr<detail::Object> make_object(detail::ObjectForm form, std::shared_ptr<Thing> thing) {
  auto object = std::make_shared<detail::Object>();
  object->form = form;
  object->pointer = thing.get();
  object->type = &typeid(Thing);
  if (form != detail::ObjectForm::json) object->owned = std::move(thing);
  return object;
}

}  // namespace

int cairn_checkpointables_create(cairn_checkpointables** things) {
  return c::guard([&] { c::need_result(things) = new cairn_checkpointables{}; });
}

void cairn_checkpointables_free(cairn_checkpointables* things) {
  delete things;
}

int cairn_checkpointables_add_tree(cairn_checkpointables* things, const char* name, cairn_tree* tree) {
  return c::guard([&] { c::need(things).things.add(c::text_or_empty(name), c::need(tree).tree); });
}

int cairn_checkpointables_add_json(cairn_checkpointables* things, const char* name, const char* json) {
  return c::guard([&] {
    auto& into = c::need(things);
    auto text = std::make_shared<std::string>(c::json_of(json).text());
    auto object = make_object(detail::ObjectForm::json, text);
    object->state = json_state;
    object->set_state = set_json_state;
    object->takes_one = true;
    into.json.emplace_back(c::text_or_empty(name), std::move(text));
    into.things.add(c::text_or_empty(name), Checkpointable(std::move(object)));
  });
}

int cairn_checkpointables_get_json(const cairn_checkpointables* things, const char* name, char** json) {
  return c::guard([&] {
    auto& result = c::need_result(json);
    for (const auto& [known, text] : c::need(things).json)
      if (known == c::text_or_empty(name)) {
        result = c::copy_text(*text);
        return;
      }
    throw Error(ErrorCode::not_found,
                std::string("there is no JSON value of the name `") + c::text_or_empty(name) + "`");
  });
}

int cairn_checkpointables_add_file(cairn_checkpointables* things, const char* name, const char* path) {
  return c::guard([&] { c::need(things).things.add(c::text_or_empty(name), file(c::text_or_empty(path))); });
}

int cairn_checkpointables_add_stateful(cairn_checkpointables* things, const char* name,
                                       const cairn_stateful* stateful) {
  return c::guard([&] {
    const auto calls = c::take(&c::need(stateful));
    auto object = make_object(detail::ObjectForm::stateful, std::make_shared<Stateful>(Stateful{calls}));
    object->scope = static_cast<StateScope>(calls.scope);
    object->state = calls.save != nullptr ? save_state : no_state;
    object->set_state = load_state;
    object->takes_one = calls.load != nullptr;
    object->takes_all = calls.load_all != nullptr;
    object->read_only = !object->takes_one && !object->takes_all;
    c::need(things).things.add(c::text_or_empty(name), Checkpointable(std::move(object)));
  });
}

int cairn_checkpointables_add_object(cairn_checkpointables* things, const char* name, const char* type,
                                     void* object) {
  return c::guard([&] {
    auto kept = std::make_shared<c::ForeignObject>(c::ForeignObject{c::text_or_empty(type), object});
    c::need(things).things.add(c::text_or_empty(name),
                               Checkpointable(make_object(detail::ObjectForm::object, std::move(kept))));
  });
}

int cairn_save_checkpointables(const cairn_context* context, const char* path,
                               const cairn_checkpointables* things, const cairn_save_options* options,
                               cairn_report* report) {
  return c::guard([&] {
    c::check_size(report);
    c::give_report(report, save_checkpointables(c::need(context).context, c::text_or_empty(path),
                                                c::need(things).things, c::options_of(options)));
  });
}

int cairn_save_checkpointables_async(const cairn_context* context, const char* path,
                                     const cairn_checkpointables* things, const cairn_save_options* options,
                                     cairn_response** response) {
  return c::guard([&] {
    auto& result = c::need_result(response);
    auto made = std::make_unique<cairn_response>();
    made->response = save_checkpointables_async(c::need(context).context, c::text_or_empty(path),
                                                c::need(things).things, c::options_of(options));
    result = made.release();
  });
}

int cairn_load_checkpointables(const cairn_context* context, const char* path,
                               const cairn_checkpointables* things, const cairn_load_options* options,
                               cairn_report* report) {
  return c::guard([&] {
    c::check_size(report);
    c::give_report(report, load_checkpointables(c::need(context).context, c::text_or_empty(path),
                                                c::need(things).things, c::options_of(options)));
  });
}

struct cairn_async_checkpointer {
  AsyncCheckpointer checkpointer;
};

int cairn_async_checkpointer_create(const cairn_context* context, cairn_async_checkpointer** checkpointer) {
  return c::guard([&] {
    c::need_result(checkpointer) = new cairn_async_checkpointer{AsyncCheckpointer(c::need(context).context)};
  });
}

int cairn_async_checkpointer_save(cairn_async_checkpointer* checkpointer, const char* path,
                                  const cairn_checkpointables* things, const cairn_save_options* options,
                                  cairn_response** response) {
  return c::guard([&] {
    auto& result = c::need_result(response);
    auto made = std::make_unique<cairn_response>();
    made->response =
        c::need(checkpointer)
            .checkpointer.save({c::text_or_empty(path), c::need(things).things, c::options_of(options)});
    result = made.release();
  });
}

int cairn_async_checkpointer_wait(cairn_async_checkpointer* checkpointer) {
  return c::guard([&] { c::need(checkpointer).checkpointer.wait(); });
}

void cairn_async_checkpointer_free(cairn_async_checkpointer* checkpointer) {
  delete checkpointer;
}
