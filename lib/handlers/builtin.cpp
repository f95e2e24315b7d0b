#include "handlers/builtin.hpp"

#include "base/checksum.hpp"
#include "base/pack.hpp"
#include "handlers/object.hpp"
#include "handlers/section.hpp"
#include "handlers/small_file.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>

namespace cairn::handlers {
namespace {

using Value = nlohmann::json;

constexpr std::string_view json_suffix = ".json";

/// Of one file: what a load can read and send to all ranks.
constexpr std::uint64_t kMostText = (std::uint64_t{1} << 31) - 2;
void require_readable(const std::string& text) {
  if (text.size() > kMostText)
    throw Error(ErrorCode::unsupported,
                "its state has more than 2 GiB as JSON: save it as arrays, or in a file");
}

/// What the library's own handlers are called with is always a Section.
Section& as_section(HandlerScope& scope) {
  return static_cast<Section&>(scope);
}

/// Throws Error(mismatch) on every rank where the text is not the same on all. Collective.
void require_same(Section& section, const std::string& text, const char* what) {
  const auto hash = base::digest(text).lo;
  const auto lanes = section.comm().agree_min("compare", 2, [&] { return comm::Lanes{hash, ~hash}; });
  if ((*lanes)[0] != ~(*lanes)[1])
    throw Error(ErrorCode::mismatch, std::string(what) +
                                         " differs between ranks; what is stored once must be "
                                         "the same on all of them");
}

/// The primary writes the text, in the background.
std::function<void()> writing(Section& section, std::string text) {
  auto path = section.file(json_suffix);
  section.note_bytes(text.size());
  if (!section.comm().is_primary()) return {};
  return [path = std::move(path), text = std::move(text), files = section.context().files] {
    write_file(path, text, files);
  };
}

/// The primary reads the file, and all get its text. Collective.
std::string read_everywhere(Section& section) {
  return *section.comm().agree_on_root("read", [&] {
    return base::read_whole(section.directory(), section.file(json_suffix).filename(), kMostText + 1);
  });
}

Value parse(const std::string& text, const Path& path) {
  Value json = Value::parse(text, nullptr, false);
  if (json.is_discarded()) throw Error(ErrorCode::corrupt, path.string() + " is not JSON", 0, -1, path);
  return json;
}

/// HDF5 files: the stages of saves and loads know them.
class TreeHandler final : public Handler {
 public:
  std::string type() const override { return std::string(tree_type); }
  bool handles(const Checkpointable& thing) const override { return thing.get_if<const Tree>() != nullptr; }
  std::function<void()> save(HandlerScope&, const Checkpointable&) override { refuse(); }
  void load(HandlerScope&, const Checkpointable&) override { refuse(); }

 private:
  [[noreturn]] static void refuse() { throw Error(ErrorCode::internal, "a tree was given to a handler"); }
};

/// One JSON value, the same on every rank: NAME.json holds it as it is.
class JsonHandler final : public Handler {
 public:
  std::string type() const override { return "json"; }
  bool handles(const Checkpointable& thing) const override {
    return object_of(thing).form == detail::ObjectForm::json;
  }
  std::function<void()> save(HandlerScope& scope, const Checkpointable& thing) override {
    auto& section = as_section(scope);
    std::string text;
    section.agree([&] {
      text = state_of(object_of(thing));
      require_readable(text);
    });
    require_same(section, text, "the JSON value");
    return writing(section, text + "\n");
  }
  void load(HandlerScope& scope, const Checkpointable& thing) override {
    auto& section = as_section(scope);
    const auto text = read_everywhere(section);
    parse(text, section.file(json_suffix));
    const auto& object = object_of(thing);
    object.set_state(object.pointer, {text}, false, 0, 1);
  }
};

/// Objects with save_state and load_state: NAME.json has `scope` and `states`, one of each rank or one of
/// all.
class StatefulHandler final : public Handler {
 public:
  std::string type() const override { return "stateful"; }
  bool handles(const Checkpointable& thing) const override {
    return object_of(thing).form == detail::ObjectForm::stateful;
  }

