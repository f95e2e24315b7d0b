// The same test, compiled as C++.
#include "test_c_api.c"
#include "test_c_checkpointer.c"
#include "test_c_errors.c"
#include "test_c_things.c"
