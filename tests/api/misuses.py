"""What must not compile, and beside each what was meant. `says`: what the compiler's error must hold, where Cairn has a
say in it."""

from typing import NamedTuple


class Misuse(NamedTuple):
    bad: str
    good: str
    says: str = ""


PRELUDE = r"""
#include <atomic>
#include <cairn/cairn.hpp>
#include <list>
#include <valarray>

struct Things {
  MPI_Comm comm = MPI_COMM_SELF;
  std::vector<double> vec;
  double* w = nullptr;
  cairn::Tree tree;
  cairn::Tree state;
  double x = 0;
};
std::vector<double> make_vector();
cairn::Tree make_tree();

/// A matrix whose order Cairn cannot know.
struct Matrix {
  double* data();
  std::size_t size() const;
  int rows() const;
};
/// ArrayTraits for objects that are not const, alone.
struct Field {
  double* raw;
};
template <>
struct cairn::ArrayTraits<Field> {
  static ArrayView<double> view(Field& field) { return {field.raw, {4}}; }
};
struct WrongSize {
  float value;
};
template <>
struct cairn::DtypeOf<WrongSize> {
  static constexpr Dtype value = Dtype::f16;
};
struct Half {
  unsigned short bits;
};
template <>
struct cairn::DtypeOf<Half> {
  static constexpr Dtype value = Dtype::f16;
};
struct Particle {
  double x, y;
};
"""

TEMPORARY = "a temporary container is gone before it is saved"
ELEMENT = "Cairn cannot store elements of this type exactly"
CONTAINER = "Cairn does not know how to get at this container's elements"
REF = "cairn::ref binds one number, bool, enum or string"
SPREAD = "say how it is spread"

