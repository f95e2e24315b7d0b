#pragma once

#include "async.hpp"
#include "context.hpp"
#include "detail/object.hpp"
#include "load.hpp"
#include "save.hpp"
#include "tree.hpp"

/// \file
/// Several named things of different kinds in one checkpoint: a model, a data loader, a configuration. Each
/// can be loaded without the others.

namespace cairn {
inline namespace CAIRN_ABI {

/// One thing to save, or to load into: a Tree or an nlohmann::json directly; any other through `stateful`,
/// `object` or `file`. It refers to an lvalue, which must outlive it, and owns an rvalue. Not collective; a
/// plain value, cheap to copy.
class CAIRN_API Checkpointable {
 public:
  Checkpointable(Tree& tree);
  Checkpointable(const Tree& tree);  ///< saved, and loaded into the memory that it binds
  Checkpointable(Tree&& tree);
  template <class Value, detail::if_json<Value> = 0>
  Checkpointable(Value&& value) : object_(detail::make_json(std::forward<Value>(value))) {}
  /// Say stateful(x), object(x) or file(path).
  template <class Thing, detail::if_foreign<Thing, Tree, Checkpointable> = 0>
  Checkpointable(const Thing&) = delete;
  explicit Checkpointable(std::shared_ptr<detail::Object> object) noexcept : object_(std::move(object)) {}

  /// For handlers: the thing, if it is of exactly this type; of a const one, only `const Thing`.
  template <class Thing>
  Thing* get_if() const noexcept {
    if (!object_ || !object_->pointer || *object_->type != typeid(Thing)) return nullptr;
    if (object_->read_only && !std::is_const_v<Thing>) return nullptr;
    return static_cast<Thing*>(object_->pointer);
  }

 private:
  friend struct detail::Access;
  std::shared_ptr<detail::Object> object_;
};

/// Whose state it is.
enum class StateScope {
  per_rank,   ///< each rank has its own; all are stored
  replicated  ///< equal on every rank (checked), stored once
};

/// An object with a state as JSON: `x save_state()`, where x is an nlohmann::json, a cairn::Json, or what
/// nlohmann can convert; and `load_state(x)`, or `load_state(const std::vector<x>&, int rank, int ranks)`
/// with the states of all ranks that saved, in their order, for states that can be divided over another
/// number of ranks; or both: the second is then called where the number of ranks has changed. Their
/// exceptions become an Error on all ranks, and so does a state that is null or holds a number that is not
/// finite. A const object can only be saved. Not collective.
template <class Thing>
Checkpointable stateful(Thing& thing, StateScope scope = StateScope::per_rank) {
  return Checkpointable(detail::make_stateful(thing, scope));
}
template <class Thing>
Checkpointable stateful(const Thing&& temporary, StateScope scope = {}) = delete;

/// Whatever one of the context's handlers takes (Options::handlers). Not collective.
template <class Thing>
Checkpointable object(Thing& thing) {
  return Checkpointable(detail::make_object(thing));
}
template <class Thing>
Checkpointable object(const Thing&& temporary) = delete;

/// A file, the same one for all ranks: the primary copies it into the checkpoint, under the name of the
/// checkpointable; a load copies it out to `path`, replacing what is there. Of a save in the background it is
/// read then, and must not change until AsyncResponse::result. Not collective.
CAIRN_API Checkpointable file(Path path);

/// Names and things. A name given twice is Error(invalid_argument) on all ranks, not a silent loss; so is
/// none at all. Not collective; a plain value.
class CAIRN_API Checkpointables {
 public:
  struct Entry {
    std::string name;
    Checkpointable thing;
  };
  Checkpointables() = default;
  Checkpointables(std::initializer_list<Entry> entries) : entries_(entries) {}
  void add(std::string name, Checkpointable thing) {
    entries_.push_back({std::move(name), std::move(thing)});
  }
  const std::vector<Entry>& entries() const noexcept { return entries_; }

 private:
  std::vector<Entry> entries_;
};

/// Writes all of them as one checkpoint at `path`: as `save`, with each tree in an HDF5 file of its own, and
/// everything else in the files of its handler. The handler of a thing is one of Options::handlers that is
/// bound to its name, else the last one there that takes it, else one of the library's own.
/// `SaveOptions::checkpointable_name` is not used.
///
/// Errors as of `save`, and invalid_argument: a name that cannot be one or comes twice, no name at all, an
/// empty tree, a thing that no handler takes; mismatch: ranks give other names or kinds, or replicated states
/// that differ.
///
/// Collective over the context's communicator. One operation at a time on one communicator.
CAIRN_API Report save_checkpointables(const Context& context, const Path& path, const Checkpointables& things,
                                      const SaveOptions& options = {});

/// The same in the background, as `save_async`: states are taken before it returns.
CAIRN_API AsyncResponse save_checkpointables_async(const Context& context, const Path& path,
                                                   const Checkpointables& things,
                                                   const SaveOptions& options = {});

/// Loads those that are named, and no others. The handler of a thing is one bound to its name that takes it,
/// else the one with the recorded type, else the last one that takes it; Error(mismatch) lists them where
/// there is none. The options are those of `load`, for each tree; `checkpointable_name` is not used. Trees
/// come before other things, both by name.
///
/// Errors as of `load`; not_found lists the names that there are; locked: the checkpoint was overwritten
/// meanwhile, load again. Things loaded before an error keep what they got.
///
/// Collective over the context's communicator. One operation at a time on one communicator.
CAIRN_API Report load_checkpointables(const Context& context, const Path& path, const Checkpointables& things,
                                      const LoadOptions& options = {});

/// What one save is given.
struct SaveArgs {
  Path path = {};
  Checkpointables checkpointables = {};
  SaveOptions options = {};
};

/// The functions above as an object, for programs that keep one: one save at a time. Its destructor
/// communicates nothing, and a save that is under way goes on (AsyncResponse).
class CAIRN_API AsyncCheckpointer {
 public:
  explicit AsyncCheckpointer(Context context);

  /// Saves in the background. Waits for the save before it, whoever has its response; what that one met, its
  /// response throws, or this call where it was dropped. Collective over the context's communicator.
  AsyncResponse save(const SaveArgs& args);
  /// Returns when no save is under way; throws what one met whose response was dropped. Collective over the
  /// context's communicator.
  void wait();

  const Context& context() const noexcept { return context_; }

 private:
  Context context_;
};

/// What `save_checkpointables_async` does with these arguments, in two parts. Not collective.
CAIRN_API std::pair<AsyncCheckpointer, SaveArgs> make_checkpointer_and_args(const Context& context,
                                                                            const Path& path,
                                                                            Checkpointables things,
                                                                            SaveOptions options = {});

}  // namespace CAIRN_ABI
}  // namespace cairn
