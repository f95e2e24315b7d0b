/* Preloaded by a test: the libraries say that they are others. */
#include <string.h>

int MPI_Get_library_version(char* version, int* length) {
  strcpy(version, "MPICH Version:      4.0.2\nMPICH Release date: never");
  *length = (int)strlen(version);
  return 0;
}

int H5get_libversion(unsigned* major, unsigned* minor, unsigned* release) {
  *major = 1;
  *minor = 99;
  *release = 3;
  return 0;
}
