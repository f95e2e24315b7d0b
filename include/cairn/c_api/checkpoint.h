#ifndef CAIRN_C_API_CHECKPOINT_H
#define CAIRN_C_API_CHECKPOINT_H

/** \file
 * Saving and loading a tree, and what a checkpoint holds. Included by cairn.h. */

#include "tree.h"

#ifdef __cplusplus
extern "C" {
#endif

/** cairn::SaveOptions. */
typedef struct cairn_save_options {
  size_t struct_size;
  const char* checkpointable_name; /**< NULL: "state" */
  int overwrite;                   /**< replaces a checkpoint at the path */
  const char* custom_metadata;     /**< JSON text; the primary's is stored */
  const cairn_metric* metrics;     /**< likewise */
  size_t metric_count;
} cairn_save_options;

/** Whether values may change their type on the way in. */
typedef enum cairn_cast {
  CAIRN_CAST_NEVER,    /**< another type is CAIRN_MISMATCH */
  CAIRN_CAST_IN_RANGE, /**< converted where each value fits */
  CAIRN_CAST_ANY       /**< converted as C does, saturating where that is undefined */
} cairn_cast;

typedef struct cairn_rename {
  const char* tree_path;
  const char* file_path;
} cairn_rename;

/** cairn::LoadOptions. */
typedef struct cairn_load_options {
  size_t struct_size;
  const char* checkpointable_name; /**< NULL: "state" */
  int partial;                     /**< the tree may name fewer leaves than were saved */
  cairn_cast cast;
  const cairn_rename* renames;
  size_t rename_count;
  int whole;         /**< an owning load: each rank gets whole arrays, else an even block of their rows */
  int deal_per_rank; /**< per_rank values of another number of ranks are dealt out in turn */
} cairn_load_options;

/** A save or a load that goes on in the background. Freeing one is safe at any time and communicates nothing:
 * the operation goes on, and a failure is returned by a later collective call. */
typedef struct cairn_response cairn_response;

/* In all of these, options and report may be NULL. */

/** cairn::save. Collective. */
CAIRN_C_API int cairn_save(const cairn_context* context, const char* path, const cairn_tree* tree,
                           const cairn_save_options* options, cairn_report* report);
/** cairn::save_async: returns when the memory may change again. Collective. */
CAIRN_C_API int cairn_save_async(const cairn_context* context, const char* path, const cairn_tree* tree,
                                 const cairn_save_options* options, cairn_response** response);
/** cairn::load: fills the memory that the tree binds. Collective. */
CAIRN_C_API int cairn_load(const cairn_context* context, const char* path, cairn_tree* tree,
                           const cairn_load_options* options, cairn_report* report);
/** All leaves that were saved, in memory of a new tree's own. Collective. */
CAIRN_C_API int cairn_load_owned(const cairn_context* context, const char* path,
                                 const cairn_load_options* options, cairn_tree** tree);
/** cairn::load_async: the tree must live until the result. Collective. */
CAIRN_C_API int cairn_load_async(const cairn_context* context, const char* path, cairn_tree* tree,
                                 const cairn_load_options* options, cairn_response** response);

/** Waits until it is over, and returns what went wrong on any rank. The response is then not valid any more,
 * and is still to be freed. Collective. */
CAIRN_C_API int cairn_response_result(cairn_response* response, cairn_report* report);
/** Gives it up and waits until it is over. Collective. */
CAIRN_C_API int cairn_response_cancel(cairn_response* response);
/** *done: this rank's part is over. */
CAIRN_C_API int cairn_response_poll(cairn_response* response, int* done);
/** *free_again: the memory that was given may be changed. */
CAIRN_C_API int cairn_response_snapshotted(const cairn_response* response, int* free_again);
/** Whether there is anything to wait for: 1 or 0. */
CAIRN_C_API int cairn_response_valid(const cairn_response* response);
/** Called once, in cairn_response_poll or cairn_response_result, or in the next collective call where the
 * response was freed. code and message: as of cairn_last_error. */
typedef void (*cairn_complete_fn)(const cairn_report* report, int code, const char* message, void* arg);
CAIRN_C_API int cairn_response_on_complete(cairn_response* response, cairn_complete_fn callback, void* arg);
CAIRN_C_API void cairn_response_free(cairn_response* response);

/** Reads every byte, and says all that is wrong: `problem` (or NULL) is called for each on every rank,
 * *problems (or NULL) is how many. Collective. */
typedef void (*cairn_problem_fn)(int code, const char* message, const char* path, void* arg);
CAIRN_C_API int cairn_verify(const cairn_context* context, const char* path, size_t* problems,
                             cairn_problem_fn problem, void* arg);

/** *there: a committed checkpoint is at the path. Collective; the `_local` one is not, and needs no MPI. */
CAIRN_C_API int cairn_is_checkpoint(const cairn_context* context, const char* path, int* there);
CAIRN_C_API int cairn_is_checkpoint_local(const char* path, int* there);

/** What a checkpoint holds, without its arrays. All that it tells lives as long as it. */
typedef struct cairn_metadata cairn_metadata;

typedef struct cairn_metadata_info {
  size_t struct_size;
  int format_version;
  int world_size; /**< ranks that saved it */
  const char* library_version;
  double created_s;            /**< since 1970 */
  const char* custom_metadata; /**< JSON text; "null" where none was given */
  size_t metric_count;
  size_t checkpointable_count;
} cairn_metadata_info;

typedef struct cairn_checkpointable_info {
  size_t struct_size;
  const char* name;
  const char* handler; /**< "tree"; else the type of the handler that saved it */
  const char* file;    /**< the first one by name; may be "" */
  uint64_t bytes;
  size_t leaf_count;
  const char* metadata; /**< JSON text of what the handler tells; "null" where it does not */
} cairn_checkpointable_info;

/** Collective; the `_local` one is not, and needs no MPI. */
CAIRN_C_API int cairn_metadata_read(const cairn_context* context, const char* path,
                                    cairn_metadata** metadata);
CAIRN_C_API int cairn_metadata_read_local(const char* path, cairn_metadata** metadata);
CAIRN_C_API void cairn_metadata_free(cairn_metadata* metadata);

CAIRN_C_API int cairn_metadata_get(const cairn_metadata* metadata, cairn_metadata_info* info);
/* By number, ordered by name; one that is too large is CAIRN_INVALID_ARGUMENT. */
CAIRN_C_API int cairn_metadata_metric(const cairn_metadata* metadata, size_t index, cairn_metric* metric);
CAIRN_C_API int cairn_metadata_checkpointable(const cairn_metadata* metadata, size_t index,
                                              cairn_checkpointable_info* info);
CAIRN_C_API int cairn_metadata_leaf(const cairn_metadata* metadata, size_t checkpointable, size_t index,
                                    cairn_leaf* leaf);

#ifdef __cplusplus
}
#endif

#endif
