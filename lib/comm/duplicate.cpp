#include "comm/duplicate.hpp"

#include "comm/request.hpp"

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

namespace cairn::comm {
namespace {

using Held = std::shared_ptr<Duplicate>;

/// Whether all requests are complete that nobody waits for. The others stay on the heap for good.
bool completed_what_is_left(Duplicate& duplicate) noexcept {
  bool all = true;
  for (auto& request : duplicate.left) {
    int complete = 0;
    if (MPI_Test(&request->handle, &complete, MPI_STATUS_IGNORE) == MPI_SUCCESS && complete) continue;
    all = false;
    static_cast<void>(new std::shared_ptr<Request>(request));
  }
  duplicate.left.clear();
  return all;
}

/// Frees the duplicate unless a request may still be pending on it.
void free_duplicate(Duplicate& duplicate) noexcept {
  const bool idle = completed_what_is_left(duplicate);
  if (idle && duplicate.poison == nullptr && duplicate.comm != MPI_COMM_NULL) MPI_Comm_free(&duplicate.comm);
  duplicate.comm = MPI_COMM_NULL;
}

void end_attachment(Duplicate& duplicate) noexcept {
  if (const auto attachment = std::exchange(duplicate.attachment, nullptr)) attachment->end();
}

int forget(MPI_Comm, int, void* value, void*) noexcept;
int free_all(MPI_Comm, int, void*, void*) noexcept;

/// All duplicates of the process. An attribute of MPI_COMM_SELF, which MPI_Finalize deletes first: the rest
/// of finalization is too late to free a communicator.
class Registry {
 public:
  static Registry& get() {
    static Registry& registry = *new Registry;  // never destroyed: MPI_Finalize may run in an exit handler
    return registry;
  }

  /// Held while an attribute is looked up and set. An attribute callback, which may run under MPI's own lock,
  /// takes `list_mutex_` alone, and nothing calls MPI under that.
  std::mutex attributes;

  /// The key of the attribute that holds a Duplicate.
  int key() {
    if (key_ != MPI_KEYVAL_INVALID) return key_;
    int self_key = MPI_KEYVAL_INVALID, made = MPI_KEYVAL_INVALID;
    if (MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, forget, &made, nullptr) != MPI_SUCCESS ||
        MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, free_all, &self_key, nullptr) != MPI_SUCCESS ||
        MPI_Comm_set_attr(MPI_COMM_SELF, self_key, this) != MPI_SUCCESS)
      throw Error(ErrorCode::mpi, "MPI could not keep an attribute of MPI_COMM_SELF");
    return key_ = made;
  }

  void add(Held held) {
    const std::lock_guard lock(list_mutex_);
    all_.push_back(std::move(held));
  }
  Held find(const void* duplicate) noexcept {
    const std::lock_guard lock(list_mutex_);
    for (const auto& held : all_)
      if (held.get() == duplicate) return held;
    return nullptr;
  }
  Held take_out(const void* duplicate) noexcept {
    const std::lock_guard lock(list_mutex_);
    const auto found =
        std::find_if(all_.begin(), all_.end(), [&](const Held& held) { return held.get() == duplicate; });
    if (found == all_.end()) return nullptr;
    Held held = std::move(*found);
    all_.erase(found);
    return held;
  }
  std::vector<Held> take_all() noexcept {
    const std::lock_guard lock(list_mutex_);
    return std::exchange(all_, {});
  }

 private:
  int key_ = MPI_KEYVAL_INVALID;
  std::mutex list_mutex_;
  std::vector<Held> all_;
};

/// The original is being freed, which is collective: so is freeing the duplicate here. One that an operation
/// still uses stays, for MPI_Finalize to free; one that is poisoned stays for good.
int forget(MPI_Comm, int, void* value, void*) noexcept {
  auto& registry = Registry::get();
  const Held held = registry.find(value);
  if (held == nullptr || held->busy.exchange(true)) return MPI_SUCCESS;
  end_attachment(*held);
  if (held->poison == nullptr) free_duplicate(*registry.take_out(value));
  return MPI_SUCCESS;
}

