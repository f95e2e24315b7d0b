#ifndef CAIRN_C_API_CHECKPOINTER_H
#define CAIRN_C_API_CHECKPOINTER_H

/** \file
 * The checkpoints of a run: see cairn/checkpointer.hpp. Included by cairn.h. */

#include "checkpointables.h"
#include "policies.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cairn_checkpointer cairn_checkpointer;

/** cairn::CheckpointerOptions. The policies are copied, and still to be freed. */
typedef struct cairn_checkpointer_options {
  size_t struct_size;
  const cairn_save_policy* save_when; /**< NULL: every step */
  const cairn_keep_policy* keep;      /**< NULL: all */
  const char* prefix;                 /**< of the names of steps; NULL: "" */
  int digits;                         /**< zeros are put before a step up to so many */
} cairn_checkpointer_options;

/** cairn::StepOptions. */
typedef struct cairn_step_options {
  size_t struct_size;
  const cairn_metric* metrics; /**< the primary's are stored */
  size_t metric_count;
  const char* custom_metadata; /**< JSON text */
  int force;                   /**< saves whatever the policy says */
  int overwrite;               /**< also a step that exists, or one before the latest */
} cairn_step_options;

/* Steps are 0 or more; where a step is a result, -1 means none. Results and options may be NULL. */

/** Collective. */
CAIRN_C_API int cairn_checkpointer_create(const cairn_context* context, const char* root,
                                          const cairn_checkpointer_options* options,
                                          cairn_checkpointer** checkpointer);
/** Communicates nothing; a save in the background goes on. */
CAIRN_C_API void cairn_checkpointer_free(cairn_checkpointer* checkpointer);

/** *saved: whether the policy (or `force`) said so. Collective. */
CAIRN_C_API int cairn_checkpointer_save(cairn_checkpointer* checkpointer, int64_t step,
                                        const cairn_tree* tree, const cairn_step_options* options,
                                        int* saved);
CAIRN_C_API int cairn_checkpointer_save_async(cairn_checkpointer* checkpointer, int64_t step,
                                              const cairn_tree* tree, const cairn_step_options* options,
                                              int* saved);
CAIRN_C_API int cairn_checkpointer_save_checkpointables(cairn_checkpointer* checkpointer, int64_t step,
                                                        const cairn_checkpointables* things,
                                                        const cairn_step_options* options, int* saved);
CAIRN_C_API int cairn_checkpointer_save_checkpointables_async(cairn_checkpointer* checkpointer, int64_t step,
                                                              const cairn_checkpointables* things,
                                                              const cairn_step_options* options, int* saved);

/** Collective. */
CAIRN_C_API int cairn_checkpointer_load(cairn_checkpointer* checkpointer, int64_t step, cairn_tree* tree,
                                        const cairn_load_options* options, cairn_report* report);
CAIRN_C_API int cairn_checkpointer_load_checkpointables(cairn_checkpointer* checkpointer, int64_t step,
                                                        const cairn_checkpointables* things,
                                                        const cairn_load_options* options,
                                                        cairn_report* report);
/** *step: the newest that is intact, and is loaded now; -1: a fresh start. Collective. */
CAIRN_C_API int cairn_checkpointer_restore_latest(cairn_checkpointer* checkpointer, cairn_tree* tree,
                                                  const cairn_load_options* options, int64_t* step);
CAIRN_C_API int cairn_checkpointer_restore_latest_checkpointables(cairn_checkpointer* checkpointer,
                                                                  const cairn_checkpointables* things,
                                                                  const cairn_load_options* options,
                                                                  int64_t* step);

/** The steps that are there, or those known to be damaged, ascending: the first `capacity` of them into
 * `steps`, *count how many there are. Not collective. */
CAIRN_C_API int cairn_checkpointer_steps(const cairn_checkpointer* checkpointer, int64_t* steps,
                                         size_t capacity, size_t* count);
CAIRN_C_API int cairn_checkpointer_damaged(const cairn_checkpointer* checkpointer, int64_t* steps,
                                           size_t capacity, size_t* count);
/** Not collective. */
CAIRN_C_API int cairn_checkpointer_latest(const cairn_checkpointer* checkpointer, int64_t* step);
CAIRN_C_API int cairn_checkpointer_best(const cairn_checkpointer* checkpointer, const char* metric,
                                        cairn_best which, int64_t* step);
/** Collective. */
CAIRN_C_API int cairn_checkpointer_metadata(cairn_checkpointer* checkpointer, int64_t step,
                                            cairn_metadata** metadata);

/** Collective. */
CAIRN_C_API int cairn_checkpointer_should_save(cairn_checkpointer* checkpointer, int64_t step, int* answer);
CAIRN_C_API int cairn_checkpointer_should_stop(cairn_checkpointer* checkpointer, int* answer);
/** What main should return: 0, or 75 where the run was stopped and is to be run again. Not collective. */
CAIRN_C_API int cairn_checkpointer_exit_status(const cairn_checkpointer* checkpointer);

/** Collective. */
CAIRN_C_API int cairn_checkpointer_remove(cairn_checkpointer* checkpointer, int64_t step);
CAIRN_C_API int cairn_checkpointer_pin(cairn_checkpointer* checkpointer, int64_t step);
CAIRN_C_API int cairn_checkpointer_unpin(cairn_checkpointer* checkpointer, int64_t step);
CAIRN_C_API int cairn_checkpointer_wait(cairn_checkpointer* checkpointer);
CAIRN_C_API int cairn_checkpointer_reload(cairn_checkpointer* checkpointer);
CAIRN_C_API int cairn_checkpointer_close(cairn_checkpointer* checkpointer);

/** cairn::wait_for_new_checkpoint. Collective. */
CAIRN_C_API int cairn_wait_for_new_checkpoint(const cairn_context* context, const char* root, int64_t after,
                                              double timeout_s, int64_t* step);

#ifdef __cplusplus
}
#endif

#endif
