/* Counts the calls of MPI and HDF5, and ends the program where one comes from a thread other than the main
 * one. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_long calls;

/* The real function. Called with all registers saved but those of floating point, which no function here is
 * given. */
__attribute__((visibility("default"))) void* cairn_test_note_call(const char* name) {
  void* function = dlsym(RTLD_NEXT, name);
  ++calls;
  if (syscall(SYS_gettid) != getpid()) {
    fprintf(stderr, "%s was called by a thread in the background\n", name);
    abort();
  }
  if (!function) {
    fprintf(stderr, "there is no %s\n", name);
    abort();
  }
  return function;
}

__attribute__((visibility("default"))) long cairn_test_calls(void) {
  return calls;
}
