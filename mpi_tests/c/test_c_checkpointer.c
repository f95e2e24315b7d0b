#include "test_c_api.h"

static int asked;

static int at_seven(const cairn_step_info* info, void* arg) {
  ++*(int*)arg;
  return info->step == 7;
}

static void keep_first(const cairn_saved_step* steps, size_t count, int* keep, void* arg) {
  (void)arg;
  if (count > 0) keep[0] = steps[0].metric_count == 1 && steps[0].metrics[0].value == 1.0;
}

static cairn_checkpointer* open_root(const cairn_context* context) {
  cairn_checkpointer* checkpointer = NULL;
  cairn_checkpointer_options options;
  cairn_save_policy* saves[2];
  cairn_keep_policy* keeps[2];
  cairn_save_policy* save_when = NULL;
  cairn_keep_policy* keep = NULL;
  saves[0] = cairn_save_every_steps(2);
  saves[1] = cairn_save_by(at_seven, &asked);
  keeps[0] = cairn_keep_latest(1);
  keeps[1] = cairn_keep_by(keep_first, NULL);
  save_when = cairn_save_any_of(saves, 2);
  keep = cairn_keep_any_of(keeps, 2);
  CAIRN_INIT(&options);
  options.save_when = save_when;
  options.keep = keep;
  options.prefix = "step_";
  options.digits = 4;
  CHECK_OK(cairn_checkpointer_create(context, test_path("run"), &options, &checkpointer));
  cairn_save_policy_free(save_when);
  cairn_keep_policy_free(keep);
  return checkpointer;
}

static void test_policies(void) {
  const int64_t steps[2] = {3, 9};
  cairn_save_policy* parts[9];
  cairn_keep_policy* keeps[5];
  parts[0] = cairn_save_never();
  parts[1] = cairn_save_every(60);
  parts[2] = cairn_save_at_steps(steps, 2);
  parts[3] = cairn_save_first_step();
  parts[4] = cairn_save_on_signal(10);
  parts[5] = cairn_save_on_file("STOP");
  parts[6] = cairn_save_before_deadline(0);
  parts[7] = cairn_save_young_daly(3600);
  parts[8] = cairn_save_overhead_below(0.05);
  cairn_save_policy_free(cairn_save_all_of(parts, 9));
  keeps[0] = cairn_keep_all();
  keeps[1] = cairn_keep_best("loss", 2, CAIRN_LOWEST);
  keeps[2] = cairn_keep_every_steps(10);
  keeps[3] = cairn_keep_every(60);
  keeps[4] = cairn_keep_steps(steps, 2);
  cairn_keep_policy_free(cairn_keep_all_of(keeps, 5));
}

