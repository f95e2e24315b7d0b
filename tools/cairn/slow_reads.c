/* Preloaded by a test: reading from a file takes long. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

static void wait_a_little(void) {
  const struct timespec delay = {0, 60000000};
  nanosleep(&delay, NULL);
}

ssize_t pread64(int file, void* bytes, size_t size, off64_t offset) {
  ssize_t (*real)(int, void*, size_t, off64_t) = NULL;
  *(void**)&real = dlsym(RTLD_NEXT, "pread64");
  wait_a_little();
  return real(file, bytes, size, offset);
}

ssize_t preadv64(int file, const struct iovec* parts, int count, off64_t offset) {
  ssize_t (*real)(int, const struct iovec*, int, off64_t) = NULL;
  *(void**)&real = dlsym(RTLD_NEXT, "preadv64");
  wait_a_little();
  return real(file, parts, count, offset);
}