int free_all(MPI_Comm, int, void*, void*) noexcept {
  for (const auto& held : Registry::get().take_all()) {
    end_attachment(*held);
    if (!held->busy.exchange(true) && held->poison == nullptr)
      free_duplicate(*held);
    else
      static_cast<void>(new Held(held));  // a request may be pending
  }
  return MPI_SUCCESS;
}

void require_mpi() {
  int initialized = 0, finalized = 0;
  MPI_Initialized(&initialized);
  if (!initialized) throw Error(ErrorCode::mpi, "MPI is not running: call MPI_Init or MPI_Init_thread first");
  MPI_Finalized(&finalized);
  if (finalized) throw Error(ErrorCode::mpi, "MPI is no longer running: checkpoints end before MPI_Finalize");
  int level = MPI_THREAD_SINGLE, is_main = 0;
  MPI_Query_thread(&level);
  MPI_Is_thread_main(&is_main);
  if (level < MPI_THREAD_SERIALIZED && !is_main)
    throw Error(
        ErrorCode::unsupported,
        "only the thread that started MPI may call it at this thread level; save and load there, or ask "
        "MPI_Init_thread for MPI_THREAD_SERIALIZED or more");
}

void require_intra(MPI_Comm original) {
  int inter = 0;
  if (original == MPI_COMM_NULL)
    throw Error(ErrorCode::invalid_argument, "the communicator is MPI_COMM_NULL");
  MPI_Comm_test_inter(original, &inter);
  if (inter)
    throw Error(ErrorCode::invalid_argument,
                "the communicator is an inter-communicator; merge it first (MPI_Intercomm_merge)");
}

/// The attribute's duplicate, or a new one without a communicator; busy in either case.
Held take(MPI_Comm original) {
  auto& registry = Registry::get();
  const std::lock_guard lock(registry.attributes);
  const int key = registry.key();
  void* value = nullptr;
  int found = 0;
  MPI_Comm_get_attr(original, key, &value, &found);
  if (found) {
    Held held = registry.find(value);
    if (held == nullptr) throw Error(ErrorCode::internal, "the communicator's duplicate is lost");
    if (held->busy.exchange(true))
      throw Error(
          ErrorCode::locked,
          "another save or load uses this communicator; finish it first, or give each thread a communicator "
          "of its own");
    return held;
  }
  Held held = std::make_shared<Duplicate>();
  held->busy = true;
  MPI_Comm_rank(original, &held->rank);
  MPI_Comm_size(original, &held->size);
  registry.add(held);
  if (MPI_Comm_set_attr(original, key, held.get()) != MPI_SUCCESS) {
    registry.take_out(held.get());
    throw Error(ErrorCode::mpi, "MPI could not keep an attribute of the communicator");
  }
  return held;
}

void make(Duplicate& duplicate, MPI_Comm original, double timeout_s) {
  constexpr auto kStage = "duplicate the communicator";
  auto request = std::make_unique<Request>();
  check(duplicate, MPI_Comm_idup(original, &request->made, &request->handle), kStage);
  request = finish(duplicate, std::move(request), kStage, timeout_s);
  duplicate.comm = request->made;
  check(duplicate, MPI_Comm_set_errhandler(duplicate.comm, MPI_ERRORS_RETURN), kStage);
}

}  // namespace

std::shared_ptr<Duplicate> acquire(MPI_Comm original, double timeout_s) {
  require_mpi();
  require_intra(original);
  auto duplicate = take(original);
  try {
    if (duplicate->poison != nullptr) throw Error(*duplicate->poison);
    if (duplicate->comm == MPI_COMM_NULL) make(*duplicate, original, timeout_s);
  } catch (...) {
    release(*duplicate);
    throw;
  }
  return duplicate;
}

void release(Duplicate& duplicate) noexcept {
  duplicate.busy = false;
}

}  // namespace cairn::comm