  std::function<void()> save(HandlerScope& scope, const Checkpointable& thing) override {
    auto& section = as_section(scope);
    const auto& object = object_of(thing);
    std::vector<std::string> states;
    section.agree([&] {
      states.push_back(state_of(object));
      require_readable(states.front());
    });
    const bool shared = object.scope == StateScope::replicated;
    if (shared)
      require_same(section, states.front(), "the state");
    else
      states = section.comm().gather("states", states.front());
    std::string text;
    section.agree([&] {
      if (!section.comm().is_primary()) return;
      text = joined(shared ? kReplicated : kPerRank, states);
      require_readable(text);
    });
    return writing(section, std::move(text));
  }

  void load(HandlerScope& scope, const Checkpointable& thing) override {
    auto& section = as_section(scope);
    const auto& object = object_of(thing);
    const Value json = parse(read_everywhere(section), section.file(json_suffix));
    const bool shared = json.at("scope") == kReplicated;
    std::vector<std::string> states;
    for (const auto& state : json.at("states")) states.push_back(state.dump());
    const int rank = section.comm().rank(), ranks = section.comm().size();
    const bool fits = shared || states.size() == static_cast<std::size_t>(ranks);
    if (states.empty()) throw Error(ErrorCode::corrupt, "it holds no state");
    if (!fits && !object.takes_all)
      throw Error(ErrorCode::mismatch, "it was saved by " + std::to_string(states.size()) +
                                           " ranks, each with a state of its own, "
                                           "and " +
                                           std::to_string(ranks) +
                                           " load it: give it load_state(states, rank, ranks), which "
                                           "divides them anew");
    const bool whole = !fits || !object.takes_one;
    object.set_state(object.pointer, states, whole, shared && !whole ? 0 : rank, ranks);
  }

 private:
  static constexpr const char* kReplicated = "replicated";
  static constexpr const char* kPerRank = "per_rank";

  static std::string joined(const char* scope, const std::vector<std::string>& states) {
    std::string text = std::string("{\"scope\":\"") + scope + "\",\"states\":[";
    for (const auto& state : states) text += (text.back() == '[' ? "\n" : ",\n") + state;
    return text + "\n]}\n";
  }
};

/// Whole files: the file NAME is a copy.
class FileHandler final : public Handler {
 public:
  std::string type() const override { return "file"; }
  bool handles(const Checkpointable& thing) const override {
    return object_of(thing).form == detail::ObjectForm::file;
  }
  std::function<void()> save(HandlerScope& scope, const Checkpointable& thing) override {
    auto& section = as_section(scope);
    const Path from = object_of(thing).path;
    auto to = section.file("");
    section.agree([&] {
      if (!section.comm().is_primary()) return;
      const auto file = base::open_file(nullptr, from, O_RDONLY | O_NONBLOCK);
      section.note_bytes(static_cast<std::uint64_t>(base::status(file).st_size));
    });
    if (!section.comm().is_primary()) return {};
    return [from, to = std::move(to), files = section.context().files] { copy_in(from, to, files); };
  }
  void load(HandlerScope& scope, const Checkpointable& thing) override {
    auto& section = as_section(scope);
    const auto name = section.file("").filename();
    section.agree([&] {
      if (section.comm().is_primary())
        copy_out(section.directory(), name, object_of(thing).path, section.context().files);
    });
  }
};

}  // namespace

std::vector<std::shared_ptr<Handler>> builtin() {
  return {std::make_shared<TreeHandler>(), std::make_shared<JsonHandler>(),
          std::make_shared<StatefulHandler>(), std::make_shared<FileHandler>()};
}

bool is_builtin_type(std::string_view type) noexcept {
  return type == tree_type || type == "json" || type == "stateful" || type == "file";
}

}  // namespace cairn::handlers
