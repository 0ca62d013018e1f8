/* The environment of a program, which may change it: as new in every execution. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/check/require.h"
#include "libc.h"

static char **original, **own; /* the array that the process was given; one to be changed */

void environment_begin(void)
{
    if (original == NULL) original = environ;
    environ = original;
}

/* The C library changes the array that it finds. */
static void make_own(void)
{
    size_t count = 0;
    if (environ != original || original == NULL) return;
    while (original[count]) count++;
    if (own == NULL) own = malloc((count + 1) * sizeof *own);
    REQUIRE(own != NULL);
    memcpy(own, original, (count + 1) * sizeof *own);
    environ = own;
}

int world_setenv(const char *name, const char *value, int overwrite)
{
    make_own();
    return setenv(name, value, overwrite);
}

int world_unsetenv(const char *name)
{
    make_own();
    return unsetenv(name);
}

int world_putenv(char *text)
{
    make_own();
    return putenv(text);
}

int world_clearenv(void)
{
    make_own();
    environ = NULL;
    return 0;
}
