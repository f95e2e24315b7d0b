#include "test_c_api.h"

/* ---- checkpointables: a tree, JSON, a state of each rank's, a shared state, a file */

typedef struct {
  int value, loads, all;
} Counter;

static int save_counter(void* arg, cairn_text* json) {
  char text[32];
  snprintf(text, sizeof text, "{\"value\": %d}", ((const Counter*)arg)->value);
  return cairn_text_set(json, text);
}

static int load_counter(void* arg, const char* json) {
  Counter* counter = (Counter*)arg;
  counter->loads = 1;
  return sscanf(json, "{\"value\":%d}", &counter->value) == 1 ? 0 : cairn_fail("no counter");
}

static int load_counters(void* arg, const char* const* json, int ranks, int rank, int ranks_now) {
  Counter* counter = (Counter*)arg;
  int i;
  CHECK(rank == test_rank && ranks_now == test_ranks);
  for (i = 0; i < ranks; ++i) {
    int value = 0;
    sscanf(json[i], "{\"value\":%d}", &value);
    counter->all += value;
  }
  return 0;
}

static int refuse_to_save(void* arg, cairn_text* json) {
  (void)arg, (void)json;
  return test_rank == test_ranks - 1 ? cairn_fail("the disk of this object is upside down")
                                     : cairn_text_set(json, "1");
}

static void write_file(const char* path, const char* text) {
  FILE* file = fopen(path, "w");
  if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) CHECK(!"a file can be written");
}

static int file_holds(const char* path, const char* text) {
  char read[64] = "";
  FILE* file = fopen(path, "r");
  const int same = file != NULL && fgets(read, sizeof read, file) != NULL && strcmp(read, text) == 0;
  if (file != NULL) fclose(file);
  return same;
}

