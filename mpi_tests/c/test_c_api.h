#ifndef TEST_C_API_H
#define TEST_C_API_H

#include <cairn/cairn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the parts of the test share. A failed check is counted, and the test goes on, so that ranks stay in
 * step. */
extern int test_failures, test_rank, test_ranks;
extern char test_directory[256];

#define CHECK(condition)                                                                   \
  do {                                                                                     \
    if (!(condition)) {                                                                    \
      ++test_failures;                                                                     \
      fprintf(stderr, "[rank %d] %s:%d: %s\n", test_rank, __FILE__, __LINE__, #condition); \
    }                                                                                      \
  } while (0)

#define CHECK_OK(call)                                                                             \
  do {                                                                                             \
    const int code_ = (call);                                                                      \
    if (code_ != CAIRN_OK) {                                                                       \
      ++test_failures;                                                                             \
      fprintf(stderr, "[rank %d] %s:%d: %s: %d %s\n", test_rank, __FILE__, __LINE__, #call, code_, \
              cairn_last_error());                                                                 \
    }                                                                                              \
  } while (0)

/* The call fails with this code and a message that holds `part`. */
#define CHECK_FAILS(call, code, part)                                                              \
  do {                                                                                             \
    const int code_ = (call);                                                                      \
    if (code_ != (code) || cairn_last_error_code() != (code) ||                                    \
        strstr(cairn_last_error(), (part)) == NULL) {                                              \
      ++test_failures;                                                                             \
      fprintf(stderr, "[rank %d] %s:%d: %s: %d %s\n", test_rank, __FILE__, __LINE__, #call, code_, \
              cairn_last_error());                                                                 \
    }                                                                                              \
  } while (0)

/* A path in the test's directory; the text is overwritten by the fourth call after. */
const char* test_path(const char* name);

/* Over MPI_COMM_WORLD. */
cairn_context* test_context(void);

#ifdef __cplusplus
extern "C" {
#endif
void test_bad_bindings(void);
void test_order(void);
void test_arguments(void);
void test_checkpointables(void);
void test_handlers(void);
void test_checkpointer(void);

/* By the C++ library: how many values of what test_round_trip saved are wrong. Collective. */
int count_wrong_values(MPI_Comm comm, const char* path);
#ifdef __cplusplus
}
#endif

#endif
