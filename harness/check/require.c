#include "harness/check/require.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void check_require_failed(const char *condition, const char *file, int line)
{
    (void)fprintf(stderr, "harness: %s:%d: broken: %s\n", file, line, condition);
    (void)fflush(stderr);
    _exit(5);
}