void test_checkpointables(void) {
  cairn_context* context = NULL;
  cairn_tree* tree = NULL;
  cairn_checkpointables *things = NULL, *bad = NULL;
  cairn_stateful mine, all, shared, failing;
  cairn_response* response = NULL;
  cairn_async_checkpointer* checkpointer = NULL;
  Counter counter = {0, 0, 0}, total = {0, 0, 0}, common = {5, 0, 0};
  double x = 2.5;
  char* json = NULL;
  counter.value = test_rank + 1;
  total.value = test_rank + 1;
  if (test_rank == 0) write_file(test_path("input"), "some input\n");
  CHECK_OK(cairn_context_create(MPI_COMM_WORLD, &context));
  CHECK_OK(cairn_tree_create(&tree));
  CHECK_OK(cairn_tree_ref(tree, "x", CAIRN_F64, &x));
  CHECK_OK(cairn_checkpointables_create(&things));
  CHECK_OK(cairn_checkpointables_add_tree(things, "model", tree));
  CHECK_OK(cairn_checkpointables_add_json(things, "config", "{\"b\": 1, \"a\": [true]}"));
  CHECK_OK(cairn_checkpointables_add_file(things, "input", test_path("input")));
  CAIRN_INIT(&mine);
  mine.arg = &counter;
  mine.save = save_counter;
  mine.load = load_counter;
  CHECK_OK(cairn_checkpointables_add_stateful(things, "counter", &mine));
  CAIRN_INIT(&all);
  all.arg = &total;
  all.save = save_counter;
  all.load_all = load_counters;
  CHECK_OK(cairn_checkpointables_add_stateful(things, "total", &all));
  CAIRN_INIT(&shared);
  shared.arg = &common;
  shared.scope = CAIRN_STATE_REPLICATED;
  shared.save = save_counter;
  shared.load = load_counter;
  CHECK_OK(cairn_checkpointables_add_stateful(things, "common", &shared));
  CHECK_OK(cairn_save_checkpointables(context, test_path("things"), things, NULL, NULL));
  x = 0;
  counter.value = common.value = 0;
  MPI_Barrier(MPI_COMM_WORLD);
  if (test_rank == 0) write_file(test_path("input"), "other\n");
  CHECK_OK(cairn_load_checkpointables(context, test_path("things"), things, NULL, NULL));
  CHECK(x == 2.5 && counter.value == test_rank + 1 && common.value == 5);
  CHECK(total.all == test_ranks * (test_ranks + 1) / 2);
  CHECK_OK(cairn_checkpointables_get_json(things, "config", &json));
  CHECK(strcmp(json, "{\"a\":[true],\"b\":1}") == 0);
  cairn_free(json);
  CHECK_FAILS(cairn_checkpointables_get_json(things, "model", &json), CAIRN_NOT_FOUND, "model");
  if (test_rank == 0) CHECK(file_holds(test_path("input"), "some input\n"));

  CHECK_OK(cairn_save_checkpointables_async(context, test_path("things-2"), things, NULL, &response));
  CHECK_OK(cairn_response_result(response, NULL));
  cairn_response_free(response);
  CHECK_OK(cairn_async_checkpointer_create(context, &checkpointer));
  CHECK_OK(cairn_async_checkpointer_save(checkpointer, test_path("things-3"), things, NULL, &response));
  cairn_response_free(response);
  CHECK_OK(cairn_async_checkpointer_wait(checkpointer));
  cairn_async_checkpointer_free(checkpointer);
  CHECK_OK(cairn_load_checkpointables(context, test_path("things-3"), things, NULL, NULL));

  /* The same in two calls. */
  {
    cairn_checkpointables* more = NULL;
    int there = 1;
    CHECK_OK(cairn_checkpointables_create(&more));
    CHECK_OK(cairn_checkpointables_add_json(more, "more", "[1]"));
    CHECK_FAILS(cairn_partial_finalize(context, test_path("partial"), NULL), CAIRN_NOT_FOUND, "partial");
    CHECK_OK(cairn_partial_save(context, test_path("partial"), tree, NULL, NULL));
    CHECK_OK(cairn_partial_save_checkpointables(context, test_path("partial"), more, NULL, NULL));
    CHECK_OK(cairn_is_checkpoint(context, test_path("partial"), &there));
    CHECK(there == 0);
    CHECK_OK(cairn_partial_finalize(context, test_path("partial"), NULL));
    x = 0;
    CHECK_OK(cairn_load(context, test_path("partial"), tree, NULL, NULL));
    CHECK(x == 2.5);
    CHECK_OK(cairn_load_checkpointables(context, test_path("partial"), more, NULL, NULL));
    cairn_checkpointables_free(more);
  }

  /* What is wrong with names and values, and what a callback of one rank says, all ranks hear. */
  CHECK_OK(cairn_checkpointables_create(&bad));
  CHECK_OK(cairn_checkpointables_add_json(bad, NULL, "1"));
  CHECK_FAILS(cairn_save_checkpointables(context, test_path("bad"), bad, NULL, NULL), CAIRN_INVALID_ARGUMENT,
              "name");
  cairn_checkpointables_free(bad);
  CHECK_OK(cairn_checkpointables_create(&bad));
  CHECK_OK(cairn_checkpointables_add_json(bad, "json", "{"));
  CHECK_FAILS(cairn_save_checkpointables(context, test_path("bad"), bad, NULL, NULL), CAIRN_INVALID_ARGUMENT,
              "JSON");
  cairn_checkpointables_free(bad);
  CHECK_OK(cairn_checkpointables_create(&bad));
  CAIRN_INIT(&failing);
  failing.save = refuse_to_save;
  failing.load = load_counter;
  CHECK_OK(cairn_checkpointables_add_stateful(bad, "failing", &failing));
  CHECK_FAILS(cairn_save_checkpointables(context, test_path("bad"), bad, NULL, NULL), CAIRN_INTERNAL,
              "upside down");
  CHECK(cairn_last_error_rank() == test_ranks - 1);
  cairn_checkpointables_free(bad);
  cairn_checkpointables_free(things);
  cairn_tree_free(tree);
  cairn_context_free(context);
}

/* ---- a handler of the program's own: an integer of rank 0's, in a file of its own */

typedef struct {
  int saved, released, fails, destroyed;
} Kind;

typedef struct {
  char* path;
  int value;
} Job;

static int save_integer(void* arg, cairn_scope* scope, void* object, void** job) {
  Job* made = NULL;
  CHECK(cairn_scope_comm(scope) == MPI_COMM_WORLD);
  CHECK(cairn_scope_comm_f(scope) == MPI_Comm_c2f(MPI_COMM_WORLD));
  ++((Kind*)arg)->saved;
  made = (Job*)calloc(1, sizeof *made);
  made->value = *(const int*)object;
  *job = made;
  return cairn_scope_file(scope, ".txt", &made->path);
}

