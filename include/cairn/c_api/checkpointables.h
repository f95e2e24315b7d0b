#ifndef CAIRN_C_API_CHECKPOINTABLES_H
#define CAIRN_C_API_CHECKPOINTABLES_H

/** \file
 * Several named things of different kinds in one checkpoint, and handlers of a program's own. Included by
 * cairn.h. */

#include "checkpoint.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Names and things. What it refers to (trees, objects, `arg`s), and itself, must live until the saves and
 * loads that use it are over. A bad name is reported by those. */
typedef struct cairn_checkpointables cairn_checkpointables;

CAIRN_C_API int cairn_checkpointables_create(cairn_checkpointables** things);
CAIRN_C_API void cairn_checkpointables_free(cairn_checkpointables* things);

CAIRN_C_API int cairn_checkpointables_add_tree(cairn_checkpointables* things, const char* name,
                                               cairn_tree* tree);
/** A JSON value that the handle owns, at first this one (NULL: null); a load replaces it. */
CAIRN_C_API int cairn_checkpointables_add_json(cairn_checkpointables* things, const char* name,
                                               const char* json);
/** The value now, to be freed by cairn_free. CAIRN_NOT_FOUND. */
CAIRN_C_API int cairn_checkpointables_get_json(const cairn_checkpointables* things, const char* name,
                                               char** json);
/** A file, the same one for all ranks: copied into the checkpoint, and out of it by a load. */
CAIRN_C_API int cairn_checkpointables_add_file(cairn_checkpointables* things, const char* name,
                                               const char* path);

/** Whose state it is. */
typedef enum cairn_state_scope {
  CAIRN_STATE_PER_RANK,  /**< each rank has its own; all are stored */
  CAIRN_STATE_REPLICATED /**< equal on every rank (checked), stored once */
} cairn_state_scope;

/** Something with a state as JSON text: cairn::stateful. A member that is NULL cannot be done. */
typedef struct cairn_stateful {
  size_t struct_size;
  void* arg;
  cairn_state_scope scope;
  int (*save)(void* arg, cairn_text* json);
  int (*load)(void* arg, const char* json);
  /** The states of all `ranks` ranks that saved; called where their number has changed, or `load` is NULL. */
  int (*load_all)(void* arg, const char* const* json, int ranks, int rank, int ranks_now);
} cairn_stateful;
CAIRN_C_API int cairn_checkpointables_add_stateful(cairn_checkpointables* things, const char* name,
                                                   const cairn_stateful* stateful);

/** An object of the program's, for a handler that takes objects of this type. */
CAIRN_C_API int cairn_checkpointables_add_object(cairn_checkpointables* things, const char* name,
                                                 const char* type, void* object);

/** cairn::save_checkpointables and its kin. Collective. */
CAIRN_C_API int cairn_save_checkpointables(const cairn_context* context, const char* path,
                                           const cairn_checkpointables* things,
                                           const cairn_save_options* options, cairn_report* report);
CAIRN_C_API int cairn_save_checkpointables_async(const cairn_context* context, const char* path,
                                                 const cairn_checkpointables* things,
                                                 const cairn_save_options* options,
                                                 cairn_response** response);
CAIRN_C_API int cairn_load_checkpointables(const cairn_context* context, const char* path,
                                           const cairn_checkpointables* things,
                                           const cairn_load_options* options, cairn_report* report);

/* ---- a checkpoint made in several calls: cairn/partial.hpp */

/** Adds a tree, or several things, to the checkpoint that is being made at `path`, or begins one. It is not
 * visible before cairn_partial_finalize. Collective, over the same context for all calls. */
CAIRN_C_API int cairn_partial_save(const cairn_context* context, const char* path, const cairn_tree* tree,
                                   const cairn_save_options* options, cairn_report* report);
CAIRN_C_API int cairn_partial_save_checkpointables(const cairn_context* context, const char* path,
                                                   const cairn_checkpointables* things,
                                                   const cairn_save_options* options, cairn_report* report);
/** Commits what was added. CAIRN_NOT_FOUND where nothing was begun. Collective. */
CAIRN_C_API int cairn_partial_finalize(const cairn_context* context, const char* path, cairn_report* report);

/* ---- one save at a time: cairn::AsyncCheckpointer */

typedef struct cairn_async_checkpointer cairn_async_checkpointer;

CAIRN_C_API int cairn_async_checkpointer_create(const cairn_context* context,
                                                cairn_async_checkpointer** checkpointer);
/** Waits for the save before it. Collective. */
CAIRN_C_API int cairn_async_checkpointer_save(cairn_async_checkpointer* checkpointer, const char* path,
                                              const cairn_checkpointables* things,
                                              const cairn_save_options* options, cairn_response** response);
/** Returns when no save is under way. Collective. */
CAIRN_C_API int cairn_async_checkpointer_wait(cairn_async_checkpointer* checkpointer);
CAIRN_C_API void cairn_async_checkpointer_free(cairn_async_checkpointer* checkpointer);

/* ---- handlers: cairn::Handler */

/** What a handler is given in a save or a load. It lives as long as that callback. */
typedef struct cairn_scope cairn_scope;

CAIRN_C_API MPI_Comm cairn_scope_comm(const cairn_scope* scope);
/** The same as a Fortran handle. */
CAIRN_C_API MPI_Fint cairn_scope_comm_f(const cairn_scope* scope);
/** The file NAME<suffix> of this checkpointable, to be freed by cairn_free. A save must name its files here,
 * on at least one rank, before its callback returns. */
CAIRN_C_API int cairn_scope_file(const cairn_scope* scope, const char* suffix, char** path);
/** Runs local_step on every rank, and returns the same on all of them. What it returns, the callback should
 * return; the operation has failed in any case. Collective. */
CAIRN_C_API int cairn_scope_agree(cairn_scope* scope, int (*local_step)(void* arg), void* arg);

/** One kind of thing. `arg` must live until `destroy` is called; without it, as long as the context, all that
 * was made of it, and all operations over them. */
typedef struct cairn_handler {
  size_t struct_size;
  const char* type; /**< recorded in the checkpoint; copied. Not "tree", "json", "stateful" or "file" */
  void* arg;
  /** Whether it takes objects of this type: 1 or 0. NULL: of its own type alone. */
  int (*handles)(void* arg, const char* object_type);
  /** Takes the object's state into `*job`, on every rank, so that the object may change afterwards. */
  int (*save)(void* arg, cairn_scope* scope, void* object, void** job);
  /** Writes this rank's part, on any thread, without MPI, HDF5 or the scope; NULL: `save` did. */
  int (*write)(void* arg, void* job);
  /** Called once for a job that is not NULL, when it is over, on any thread. NULL: nothing is. */
  void (*release)(void* arg, void* job);
  /** Fills the object, on every rank. */
  int (*load)(void* arg, cairn_scope* scope, void* object);
  /** Tells of a saved object without loading it; `file` is the first of its files. NULL: nothing. */
  int (*metadata)(void* arg, const char* file, cairn_text* json);
  /** Called once when no other function of the handler can be called any more, on any thread; also where it
   * could not be added. NULL: nothing is. */
  void (*destroy)(void* arg);
} cairn_handler;

/** bound_name: the checkpointable that it is for; NULL: any. Later ones win. CAIRN_INVALID_ARGUMENT at once
 * of a type that cannot be, or a second handler of its type for that name. */
CAIRN_C_API int cairn_context_add_handler(cairn_context* context, const cairn_handler* handler,
                                          const char* bound_name);

#ifdef __cplusplus
}
#endif

#endif
