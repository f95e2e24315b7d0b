#include "test_c_api.h"

int test_failures, test_rank, test_ranks;
char test_directory[256];

const char* test_path(const char* name) {
  static char paths[4][512];
  static int next;
  char* path = paths[next = (next + 1) % 4];
  snprintf(path, sizeof paths[0], "%s/%s", test_directory, name);
  return path;
}

cairn_context* test_context(void) {
  cairn_context* context = NULL;
  CHECK_OK(cairn_context_create(MPI_COMM_WORLD, &context));
  return context;
}

/* ---- a tree with one leaf of each kind */

enum { NY = 5, ROWS = 3 };

typedef struct {
  int64_t rows, capacity;
  double* data;
} Particles;

static void* particle_data(void* arg, int64_t* rows) {
  const Particles* particles = (const Particles*)arg;
  *rows = particles->rows;
  return particles->data;
}

static int resize_particles(void* arg, int64_t rows) {
  Particles* particles = (Particles*)arg;
  particles->data = (double*)realloc(particles->data, (size_t)(rows + 1) * 2 * sizeof(double));
  particles->rows = rows;
  return particles->data == NULL ? cairn_fail("no room for particles") : 0;
}

typedef struct {
  double halo[ROWS + 2][NY + 2]; /* this rank's ROWS rows, within a halo */
  float whole[4];
  uint8_t seed[2];
  int16_t list[2];
  int64_t transposed[2][3]; /* a 3 by 2 array, column after column */
  int32_t step;
  int32_t boxes[2][2];
  Particles particles;
  char note[16];
  double both[2];
} State;

static double value_at(int64_t row, int64_t column) {
  return (double)(row * 100 + column);
}

static void fill(State* state) {
  int i, j;
  memset(state, 0, sizeof *state);
  for (i = 0; i < ROWS; ++i)
    for (j = 0; j < NY; ++j) state->halo[i + 1][j + 1] = value_at(test_rank * ROWS + i, j);
  for (i = 0; i < 4; ++i) state->whole[i] = (float)i + 0.5f;
  for (i = 0; i < 3; ++i)
    for (j = 0; j < 2; ++j) state->transposed[j][i] = 10 * i + j;
  state->seed[0] = (uint8_t)(test_rank + 1);
  state->seed[1] = 7;
  state->list[0] = (int16_t)(2 * test_rank);
  state->list[1] = (int16_t)(2 * test_rank + 1);
  state->step = 42;
  for (i = 0; i < 4; ++i) state->boxes[i / 2][i % 2] = 10 * test_rank + i;
  state->both[0] = 1.5;
  state->both[1] = 2.5;
  strcpy(state->note, "schöne Zeile");
  resize_particles(&state->particles, test_rank + 1);
  for (i = 0; i < 2 * (test_rank + 1); ++i) state->particles.data[i] = 1000 * test_rank + i;
}

static void bind(State* state, cairn_tree* tree) {
  const int64_t shape[2] = {(int64_t)test_ranks * ROWS, NY}, start[2] = {(int64_t)test_rank * ROWS, 0};
  const int64_t count[2] = {ROWS, NY}, memory_shape[2] = {ROWS + 2, NY + 2}, memory_start[2] = {1, 1};
  const int64_t four[1] = {4}, two[1] = {2}, three_two[2] = {3, 2}, strides[2] = {1, 3};
  const int64_t box_shape[2] = {2, (int64_t)test_ranks * 2}, box_count[2] = {1, 2};
  int64_t box_start[2] = {0, 0};
  cairn_slab slab;
  cairn_memory memory;
  cairn_rows rows;
  CAIRN_INIT(&slab);
  CAIRN_INIT(&memory);
  CAIRN_INIT(&rows);
  slab.ndims = 2;
  slab.shape = shape;
  slab.start = start;
  slab.count = count;
  memory.shape = memory_shape;
  memory.start = memory_start;
  CHECK_OK(cairn_tree_sharded_in(tree, "field/T", CAIRN_F64, state->halo, &slab, &memory));
  CHECK_OK(cairn_tree_replicated(tree, "whole", CAIRN_F32, state->whole, 1, four, NULL));
  CHECK_OK(cairn_tree_replicated(tree, "transposed", CAIRN_I64, state->transposed, 2, three_two, strides));
  CHECK_OK(cairn_tree_per_rank(tree, "seed", CAIRN_U8, state->seed, 1, two, NULL));
  CHECK_OK(cairn_tree_appended(tree, "list", CAIRN_I16, state->list, 2, 0, NULL, NULL));
  rows.arg = &state->particles;
  rows.data = particle_data;
  rows.resize = resize_particles;
  CHECK_OK(cairn_tree_appended_rows(tree, "particles/x", CAIRN_F64, &rows, 1, two));
  CHECK_OK(cairn_tree_ref(tree, "step", CAIRN_I32, &state->step));
  CHECK_OK(cairn_tree_ref_text(tree, "note", state->note, sizeof state->note));
  CHECK_OK(cairn_tree_text(tree, "own/text", "fixed"));
  CHECK_OK(cairn_tree_value(tree, "own/value", CAIRN_F64, state->both));
  /* Two boxes a rank: one of the upper row, one of the lower. */
  CHECK_OK(cairn_tree_sharded_none(tree, "boxes", CAIRN_I32, 2, box_shape));
  slab.shape = NULL;
  slab.start = box_start;
  slab.count = box_count;
  box_start[1] = 2 * test_rank;
  CHECK_OK(cairn_tree_also(tree, "boxes", state->boxes[0], &slab, NULL));
  box_start[0] = 1;
  CHECK_OK(cairn_tree_also(tree, "boxes", state->boxes[1], &slab, NULL));
  /* Held by every rank: as many replicas. */
  slab.ndims = 1;
  slab.shape = slab.count = two;
  slab.start = NULL;
  slab.count = NULL;
  slab.replica = test_rank;
  slab.replicas = test_ranks;
  CHECK_OK(cairn_tree_sharded_in(tree, "replicas", CAIRN_F64, state->both, &slab, NULL));
}

