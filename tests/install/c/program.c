/* A program outside of the library's build, in C99. */

#include <cairn/cairn.h>
#include <stdio.h>

static void check(int code) {
  if (code == CAIRN_OK) return;
  fprintf(stderr, "%s\n", cairn_last_error());
  MPI_Abort(MPI_COMM_WORLD, code);
}

int main(int argc, char** argv) {
  int rank = 0, ranks = 1, i = 0, wrong = 0;
  int64_t shape = 0, start = 0, count = 5, step = 7;
  double rows[5];
  cairn_context* context = NULL;
  cairn_tree* state = NULL;
  if (argc != 2) return 2;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  shape = 5 * ranks;
  start = 5 * rank;
  for (i = 0; i < 5; ++i) rows[i] = rank;
  check(cairn_context_create(MPI_COMM_WORLD, &context));
  check(cairn_tree_create(&state));
  check(cairn_tree_sharded(state, "rows", CAIRN_F64, rows, 1, &shape, &start, &count));
  check(cairn_tree_ref(state, "step", CAIRN_I64, &step));
  check(cairn_save(context, argv[1], state, NULL, NULL));
  for (i = 0; i < 5; ++i) rows[i] = -1;
  step = 0;
  check(cairn_load(context, argv[1], state, NULL, NULL));
  for (i = 0; i < 5; ++i) wrong += rows[i] != rank;
  if (wrong || step != 7) return 1;
  if (rank == 0) printf("saved and loaded on %d ranks\n", ranks);
  cairn_tree_free(state);
  cairn_context_free(context);
  MPI_Finalize();
  return 0;
}
