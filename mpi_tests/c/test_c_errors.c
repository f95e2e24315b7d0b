#include "test_c_api.h"

void test_bad_bindings(void) {
  cairn_context* context = test_context();
  cairn_tree* tree = NULL;
  const int64_t shape[1] = {-4};
  double x[4] = {0, 0, 0, 0};
  CHECK_OK(cairn_tree_create(&tree));
  /* Only the last rank binds something wrong: the call that binds succeeds, and all ranks hear of it. */
  if (test_rank == test_ranks - 1) {
    CHECK_OK(cairn_tree_replicated(tree, "a", CAIRN_F64, x, 1, shape, NULL));
    CHECK_OK(cairn_tree_ref(tree, "b", CAIRN_STRING, x));
    CHECK_OK(cairn_tree_ref(tree, "c", CAIRN_F64, NULL));
    CHECK_OK(cairn_tree_replicated(tree, "d", CAIRN_F64, x, 1, NULL, NULL));
    CHECK_OK(cairn_tree_replicated(tree, "e", CAIRN_F64, x, 9, shape, NULL));
    CHECK_OK(cairn_tree_ref(tree, NULL, CAIRN_F64, x));
    CHECK_OK(cairn_tree_ref(tree, "f", CAIRN_F64, x));
    CHECK_OK(cairn_tree_add_problem(tree, "f", "is told to be wrong"));
  } else {
    CHECK_OK(cairn_tree_ref(tree, "a", CAIRN_F64, x));
  }
  CHECK_FAILS(cairn_save(context, test_path("bad"), tree, NULL, NULL), CAIRN_INVALID_ARGUMENT, "-4");
  CHECK(strstr(cairn_last_error(), "CAIRN_STRING") != NULL &&
        strstr(cairn_last_error(), "shape is NULL") != NULL);
  CHECK(strstr(cairn_last_error(), "is told to be wrong") != NULL);
  CHECK(cairn_last_error_rank() == test_ranks - 1);
  cairn_tree_free(tree);
  cairn_context_free(context);
}

void test_order(void) {
  cairn_context* context = test_context();
  cairn_tree *tree = NULL, *owned = NULL;
  cairn_metadata* metadata = NULL;
  cairn_leaf leaf;
  const int64_t shape[2] = {2, 3};
  double x[6] = {0, 1, 2, 3, 4, 5};
  size_t problems = 99;
  CAIRN_INIT(&leaf);
  CHECK_OK(cairn_tree_create(&tree));
  CHECK_FAILS(cairn_tree_set_fortran_order(tree, "x"), CAIRN_NOT_FOUND, "x");
  CHECK_OK(cairn_tree_replicated(tree, "x", CAIRN_F64, x, 2, shape, NULL));
  CHECK_OK(cairn_tree_replicated(tree, "y", CAIRN_F64, x, 2, shape, NULL));
  /* One rank says so and the others do not. */
  if (test_rank == test_ranks - 1) CHECK_OK(cairn_tree_set_fortran_order(tree, "x"));
  if (test_ranks > 1)
    CHECK_FAILS(cairn_save(context, test_path("order"), tree, NULL, NULL), CAIRN_MISMATCH, "Fortran's order");
  CHECK_OK(cairn_tree_set_fortran_order(tree, "x"));
  CHECK_OK(cairn_save(context, test_path("order"), tree, NULL, NULL));
  CHECK_OK(cairn_verify(context, test_path("order"), &problems, NULL, NULL));
  CHECK(problems == 0);
  CHECK_OK(cairn_metadata_read(context, test_path("order"), &metadata));
  CHECK_OK(cairn_metadata_leaf(metadata, 0, 0, &leaf));
  CHECK(strcmp(leaf.path, "x") == 0 && leaf.fortran_order == 1 && leaf.shape[0] == 2);
  CHECK_OK(cairn_metadata_leaf(metadata, 0, 1, &leaf));
  CHECK(strcmp(leaf.path, "y") == 0 && leaf.fortran_order == 0);
  cairn_metadata_free(metadata);
  /* A load does not ask for it, and what it makes keeps it. */
  CHECK_OK(cairn_tree_replicated(tree, "x", CAIRN_F64, x, 2, shape, NULL));
  if (test_rank == 0) CHECK_OK(cairn_tree_set_fortran_order(tree, "y"));
  x[5] = 0;
  CHECK_OK(cairn_load(context, test_path("order"), tree, NULL, NULL));
  CHECK(x[5] == 5);
  CHECK_OK(cairn_load_owned(context, test_path("order"), NULL, &owned));
  CHECK_OK(cairn_tree_leaf(owned, "x", &leaf));
  CHECK(leaf.fortran_order == 1);
  cairn_tree_free(owned);
  cairn_tree_free(tree);
  cairn_context_free(context);
}

