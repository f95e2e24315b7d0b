#ifndef CAIRN_CAIRN_H
#define CAIRN_CAIRN_H

/** \file
 * Cairn for C: C99 and later, and C++.
 *
 *     cairn_context* context = NULL;
 *     cairn_tree* state = NULL;
 *     const int64_t shape[2] = {nx, ny}, start[2] = {x0, 0}, count[2] = {my_nx, ny};
 *     cairn_context_create(MPI_COMM_WORLD, &context);
 *     cairn_tree_create(&state);
 *     cairn_tree_sharded(state, "T", CAIRN_F64, T, 2, shape, start, count);
 *     cairn_tree_ref(state, "step", CAIRN_I32, &step);
 *     if (cairn_save(context, "run/ckpt", state, NULL, NULL) != CAIRN_OK) puts(cairn_last_error());
 *     cairn_tree_free(state);
 *     cairn_context_free(context);
 *
 * Conventions:
 *
 *  1. Every function returns CAIRN_OK or a cairn_error_code, but those that free, init or tell one value. On
 *     failure the cairn_last_error functions of the calling thread say more, and no result is written, but
 *     that a handle to be made is NULL.
 *  2. Handles are opaque. What a function named create, copy, read or async makes is freed by the function
 *     named free of its type, which takes NULL. Text in a `char**` result is freed by cairn_free. Text in a
 *     `const char*` result or member lives as long as is said there.
 *  3. A tree binds memory: it must stay where it is until no save or load uses the tree any more. What a tree
 *     owns (cairn_tree_value, cairn_tree_text, cairn_load_owned) lives in the tree.
 *  4. Collective functions are marked so, and are called by all ranks of the context's communicator, in the
 *     same order. They succeed on all ranks, or return the same code and message on all. All others
 *     communicate with no one.
 *  5. What is wrong with a binding (a negative extent, a NULL pointer to data, a bad path) is no error of the
 *     call that binds: the next collective call reports it on all ranks, together with everything else. So no
 *     rank can leave before the others.
 *  6. NULL for a handle that is required, and a struct without CAIRN_INIT, are CAIRN_INVALID_ARGUMENT at once
 *     on this rank alone: an error of the program's. NULL for options, and for results that may be left out
 *     ("or NULL"), are ordinary.
 *  7. Structs begin with their size, which CAIRN_INIT sets; it makes all other members zero, which is the
 *     default of each. So members can be added.
 *  8. Shapes, starts and counts are int64_t, 0-based, slowest dimension first (C order), at most 8 of them.
 *  9. Strings are UTF-8 and end in a zero byte. JSON is given and returned as text.
 * 10. One handle is for one thread at a time; different ones may be used by different threads. Two threads
 *     may not be in collective calls on one communicator. Callbacks are called within a call of the library,
 *     on its thread, but for cairn_handler::write.
 * 11. Callbacks that return int return 0 for success. Anything else fails the operation on all ranks with
 *     CAIRN_INTERNAL; cairn_fail says why. A callback must not throw or longjmp. Its `arg` is handed through.
 */

#include <mpi.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define CAIRN_C_API __attribute__((visibility("default")))
#else
#define CAIRN_C_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- errors */

/** The numbers of cairn::ErrorCode, which says more. They never change. */
enum cairn_error_code {
  CAIRN_OK = 0,
  CAIRN_INVALID_ARGUMENT = 1,
  CAIRN_ALREADY_EXISTS = 2,
  CAIRN_NOT_FOUND = 3,
  CAIRN_NOT_A_CHECKPOINT = 4,
  CAIRN_CORRUPT = 5,
  CAIRN_MISMATCH = 6,
  CAIRN_IO = 7,
  CAIRN_NO_SPACE = 8,
  CAIRN_UNSUPPORTED = 9,
  CAIRN_TIMEOUT = 10,
  CAIRN_MPI = 11,
  CAIRN_CANCELLED = 12,
  CAIRN_LOCKED = 13,
  CAIRN_DEVICE = 14,
  CAIRN_OUT_OF_MEMORY = 15,
  CAIRN_INTERNAL = 16
};

/** "mismatch", ...; "unknown" for any other number. Lives for good. */
CAIRN_C_API const char* cairn_error_name(int code);