/* Whether two states hold the same, but for the halo. */
static void compare(const State* a, const State* b) {
  int i;
  for (i = 1; i <= ROWS; ++i) CHECK(memcmp(&a->halo[i][1], &b->halo[i][1], NY * sizeof(double)) == 0);
  CHECK(memcmp(a->whole, b->whole, sizeof a->whole) == 0);
  CHECK(memcmp(a->transposed, b->transposed, sizeof a->transposed) == 0);
  CHECK(memcmp(a->seed, b->seed, sizeof a->seed) == 0);
  CHECK(memcmp(a->list, b->list, sizeof a->list) == 0);
  CHECK(memcmp(a->boxes, b->boxes, sizeof a->boxes) == 0);
  CHECK(memcmp(a->both, b->both, sizeof a->both) == 0);
  CHECK(a->step == b->step);
  CHECK(strcmp(a->note, b->note) == 0);
  CHECK(a->particles.rows == b->particles.rows);
  if (a->particles.rows == b->particles.rows)
    CHECK(memcmp(a->particles.data, b->particles.data, (size_t)a->particles.rows * 2 * sizeof(double)) == 0);
}

static void count_report(const cairn_report* report, void* arg) {
  CHECK(strcmp(report->path, test_path("round_trip")) == 0);
  ++*(int*)arg;
}

static void test_round_trip(void) {
  State saved, loaded;
  cairn_context* context = test_context();
  cairn_tree *tree = NULL, *target = NULL;
  cairn_save_options options;
  cairn_report report;
  cairn_metric metric;
  int reports = 0;
  metric.name = "loss";
  metric.value = 0.25;
  CHECK_OK(cairn_tree_create(&tree));
  CHECK_OK(cairn_tree_create(&target));
  fill(&saved);
  bind(&saved, tree);
  CAIRN_INIT(&options);
  CAIRN_INIT(&report);
  options.custom_metadata = "{\"lr\": [1, 2.5]}";
  options.metrics = &metric;
  options.metric_count = 1;
  CHECK_OK(cairn_context_on_report(context, count_report, &reports));
  CHECK_OK(cairn_save(context, test_path("round_trip"), tree, &options, &report));
  CHECK(report.leaves == 12 && strcmp(report.operation, "save") == 0);
  CHECK_FAILS(cairn_save(context, test_path("round_trip"), tree, &options, NULL), CAIRN_ALREADY_EXISTS,
              "round_trip");
  CHECK(strstr(cairn_last_error_path(), "round_trip") != NULL);

  fill(&loaded);
  loaded.step = 0;
  strcpy(loaded.note, "?");
  memset(loaded.halo, 0, sizeof loaded.halo);
  memset(loaded.whole, 0, sizeof loaded.whole);
  memset(loaded.transposed, 0, sizeof loaded.transposed);
  memset(loaded.seed, 0, sizeof loaded.seed);
  memset(loaded.list, 0, sizeof loaded.list);
  memset(loaded.boxes, 0, sizeof loaded.boxes);
  memset(loaded.both, 0, sizeof loaded.both);
  bind(&loaded, target);
  CHECK_OK(cairn_load(context, test_path("round_trip"), target, NULL, NULL));
  compare(&saved, &loaded);
  CHECK(loaded.halo[0][0] == 0 && loaded.halo[ROWS + 1][NY + 1] == 0);
  CHECK(reports >= 2);
  CHECK(count_wrong_values(MPI_COMM_WORLD, test_path("round_trip")) == 0);
  cairn_tree_free(tree);
  cairn_tree_free(target);
  cairn_context_free(context);
}

