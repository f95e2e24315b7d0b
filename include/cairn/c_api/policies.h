#ifndef CAIRN_C_API_POLICIES_H
#define CAIRN_C_API_POLICIES_H

/** \file
 * When a step is saved, and which saved steps are kept: see cairn/policies.hpp. Included by cairn.h. Nothing
 * here is collective. */

#ifdef __cplusplus
extern "C" {
#endif

/** A policy is a value that a checkpointer copies. What is wrong with its parameters is reported by
 * cairn_checkpointer_create, on all ranks. The functions that make one return NULL only where memory fails;
 * the any_of and all_of functions take their parts over, and must not be given one twice. */
typedef struct cairn_save_policy cairn_save_policy;
typedef struct cairn_keep_policy cairn_keep_policy;

typedef enum cairn_best { CAIRN_LOWEST, CAIRN_HIGHEST } cairn_best;

CAIRN_C_API cairn_save_policy* cairn_save_never(void);
CAIRN_C_API cairn_save_policy* cairn_save_every_steps(int64_t n);
CAIRN_C_API cairn_save_policy* cairn_save_every(double seconds);
CAIRN_C_API cairn_save_policy* cairn_save_at_steps(const int64_t* steps, size_t count);
CAIRN_C_API cairn_save_policy* cairn_save_first_step(void);
CAIRN_C_API cairn_save_policy* cairn_save_on_signal(int signal);
CAIRN_C_API cairn_save_policy* cairn_save_on_file(const char* path);
/** Seconds since 1970; 0: what SLURM_JOB_END_TIME says. */
CAIRN_C_API cairn_save_policy* cairn_save_before_deadline(double time_s);
CAIRN_C_API cairn_save_policy* cairn_save_young_daly(double mean_seconds_between_failures);
CAIRN_C_API cairn_save_policy* cairn_save_overhead_below(double fraction);
CAIRN_C_API cairn_save_policy* cairn_save_any_of(cairn_save_policy* const* parts, size_t count);
CAIRN_C_API cairn_save_policy* cairn_save_all_of(cairn_save_policy* const* parts, size_t count);

/** cairn::StepInfo. */
typedef struct cairn_step_info {
  size_t struct_size;
  int64_t step;
  int64_t last_saved;       /**< -1: nothing was */
  double since_last_save_s; /**< where nothing was saved: since the start */
  double save_s;            /**< how long a save keeps the caller waiting; 0: not measured */
  double step_s;            /**< how long a step takes; 0: not measured */
} cairn_step_info;

/** The program's own: called on the primary; returns 1 to save, 0 not to. */
typedef int (*cairn_save_fn)(const cairn_step_info* info, void* arg);
CAIRN_C_API cairn_save_policy* cairn_save_by(cairn_save_fn call, void* arg);
CAIRN_C_API void cairn_save_policy_free(cairn_save_policy* policy);

CAIRN_C_API cairn_keep_policy* cairn_keep_all(void);
CAIRN_C_API cairn_keep_policy* cairn_keep_latest(int n);
CAIRN_C_API cairn_keep_policy* cairn_keep_best(const char* metric, int n, cairn_best which);
CAIRN_C_API cairn_keep_policy* cairn_keep_every_steps(int64_t n);
CAIRN_C_API cairn_keep_policy* cairn_keep_every(double seconds);
CAIRN_C_API cairn_keep_policy* cairn_keep_steps(const int64_t* steps, size_t count);
CAIRN_C_API cairn_keep_policy* cairn_keep_any_of(cairn_keep_policy* const* parts, size_t count);
CAIRN_C_API cairn_keep_policy* cairn_keep_all_of(cairn_keep_policy* const* parts, size_t count);

/** cairn::SavedStep. */
typedef struct cairn_saved_step {
  int64_t step;
  double time_s; /**< since 1970 */
  const cairn_metric* metrics;
  size_t metric_count;
  int pinned;
} cairn_saved_step;

/** The program's own: called on the primary with the saved steps, ascending; sets keep[i] (0 before) to 1 for
 * those to keep. */
typedef void (*cairn_keep_fn)(const cairn_saved_step* steps, size_t count, int* keep, void* arg);
CAIRN_C_API cairn_keep_policy* cairn_keep_by(cairn_keep_fn call, void* arg);
CAIRN_C_API void cairn_keep_policy_free(cairn_keep_policy* policy);

#ifdef __cplusplus
}
#endif

#endif