void test_arguments(void) {
  cairn_context* context = test_context();
  cairn_tree* tree = NULL;
  cairn_save_options options;
  char* text = NULL;
  char small[4] = "abc";
  int32_t step = 1;
  int8_t tiny = 0;
  cairn_load_options load_options;
  cairn_rename rename;
  CHECK_OK(cairn_tree_create(&tree));
  CHECK_FAILS(cairn_save(NULL, "x", tree, NULL, NULL), CAIRN_INVALID_ARGUMENT, "NULL");
  CHECK_FAILS(cairn_save(context, "x", NULL, NULL, NULL), CAIRN_INVALID_ARGUMENT, "NULL");
  memset(&options, 0, sizeof options);
  CHECK_FAILS(cairn_save(context, "x", tree, &options, NULL), CAIRN_INVALID_ARGUMENT, "CAIRN_INIT");
  CHECK_FAILS(cairn_save(context, NULL, tree, NULL, NULL), CAIRN_INVALID_ARGUMENT, "");
  CHECK_OK(cairn_tree_ref(tree, "step", CAIRN_I32, &step));
  CAIRN_INIT(&options);
  options.custom_metadata = "{no json";
  CHECK_FAILS(cairn_save(context, test_path("arguments"), tree, &options, NULL), CAIRN_INVALID_ARGUMENT,
              "parse");
  CHECK_OK(cairn_context_set(context, "io.threads", "3"));
  CHECK_OK(cairn_context_set(context, "io.block_bytes", "1M"));
  CHECK_OK(cairn_context_set(context, "io.hints.cb_nodes", "2"));
  CHECK_OK(cairn_context_get(context, "io.block_bytes", &text));
  CHECK(strcmp(text, "1048576") == 0);
  cairn_free(text);
  CHECK_OK(cairn_context_get(context, "io.hints.cb_nodes", &text));
  CHECK(strcmp(text, "2") == 0);
  cairn_free(text);
  CHECK_FAILS(cairn_context_set(context, "io.threads", "many"), CAIRN_INVALID_ARGUMENT, "whole number");
  CHECK_FAILS(cairn_context_set(context, "io.thread", "1"), CAIRN_INVALID_ARGUMENT, "cairn env");

  CHECK_OK(cairn_tree_text(tree, "note", "longer"));
  CHECK_OK(cairn_save(context, test_path("arguments"), tree, NULL, NULL));
  CHECK_OK(cairn_tree_ref_text(tree, "note", small, sizeof small));
  CHECK_FAILS(cairn_load(context, test_path("arguments"), tree, NULL, NULL), CAIRN_MISMATCH, "note");
  CHECK_OK(cairn_tree_erase(tree, "note", NULL));
  CHECK_FAILS(cairn_load(context, test_path("arguments"), tree, NULL, NULL), CAIRN_MISMATCH, "note");
  CAIRN_INIT(&load_options);
  load_options.partial = 1;
  load_options.cast = CAIRN_CAST_IN_RANGE;
  rename.tree_path = "number";
  rename.file_path = "step";
  load_options.renames = &rename;
  load_options.rename_count = 1;
  CHECK_OK(cairn_tree_erase(tree, "step", NULL));
  CHECK_OK(cairn_tree_ref(tree, "number", CAIRN_I8, &tiny));
  CHECK_OK(cairn_load(context, test_path("arguments"), tree, &load_options, NULL));
  CHECK(tiny == 1);
  CHECK_OK(cairn_tree_set_read_only(tree, "number"));
  CHECK_FAILS(cairn_load(context, test_path("arguments"), tree, &load_options, NULL), CAIRN_MISMATCH,
              "const");
  CHECK(strcmp(cairn_error_name(CAIRN_MISMATCH), "mismatch") == 0);
  CHECK(strcmp(cairn_dtype_name(CAIRN_BF16), "bf16") == 0 && cairn_dtype_size(CAIRN_C128) == 16);
  CHECK(*cairn_version() != '\0');
  cairn_tree_free(NULL);
  cairn_tree_free(tree);
  cairn_context_free(context);
}