static int write_integer(void* arg, void* job) {
  const Job* made = (const Job*)job;
  char text[32];
  if (((Kind*)arg)->fails) return cairn_fail("the integer will not be written");
  snprintf(text, sizeof text, "%d\n", made->value);
  if (test_rank == 0) write_file(made->path, text);
  return 0;
}

static void destroy_kind(void* arg) {
  ++((Kind*)arg)->destroyed;
}

static void release_job(void* arg, void* job) {
  cairn_free(((Job*)job)->path);
  free(job);
  ++((Kind*)arg)->released;
}

typedef struct {
  char* path;
  int* value;
} Reading;

static int read_integer(void* arg) {
  const Reading* reading = (const Reading*)arg;
  FILE* file = fopen(reading->path, "r");
  const int good = file != NULL && fscanf(file, "%d", reading->value) == 1;
  if (file != NULL) fclose(file);
  return good ? 0 : cairn_fail("no integer in the file");
}

static int load_integer(void* arg, cairn_scope* scope, void* object) {
  Reading reading = {NULL, NULL};
  int code = cairn_scope_file(scope, ".txt", &reading.path);
  (void)arg;
  reading.value = (int*)object;
  if (code == 0) code = cairn_scope_agree(scope, read_integer, &reading);
  cairn_free(reading.path);
  return code;
}

static int tell_integer(void* arg, const char* file, cairn_text* json) {
  (void)arg;
  return file_holds(file, "17\n") ? cairn_text_set(json, "{\"integer\": 17}") : cairn_fail("another");
}

void test_handlers(void) {
  cairn_context* context = NULL;
  cairn_checkpointables* things = NULL;
  cairn_handler handler;
  cairn_metadata* metadata = NULL;
  cairn_checkpointer* steps = NULL;
  cairn_checkpointable_info info;
  Kind kind = {0, 0, 0, 0};
  int integer = 17;
  CHECK_OK(cairn_context_create(MPI_COMM_WORLD, &context));
  CHECK_OK(cairn_checkpointables_create(&things));
  CHECK_OK(cairn_checkpointables_add_object(things, "integer", "integer_text", &integer));
  CHECK_FAILS(cairn_save_checkpointables(context, test_path("handler"), things, NULL, NULL),
              CAIRN_INVALID_ARGUMENT, "handler");
  CAIRN_INIT(&handler);
  handler.type = "integer_text";
  handler.arg = &kind;
  handler.save = save_integer;
  handler.write = write_integer;
  handler.release = release_job;
  handler.load = load_integer;
  handler.metadata = tell_integer;
  handler.destroy = destroy_kind;
  CHECK_OK(cairn_context_add_handler(context, &handler, NULL));
  CHECK_FAILS(cairn_context_add_handler(context, &handler, NULL), CAIRN_INVALID_ARGUMENT, "already");
  CHECK(kind.destroyed == 1);
  CHECK_OK(cairn_save_checkpointables(context, test_path("handler"), things, NULL, NULL));
  CHECK(kind.saved == 1 && kind.released == 1);
  integer = 0;
  CHECK_OK(cairn_load_checkpointables(context, test_path("handler"), things, NULL, NULL));
  CHECK(integer == 17);
  CHECK_OK(cairn_metadata_read(context, test_path("handler"), &metadata));
  CAIRN_INIT(&info);
  CHECK_OK(cairn_metadata_checkpointable(metadata, 0, &info));
  CHECK(strcmp(info.handler, "integer_text") == 0 && strcmp(info.metadata, "{\"integer\":17}") == 0);
  cairn_metadata_free(metadata);
  kind.fails = test_rank == test_ranks - 1;
  CHECK_FAILS(cairn_save_checkpointables(context, test_path("handler-2"), things, NULL, NULL), CAIRN_INTERNAL,
              "will not be written");
  CHECK(kind.saved == 2 && kind.released == 2);
  kind.fails = 0;
  CHECK_OK(cairn_checkpointer_create(context, test_path("handler-steps"), NULL, &steps));
  cairn_context_free(context);
  CHECK(kind.destroyed == 1);
  CHECK_OK(cairn_checkpointer_save_checkpointables(steps, 1, things, NULL, NULL));
  CHECK(kind.saved == 3);
  cairn_checkpointer_free(steps);
  CHECK(kind.destroyed == 2);
  cairn_checkpointables_free(things);
}