void test_checkpointer(void) {
  cairn_context* context = NULL;
  cairn_checkpointer* checkpointer = NULL;
  cairn_checkpointer_options wrong;
  cairn_tree* tree = NULL;
  cairn_checkpointables* things = NULL;
  cairn_step_options options;
  cairn_metric metric;
  cairn_metadata* metadata = NULL;
  int64_t step = 99, steps[8], x = 0;
  size_t count = 0;
  int saved = 0, answer = 9;
  test_policies();
  CHECK_OK(cairn_context_create(MPI_COMM_WORLD, &context));
  CHECK_OK(cairn_tree_create(&tree));
  CHECK_OK(cairn_tree_ref(tree, "x", CAIRN_I64, &x));
  CHECK_OK(cairn_checkpointables_create(&things));
  CHECK_OK(cairn_checkpointables_add_tree(things, "state", tree));
  checkpointer = open_root(context);
  CHECK_OK(cairn_checkpointer_restore_latest(checkpointer, tree, NULL, &step));
  CHECK(step == -1);
  CAIRN_INIT(&options);
  metric.name = "loss";
  options.metrics = &metric;
  options.metric_count = 1;
  for (step = 1; step <= 7; ++step) {
    x = 10 * step;
    metric.value = (double)step / 2;
    if (step % 2 != 0)
      CHECK_OK(cairn_checkpointer_save(checkpointer, step, tree, &options, &saved));
    else
      CHECK_OK(cairn_checkpointer_save_async(checkpointer, step, tree, &options, &saved));
    if (step != 7) CHECK(saved == (step % 2 == 0));
  }
  CHECK_OK(cairn_checkpointer_wait(checkpointer));
  if (test_rank == 0) CHECK(asked > 0);
  CHECK_OK(cairn_checkpointer_steps(checkpointer, steps, 8, &count));
  CHECK(count >= 2 && steps[0] == 2);
  CHECK_OK(cairn_checkpointer_latest(checkpointer, &step));
  CHECK(step == 7 || step == 6);
  CHECK_OK(cairn_checkpointer_best(checkpointer, "loss", CAIRN_LOWEST, &step));
  CHECK(step == 2);
  CHECK_OK(cairn_checkpointer_damaged(checkpointer, NULL, 0, &count));
  CHECK(count == 0);
  CHECK_OK(cairn_checkpointer_load(checkpointer, 2, tree, NULL, NULL));
  CHECK(x == 20);
  CHECK_FAILS(cairn_checkpointer_load(checkpointer, 3, tree, NULL, NULL), CAIRN_NOT_FOUND, "3");
  CHECK_OK(cairn_checkpointer_metadata(checkpointer, 2, &metadata));
  CHECK_OK(cairn_metadata_metric(metadata, 0, &metric));
  CHECK(metric.value == 1.0);
  cairn_metadata_free(metadata);
  metric.name = "loss";
  CHECK_OK(cairn_checkpointer_pin(checkpointer, 2));
  CHECK_FAILS(cairn_checkpointer_remove(checkpointer, 2), CAIRN_LOCKED, "2");
  CHECK_OK(cairn_checkpointer_unpin(checkpointer, 2));
  CHECK_OK(cairn_checkpointer_should_save(checkpointer, 8, &answer));
  CHECK(answer == 1);
  CHECK_OK(cairn_checkpointer_should_stop(checkpointer, &answer));
  CHECK(answer == 0 && cairn_checkpointer_exit_status(checkpointer) == 0);
  x = 90;
  options.force = 1;
  CHECK_OK(cairn_checkpointer_save_checkpointables(checkpointer, 9, things, &options, &saved));
  CHECK(saved == 1);
  CHECK_OK(cairn_checkpointer_save_checkpointables_async(checkpointer, 11, things, &options, &saved));
  CHECK_OK(cairn_checkpointer_wait(checkpointer));
  CHECK_OK(cairn_checkpointer_reload(checkpointer));
  CHECK_OK(cairn_checkpointer_remove(checkpointer, 2));
  CHECK_OK(cairn_checkpointer_close(checkpointer));
  CHECK_FAILS(cairn_checkpointer_wait(checkpointer), CAIRN_INVALID_ARGUMENT, "");
  cairn_checkpointer_free(checkpointer);

  x = 0;
  checkpointer = open_root(context);
  CHECK_OK(cairn_checkpointer_restore_latest(checkpointer, tree, NULL, &step));
  CHECK(step == 11 && x == 90);
  CHECK_OK(cairn_checkpointer_restore_latest_checkpointables(checkpointer, things, NULL, &step));
  CHECK_OK(cairn_checkpointer_load_checkpointables(checkpointer, 11, things, NULL, NULL));
  cairn_checkpointer_free(checkpointer);
  CHECK_OK(cairn_wait_for_new_checkpoint(context, test_path("run"), 3, 10, &step));
  CHECK(step == 11);
  CHECK_OK(cairn_wait_for_new_checkpoint(context, test_path("run"), 11, 0.01, &step));
  CHECK(step == -1);

  CAIRN_INIT(&wrong);
  wrong.digits = 99;
  CHECK_FAILS(cairn_checkpointer_create(context, test_path("wrong"), &wrong, &checkpointer),
              CAIRN_INVALID_ARGUMENT, "digits");
  CHECK(checkpointer == NULL);
  cairn_checkpointables_free(things);
  cairn_tree_free(tree);
  cairn_context_free(context);
}