/** Of the last call of this thread that failed: what went wrong and what to do ("" where none failed; valid
 * until the next call that fails), its code, errno or 0, the first rank that failed or -1, and the file or
 * "". */
CAIRN_C_API const char* cairn_last_error(void);
CAIRN_C_API int cairn_last_error_code(void);
CAIRN_C_API int cairn_last_error_errno(void);
CAIRN_C_API int cairn_last_error_rank(void);
CAIRN_C_API const char* cairn_last_error_path(void);

/** For callbacks: `return cairn_fail("why");`. Returns CAIRN_INTERNAL. */
CAIRN_C_API int cairn_fail(const char* message);

/* ---- what all parts share */

/** Makes a struct of options ready: `cairn_save_options options; CAIRN_INIT(&options);`. */
#define CAIRN_INIT(pointer) cairn_init((pointer), sizeof *(pointer))
CAIRN_C_API void cairn_init(void* options, size_t size);

/** Frees text that a function returned in a `char**`; NULL is ordinary. */
CAIRN_C_API void cairn_free(char* text);

/** Where a callback puts text that it returns; the text is copied. */
typedef struct cairn_text cairn_text;
CAIRN_C_API int cairn_text_set(cairn_text* text, const char* value);

/** "0.1.0". */
CAIRN_C_API const char* cairn_version(void);

typedef struct cairn_metric {
  const char* name;
  double value;
} cairn_metric;

/** cairn::Report: what an operation did, and how long its stages took on this rank. Its texts live until the
 * next call of this thread. */
typedef struct cairn_report {
  size_t struct_size;
  const char* operation; /**< "save", "load" */
  const char* path;
  uint64_t bytes;          /**< of all leaves, over all ranks */
  uint64_t verified_bytes; /**< of a load: those whose checksum was compared */
  uint64_t leaves;
  double plan_s;
  double layout_s;
  double snapshot_s;
  double write_s;
  double commit_s;
  double blocked_s;    /**< how long the caller waited */
  double background_s; /**< and how long work went on behind it */
  int slowest_rank;    /**< the rank that wrote or read longest */
  const char* slowest_host;
} cairn_report;

/* ---- contexts */

/** A communicator, which must live as long as the context is used, and the options for what is done over it:
 * those of the environment (`cairn env` lists them), but for those that are set here. */
typedef struct cairn_context cairn_context;

CAIRN_C_API int cairn_context_create(MPI_Comm comm, cairn_context** context);
/** The same from a Fortran handle (an INTEGER, or the MPI_VAL of a TYPE(MPI_Comm)). */
CAIRN_C_API int cairn_context_create_f(MPI_Fint comm, cairn_context** context);
CAIRN_C_API void cairn_context_free(cairn_context* context);
CAIRN_C_API MPI_Comm cairn_context_comm(const cairn_context* context);

/** An option by name and text, such as ("io.threads", "4") or ("io.block_bytes", "16M"); `io.hints.NAME` is
 * an MPI_Info hint. A name or a text that cannot be is CAIRN_INVALID_ARGUMENT at once. */
CAIRN_C_API int cairn_context_set(cairn_context* context, const char* option, const char* text);
/** What is in force, to be freed by cairn_free. */
CAIRN_C_API int cairn_context_get(const cairn_context* context, const char* option, char** text);
/** A cudaStream_t: copies of device memory begin after the work that it has been given. */
CAIRN_C_API int cairn_context_set_device_stream(cairn_context* context, void* stream);
/** An ncclComm_t of the same ranks in the same order. */
CAIRN_C_API int cairn_context_set_nccl(cairn_context* context, void* nccl);
/** Called on every rank when an operation is over. NULL: nothing is. */
typedef void (*cairn_report_fn)(const cairn_report* report, void* arg);
CAIRN_C_API int cairn_context_on_report(cairn_context* context, cairn_report_fn callback, void* arg);

#ifdef __cplusplus
}
#endif

#include "c_api/checkpoint.h"
#include "c_api/checkpointables.h"
#include "c_api/checkpointer.h"
#include "c_api/policies.h"
#include "c_api/tree.h"

#endif