/* ---- looking at trees and checkpoints */

static void test_owned(void) {
  cairn_context* context = test_context();
  cairn_tree *tree = NULL, *below = NULL;
  cairn_load_options options;
  cairn_leaf leaf;
  const void* data = NULL;
  const char* path = NULL;
  char* text = NULL;
  int64_t step = 0;
  int erased = 0, leaves = 0;
  CAIRN_INIT(&options);
  CAIRN_INIT(&leaf);
  options.whole = 1;
  CHECK_OK(cairn_load_owned(context, test_path("round_trip"), &options, &tree));
  for (path = cairn_tree_next(tree, NULL); path != NULL; path = cairn_tree_next(tree, path)) ++leaves;
  CHECK(leaves == 12 && cairn_tree_size(tree) == 12);
  CHECK_OK(cairn_tree_leaf(tree, "field/T", &leaf));
  CHECK(leaf.kind == CAIRN_REPLICATED && leaf.dtype == CAIRN_F64 && leaf.ndims == 2);
  CHECK(leaf.count[0] == test_ranks * ROWS && leaf.count[1] == NY && strcmp(leaf.path, "field/T") == 0);
  CHECK(leaf.bytes == (uint64_t)test_ranks * ROWS * NY * 8);
  CHECK_OK(cairn_tree_data(tree, "field/T", CAIRN_F64, &data));
  CHECK(((const double*)data)[NY + 2] == value_at(1, 2));
  CHECK_OK(cairn_tree_get(tree, "step", CAIRN_I64, &step));
  CHECK(step == 42);
  CHECK_OK(cairn_tree_get_text(tree, "note", &text));
  CHECK(strcmp(text, "schöne Zeile") == 0);
  cairn_free(text);
  CHECK_FAILS(cairn_tree_get_text(tree, "notes", &text), CAIRN_NOT_FOUND, "nearest: `note`");
  CHECK(text == NULL);
  CHECK_FAILS(cairn_tree_data(tree, "field/T", CAIRN_F32, &data), CAIRN_MISMATCH, "f64");
  CHECK_OK(cairn_tree_subtree(tree, "own", &below));
  CHECK(cairn_tree_size(below) == 2 && cairn_tree_contains(below, "text"));
  CHECK_OK(cairn_tree_insert(tree, "copied", below));
  CHECK(cairn_tree_contains(tree, "copied/value"));
  CHECK_OK(cairn_tree_erase(tree, "own", &erased));
  CHECK(erased == 1 && !cairn_tree_contains(tree, "own"));
  cairn_tree_free(below);
  CHECK_OK(cairn_tree_copy(tree, &below));
  CHECK(cairn_tree_size(below) == cairn_tree_size(tree));
  cairn_tree_free(below);
  cairn_tree_free(tree);
  cairn_context_free(context);
}

static void count_problem(int code, const char* message, const char* path, void* arg) {
  (void)path;
  CHECK(code == CAIRN_CORRUPT && *message != '\0');
  ++*(size_t*)arg;
}

