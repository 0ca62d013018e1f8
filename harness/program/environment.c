/* The environment of a program, which may change it: as new in every execution. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/check/require.h"
#include "libc.h"

static char **original, **own; /* what was there before; an array to be changed */
static bool changed;

void environment_begin(void)
{
    if (changed) environ = original;
    changed = false;
}

/* The C library changes the array that it finds. */
static void make_own(void)
{
    size_t count = 0;
    if (changed || environ == NULL) return;
    while (environ[count]) count++;
    own = realloc(own, (count + 1) * sizeof *own);
    REQUIRE(own != NULL);
    memcpy(own, environ, (count + 1) * sizeof *own);
    original = environ;
    environ = own;
    changed = true;
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