MISUSES = [
    # How an array is spread over the ranks must be said.
    Misuse('state["w"] = vec;', 'state["w"] = cairn::replicated(vec);', SPREAD),
    Misuse('state["w"] = w;', 'state["w"] = cairn::per_rank(w, {3});', SPREAD),
    Misuse('state["w"] = std::array<int, 3>();', 'std::array<int, 3> a; state["w"] = cairn::replicated(a);', SPREAD),
    Misuse('state["x"] = nullptr;', 'state["x"] = "";', SPREAD),
    Misuse('state["x"] = 1.0L;', 'state["x"] = 1.0;', SPREAD),
    Misuse("state[\"x\"] = L'c';", "state[\"x\"] = 'c';", SPREAD),
    Misuse('state["p"] = Particle();', 'state["p/x"] = Particle().x;', SPREAD),
    Misuse('state["x"] = {1, 2};', 'state["x"] = 1;'),
    # Temporaries are gone before they are saved.
    Misuse("cairn::sharded(make_vector(), {{4}});", "auto v = make_vector(); cairn::sharded(v, {{4}});", TEMPORARY),
    Misuse("cairn::replicated(make_vector());", "auto v = make_vector(); cairn::replicated(v);", TEMPORARY),
    Misuse("cairn::per_rank(std::move(vec));", "cairn::per_rank(vec);", TEMPORARY),
    Misuse("cairn::appended(make_vector());", "cairn::appended(vec);", TEMPORARY),
    Misuse("cairn::per_rank(5);", "int five = 5; cairn::per_rank(five);", TEMPORARY),
    Misuse("cairn::replicated(std::array<int, 3>());", "std::array<int, 3> a; cairn::replicated(a);", TEMPORARY),
    Misuse("cairn::sharded(vec, {{8}, {0}, {4}}).also(make_vector(), {{}, {4}, {4}});",
           "cairn::sharded(vec, {{8}, {0}, {4}}).also(vec, {{}, {4}, {4}});", TEMPORARY),
    Misuse("cairn::replicated(std::string());", "std::string_view text; cairn::replicated(text);", TEMPORARY),
    Misuse("cairn::ref(5);", "int five = 5; cairn::ref(five);", "delete"),
    Misuse("cairn::ref(std::string());", "std::string text; cairn::ref(text);", "delete"),
    Misuse("cairn::ref(x + 1);", "cairn::ref(x);", "delete"),
    Misuse("cairn::ref(std::complex<double>());", "std::complex<double> z; cairn::ref(z);", "delete"),
    # Elements that cannot be stored.
    Misuse("std::vector<bool> b; cairn::replicated(b);", "std::vector<char> b; cairn::replicated(b);", CONTAINER),
    Misuse("std::vector<long double> v; cairn::replicated(v);", "std::vector<float> v; cairn::replicated(v);", ELEMENT),
    Misuse("std::vector<std::string> v; cairn::replicated(v);", "std::string v; cairn::replicated(v);", ELEMENT),
    Misuse("std::vector<int*> v; cairn::replicated(v);", "std::vector<int> v; cairn::replicated(v);", ELEMENT),
    Misuse("std::vector<Particle> v; cairn::replicated(v);", "std::vector<Half> v; cairn::replicated(v);", ELEMENT),
    Misuse("std::vector<WrongSize> v; cairn::replicated(v);", "std::vector<Half> v; cairn::replicated(v);",
           "another size"),
    Misuse("void* p = w; cairn::replicated(p);", "cairn::replicated(w);", ELEMENT),
    Misuse("std::wstring v; cairn::replicated(v);", "std::string v; cairn::replicated(v);", ELEMENT),
    Misuse("std::atomic<int> a; cairn::replicated(a);", "int a = 0; cairn::replicated(a);", CONTAINER),
    Misuse("cairn::sharded<long double>({4});", "cairn::sharded<double>({4});", ELEMENT),
    Misuse("std::complex<long double> z; cairn::replicated(z);", "std::complex<float> z; cairn::replicated(z);",
           CONTAINER),
    # Containers that cannot be bound.
    Misuse("std::list<int> l; cairn::replicated(l);", "std::vector<int> l; cairn::replicated(l);", CONTAINER),
    Misuse("std::valarray<int> v(3); cairn::replicated(v);", "std::valarray<int> v(3); cairn::replicated(&v[0], {3});",
           CONTAINER),
    Misuse("Matrix m; cairn::replicated(m);", "Matrix m; cairn::replicated(m.data(), {m.rows()});", CONTAINER),
    Misuse("const Field f{}; cairn::replicated(f);", "Field f{}; cairn::replicated(f);", CONTAINER),
    Misuse("cairn::replicated(nullptr);", "cairn::replicated(w, {4});", CONTAINER),
    Misuse("cairn::appended(w);", "cairn::appended(cairn::ArrayView<double>{w, {4}});", "how many rows there are"),
    # References are to single values.
    Misuse("cairn::ref(vec);", "cairn::ref(vec[0]);", REF),
    Misuse("cairn::ref(w);", "cairn::ref(*w);", REF),
    Misuse('cairn::ref("literal");', "const std::string text; cairn::ref(text);", REF),
    Misuse("long double l = 0; cairn::ref(l);", "double l = 0; cairn::ref(l);", REF),
    Misuse("std::vector<bool> b(1); cairn::ref(b[0]);", "bool b = true; cairn::ref(b);"),
    # Extents.
    Misuse("cairn::Dims d = 5;", "cairn::Dims d = {5};"),
    Misuse("cairn::Dims d = {1.5};", "cairn::Dims d = {1};"),
    Misuse("cairn::Dims d = {true};", "cairn::Dims d = {1u};"),
    Misuse("cairn::Dims d = {'a'};", "cairn::Dims d = {std::size_t{97}};"),
    Misuse("cairn::Dims d = std::vector<double>();", "cairn::Dims d = std::vector<long>();"),
    Misuse("cairn::sharded(vec, {10, 20});", "cairn::sharded(vec, {{10, 20}});"),
    Misuse("cairn::sharded(vec);", "cairn::sharded(vec, {{4}});"),
    # Contexts.
    Misuse("cairn::save(5, \"p\", state);", "cairn::save(comm, \"p\", state);"),
    Misuse("cairn::Context c = true;", "cairn::Context c = MPI_COMM_WORLD;"),
    Misuse("cairn::Context c = nullptr;", "cairn::Context c(comm, cairn::Options());"),
    Misuse("cairn::save(\"p\", state);", "cairn::save(comm, \"p\", state);"),
    Misuse("cairn::ContextScope a((cairn::Options())); cairn::ContextScope b(a);",
           "cairn::ContextScope a((cairn::Options())); cairn::ContextScope b((cairn::Options()));", "delete"),
    Misuse("cairn::ContextScope(cairn::Options());", "cairn::ContextScope scope((cairn::Options()));"),
    # Trees and paths.
    Misuse("cairn::load(comm, \"p\", make_tree());", "cairn::load(comm, \"p\", tree);"),
    Misuse("const auto& c = tree; cairn::load(comm, \"p\", c);", "auto& c = tree; cairn::load(comm, \"p\", c);"),
    Misuse("cairn::load(comm, \"p\");", "auto loaded = cairn::load(comm, \"p\");", "nodiscard"),
    Misuse("cairn::verify(comm, \"p\");", "auto errors = cairn::verify(comm, \"p\");", "nodiscard"),
    Misuse("state[nullptr] = 1;", "state[\"a\"] = 1;", "delete"),
    Misuse("state[\"a\"][nullptr] = 1;", "state[\"a\"][0] = 1;", "delete"),
    Misuse("state[1.5] = 1;", "state[1] = 1;"),
    Misuse("make_tree()[\"a\"] = 1;", "tree[\"a\"] = 1;"),
    Misuse("const auto& c = tree; c[\"a\"] = 1;", "const auto& c = tree; c.at(\"a\");"),
    Misuse("cairn::Leaf(vec);", "cairn::Leaf(cairn::replicated(vec));"),
    Misuse("cairn::Leaf(1).get<long double>();", "cairn::Leaf(1).get<double>();", ELEMENT),
    Misuse("cairn::Leaf(1).data<std::string>();", "cairn::Leaf(1).get<std::string>();", ELEMENT),
    # Values.
    Misuse("cairn::Json j = std::vector<int>();", "cairn::Json j = nlohmann::json(std::vector<int>());"),
    Misuse("cairn::SaveOptions o; o.custom_metadata = 5;", "cairn::SaveOptions o; o.custom_metadata = {5};"),
    Misuse("throw cairn::Error(5, \"text\");", "throw cairn::Error(cairn::ErrorCode::io, \"text\");"),
    Misuse("cairn::LoadOptions o; o.cast = true;", "cairn::LoadOptions o; o.cast = cairn::Cast::any;"),
    # Policies.
    Misuse("cairn::SavePolicy p = 5;", "cairn::SavePolicy p = cairn::every_steps(5);"),
    Misuse("cairn::SavePolicy p = cairn::latest(5);", "cairn::KeepPolicy p = cairn::latest(5);"),
    Misuse("cairn::SavePolicy p = [] { return true; };",
           "cairn::SavePolicy p = [](const cairn::StepInfo& info) { return info.step > 5; };"),
    Misuse("cairn::SavePolicy p = [](const cairn::StepInfo&) { return std::string(); };",
           "cairn::SavePolicy p = [](const cairn::StepInfo&) { return 1; };"),
    Misuse("cairn::SavePolicy p = [u = std::unique_ptr<int>()](const cairn::StepInfo&) { return !u; };",
           "cairn::SavePolicy p = [u = std::shared_ptr<int>()](const cairn::StepInfo&) { return !u; };"),
    Misuse("cairn::KeepPolicy p = [](const std::vector<cairn::SavedStep>&) { return true; };",
           "cairn::KeepPolicy p = [](const auto& saved) { return cairn::Steps{saved.front().step}; };"),
    Misuse("cairn::any_of(cairn::every_steps(5), cairn::latest(5));",
           "cairn::any_of(cairn::every_steps(5), [](const auto& info) { return info.step_s > 5; });"),
    Misuse("using namespace std; using namespace cairn::policies; bool p = any_of(first_step(), first_step(), {});",
           "using namespace std; using namespace cairn::policies; cairn::SavePolicy p = first_step();"
           "p = any_of(p, p, p); p = all_of(p, p, p); cairn::KeepPolicy k = latest(1); k = all_of(k, k, k);"),
    Misuse("cairn::every(5);", "cairn::every(std::chrono::minutes(5));"),
    Misuse("cairn::every_steps(std::chrono::seconds(5));", "cairn::every(std::chrono::seconds(5));"),
    Misuse("cairn::best(\"loss\", cairn::Best::highest);", "cairn::best(\"loss\", 1, cairn::Best::highest);"),
]