static void test_metadata(void) {
  cairn_context* context = test_context();
  cairn_metadata* metadata = NULL;
  cairn_metadata_info info;
  cairn_checkpointable_info thing;
  cairn_metric metric;
  cairn_leaf leaf;
  int there = 0;
  size_t problems = 99, called = 0;
  CAIRN_INIT(&info);
  CAIRN_INIT(&thing);
  CAIRN_INIT(&leaf);
  CHECK_OK(cairn_is_checkpoint(context, test_path("round_trip"), &there));
  CHECK(there == 1);
  CHECK_OK(cairn_is_checkpoint_local(test_path("nothing"), &there));
  CHECK(there == 0);
  CHECK_OK(cairn_metadata_read(context, test_path("round_trip"), &metadata));
  CHECK_OK(cairn_metadata_get(metadata, &info));
  CHECK(info.world_size == test_ranks && strcmp(info.custom_metadata, "{\"lr\":[1,2.5]}") == 0);
  CHECK(info.metric_count == 1 && info.checkpointable_count == 1 && info.created_s > 1.5e9);
  CHECK_OK(cairn_metadata_metric(metadata, 0, &metric));
  CHECK(strcmp(metric.name, "loss") == 0 && metric.value == 0.25);
  CHECK_OK(cairn_metadata_checkpointable(metadata, 0, &thing));
  CHECK(strcmp(thing.name, "state") == 0 && strcmp(thing.handler, "tree") == 0 && thing.leaf_count == 12);
  CHECK_OK(cairn_metadata_leaf(metadata, 0, 1, &leaf));
  CHECK(strcmp(leaf.path, "field/T") == 0 && leaf.shape[0] == test_ranks * ROWS);
  CHECK_FAILS(cairn_metadata_leaf(metadata, 0, 12, &leaf), CAIRN_INVALID_ARGUMENT, "number");
  cairn_metadata_free(metadata);
  CHECK_OK(cairn_metadata_read_local(test_path("round_trip"), &metadata));
  cairn_metadata_free(metadata);
  CHECK_FAILS(cairn_metadata_read_local(test_path("nothing"), &metadata), CAIRN_NOT_FOUND, "nothing");
  CHECK(metadata == NULL);
  CHECK_OK(cairn_verify(context, test_path("round_trip"), &problems, count_problem, &called));
  CHECK(problems == 0 && called == 0);
  cairn_context_free(context);
}

/* ---- in the background */

static void note_completion(const cairn_report* report, int code, const char* message, void* arg) {
  CHECK(code == CAIRN_OK && *message == '\0' && report->leaves == 1);
  ++*(int*)arg;
}

static void test_async(void) {
  cairn_context* context = NULL;
  cairn_tree* tree = NULL;
  cairn_response* response = NULL;
  cairn_report report;
  int64_t values[1000];
  const int64_t shape[1] = {(int64_t)test_ranks * 1000}, start[1] = {(int64_t)test_rank * 1000};
  const int64_t count[1] = {1000};
  int i, completed = 0, done = 0, free_again = 0;
  CHECK_OK(cairn_context_create_f(MPI_Comm_c2f(MPI_COMM_WORLD), &context));
  CHECK(cairn_context_comm(context) == MPI_COMM_WORLD);
  CHECK_OK(cairn_tree_create(&tree));
  for (i = 0; i < 1000; ++i) values[i] = test_rank * 1000 + i;
  CHECK_OK(cairn_tree_sharded(tree, "v", CAIRN_I64, values, 1, shape, start, count));
  CHECK_OK(cairn_save_async(context, test_path("async"), tree, NULL, &response));
  CHECK_OK(cairn_response_snapshotted(response, &free_again));
  CHECK(free_again == 1 && cairn_response_valid(response) == 1);
  memset(values, 0, sizeof values);
  CHECK_OK(cairn_response_on_complete(response, note_completion, &completed));
  CHECK_OK(cairn_response_poll(response, &done));
  CAIRN_INIT(&report);
  CHECK_OK(cairn_response_result(response, &report));
  CHECK(completed == 1 && report.leaves == 1 && cairn_response_valid(response) == 0);
  CHECK_FAILS(cairn_response_result(response, NULL), CAIRN_INVALID_ARGUMENT, "");
  cairn_response_free(response);
  CHECK_OK(cairn_load_async(context, test_path("async"), tree, NULL, &response));
  CHECK_OK(cairn_response_result(response, NULL));
  cairn_response_free(response);
  for (i = 0; i < 1000; ++i) done += values[i] != test_rank * 1000 + i ? 100 : 0;
  CHECK(done < 100);
  CHECK_OK(cairn_save_async(context, test_path("cancelled"), tree, NULL, &response));
  CHECK_OK(cairn_response_cancel(response));
  cairn_response_free(response);
  CHECK_FAILS(cairn_save_async(context, test_path("async"), tree, NULL, &response), CAIRN_ALREADY_EXISTS,
              "async");
  CHECK(response == NULL);
  cairn_tree_free(tree);
  cairn_context_free(context);
}

int main(int argc, char** argv) {
  int failures = 0;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &test_rank);
  MPI_Comm_size(MPI_COMM_WORLD, &test_ranks);
  if (argc != 2) MPI_Abort(MPI_COMM_WORLD, 2);
  snprintf(test_directory, sizeof test_directory, "%s", argv[1]);
  test_round_trip();
  test_owned();
  test_metadata();
  test_bad_bindings();
  test_order();
  test_arguments();
  test_async();
  test_checkpointables();
  test_handlers();
  test_checkpointer();
  MPI_Allreduce(&test_failures, &failures, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  MPI_Finalize();
  return failures == 0 ? 0 : 1;
}
