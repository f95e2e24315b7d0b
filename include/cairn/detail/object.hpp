#pragma once

#include "../error.hpp"
#include "../json.hpp"
#include "traits.hpp"

#include <typeinfo>

/// \file
/// What a Checkpointable refers to, without its type. Nothing here is for use by programs.

namespace cairn {
inline namespace CAIRN_ABI {

enum class StateScope;

namespace detail {

/// How the thing was given.
enum class ObjectForm : std::uint8_t { tree, json, stateful, object, file };

/// One thing to save or to load into.
struct Object {
  ObjectForm form = ObjectForm::object;
  std::shared_ptr<void> owned = {};      ///< what was given as an rvalue
  void* pointer = nullptr;               ///< the thing, also where it is const
  const std::type_info* type = nullptr;  ///< of the thing, without const
  bool read_only = false;                ///< it is const
  StateScope scope = {};                 ///< stateful

  /// json, stateful: the thing's state as JSON text (or `json_marker` and why there is none). May throw what
  /// the thing throws.
  std::string (*state)(void* thing) = nullptr;
  /// The same the other way. `states`: of all ranks that saved, or the one that all share; `whole`: take all
  /// of them, as rank `rank` of `ranks`, else the one at `rank`.
  void (*set_state)(void* thing, const std::vector<std::string>& states, bool whole, int rank,
                    int ranks) = nullptr;
  bool takes_one = false;  ///< `set_state` can be given one state
  bool takes_all = false;  ///< and those of all ranks
  Path path = {};          ///< file
};

/// JSON has no numbers that are not finite: they would come back as null.
inline bool is_finite(const nlohmann::json& value) {
  if (value.is_number_float()) {
    const double number = value.template get<double>();
    return number - number == 0;
  }
  if (value.is_structured())
    for (const auto& each : value)
      if (!is_finite(each)) return false;
  return true;
}

inline std::string dump_finite(const nlohmann::json& value) {
  if (!is_finite(value))
    return json_marker + std::string("a number is infinite or not a number, which JSON does not have");
  return dump(value);
}

template <class Value>
std::string to_text(const Value& value) {
  if constexpr (std::is_same_v<Value, Json>)
    return value.text();
  else
    return dump_finite(nlohmann::json(value));
}

template <class Value>
Value from_text(const std::string& text) {
  if constexpr (std::is_same_v<Value, Json>)
    return Json(nlohmann::json::parse(text));
  else
    return nlohmann::json::parse(text).template get<Value>();
}

template <class Thing, class Value, class = void>
inline constexpr bool takes_state = false;
template <class Thing, class Value>
inline constexpr bool takes_state<
    Thing, Value, std::void_t<decltype(std::declval<Thing&>().load_state(std::declval<const Value&>()))>> =
    true;
template <class Thing, class Value, class = void>
inline constexpr bool takes_states = false;
template <class Thing, class Value>
inline constexpr bool
    takes_states<Thing, Value,
                 std::void_t<decltype(std::declval<Thing&>().load_state(
                     std::declval<const std::vector<Value>&>(), std::declval<int>(), std::declval<int>()))>> =
        true;

template <class Thing>
std::string state_of(void* thing) {
  return to_text<bare<decltype(std::declval<Thing&>().save_state())>>(
      static_cast<Thing*>(thing)->save_state());
}

template <class Thing, class Value>
void set_state_of(void* object, const std::vector<std::string>& states, bool whole, int rank, int ranks) {
  auto& thing = *static_cast<Thing*>(object);
  if constexpr (takes_states<Thing, Value>) {
    if (whole) {
      std::vector<Value> values;
      for (const auto& text : states) values.push_back(from_text<Value>(text));
      thing.load_state(static_cast<const std::vector<Value>&>(values), rank, ranks);
      return;
    }
  }
  if constexpr (takes_state<Thing, Value>) {
    const Value value = from_text<Value>(states[static_cast<std::size_t>(rank)]);
    thing.load_state(value);
  }
  (void)thing, (void)whole, (void)ranks;
}

/// A thing with save_state and load_state.
template <class Thing>
std::shared_ptr<Object> make_stateful(Thing& thing, StateScope scope) {
  using State = bare<decltype(thing.save_state())>;
  auto object = std::make_shared<Object>();
  object->form = ObjectForm::stateful;
  object->pointer = const_cast<std::remove_const_t<Thing>*>(std::addressof(thing));
  object->type = &typeid(Thing);
  object->scope = scope;
  object->state = state_of<Thing>;
  object->takes_one = takes_state<Thing, State>;
  object->takes_all = takes_states<Thing, State>;
  object->read_only = !object->takes_one && !object->takes_all;
  static_assert(
      takes_state<Thing, State> || takes_states<Thing, State> || std::is_const_v<Thing>,
      "cairn::stateful wants load_state(x) for what save_state() returns, or load_state(a vector of "
      "it, rank, ranks)");
  object->set_state = set_state_of<Thing, State>;
  return object;
}

template <class Thing>
std::shared_ptr<Object> make_object(Thing& thing) {
  auto object = std::make_shared<Object>();
  object->pointer = const_cast<std::remove_const_t<Thing>*>(std::addressof(thing));
  object->type = &typeid(Thing);
  object->read_only = std::is_const_v<Thing>;
  return object;
}

inline std::string json_text(void* thing) {
  return dump_finite(*static_cast<const nlohmann::json*>(thing));
}
inline void set_json(void* thing, const std::vector<std::string>& states, bool, int, int) {
  *static_cast<nlohmann::json*>(thing) = nlohmann::json::parse(states.front());
}

/// An lvalue, or an rvalue that is kept.
template <class Value>
std::shared_ptr<Object> make_json(Value&& value) {
  auto object = std::make_shared<Object>();
  object->form = ObjectForm::json;
  object->type = &typeid(nlohmann::json);
  if constexpr (std::is_lvalue_reference_v<Value>) {
    object->pointer = const_cast<nlohmann::json*>(std::addressof(value));
    object->read_only = std::is_const_v<std::remove_reference_t<Value>>;
  } else {
    auto kept = std::make_shared<nlohmann::json>(std::forward<Value>(value));
    object->pointer = kept.get();
    object->owned = std::move(kept);
  }
  object->state = json_text;
  object->set_state = set_json;
  object->takes_one = true;
  return object;
}

}  // namespace detail
}  // namespace CAIRN_ABI
}  // namespace cairn
