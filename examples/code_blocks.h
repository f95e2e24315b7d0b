#ifndef CODE_BLOCKS_H
#define CODE_BLOCKS_H

#include <cairn/cairn.h>
#include <mpi.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** \file
 * What the code blocks of a document in C find, besides what they make themselves. A block may use any of it,
 * and need not; it is made anew for each. Each runs in an empty directory of its own. What is bound to
 * `state` after a block must be fit to be saved. */

enum { nx = 100, ny = 40 }; /* a global array, in rows over the ranks */

static cairn_context* context;
static cairn_tree* state;                    /* holds `step`, and T under the name U */
static double* T;                            /* these rows, with one more on each side, and a column too */
static int64_t shape[2], start[2], count[2]; /* of this rank's rows */
static int64_t allocated[2], one_one[2] = {1, 1}; /* of T, and where in it they begin */
static cairn_save_options options;
static cairn_checkpointer* checkpoints;
static int64_t step, last;
static int stop, status;

static inline void check(int code) {
  if (code == CAIRN_OK) return;
  fprintf(stderr, "%s\n", cairn_last_error());
  MPI_Abort(MPI_COMM_WORLD, code);
}

static inline void step_the_model(void) {
  T[0] += 1;
}

static inline void advance(int64_t to) {
  T[0] += (double)to;
}

static inline void make_setting(void) {
  cairn_slab slab;
  cairn_memory memory;
  int64_t rank, ranks;
  int mpi_rank = 0, mpi_ranks = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &mpi_rank);
  MPI_Comm_size(MPI_COMM_WORLD, &mpi_ranks);
  rank = mpi_rank, ranks = mpi_ranks;
  shape[0] = nx, shape[1] = ny;
  start[0] = nx * rank / ranks, start[1] = 0;
  count[0] = nx * (rank + 1) / ranks - start[0], count[1] = ny;
  allocated[0] = count[0] + 2, allocated[1] = count[1] + 2;
  T = (double*)calloc((size_t)(allocated[0] * allocated[1]), sizeof *T);
  step = 7, last = 250, stop = status = 0;
  CAIRN_INIT(&options);
  CAIRN_INIT(&slab);
  CAIRN_INIT(&memory);
  slab.ndims = 2, slab.shape = shape, slab.start = start, slab.count = count;
  memory.shape = allocated, memory.start = one_one;
  check(cairn_context_create(MPI_COMM_WORLD, &context));
  check(cairn_tree_create(&state));
  check(cairn_tree_ref(state, "step", CAIRN_I64, &step));
  check(cairn_tree_sharded_in(state, "U", CAIRN_F64, T, &slab, &memory));
}

static inline void free_setting(void) {
  cairn_checkpointer_free(checkpoints);
  cairn_tree_free(state);
  cairn_context_free(context);
  free(T);
  checkpoints = NULL;
}

void enter_block(int line);
void leave_block(int line);

static inline void run_block(int line, void (*block)(void)) {
  enter_block(line);
  make_setting();
  block();
  check(cairn_save(context, "after.ckpt", state, NULL, NULL));
  free_setting();
  leave_block(line);
}

#endif
