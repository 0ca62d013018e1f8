/* Shared libraries that a program asks for while it runs: there are none, as if none was installed.
 * Whoever can do without goes on, as programs do that look for a faster allocator. */
#include "plugins.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

#include "harness/world/world.h"

static bool failed[WORLD_ENTITIES_MAX]; /* and dlerror() has not told */

void plugins_begin(void)
{
    memset(failed, 0, sizeof failed);
}

void *world_dlopen(const char *name, int mode)
{
    static char program;
    (void)mode;
    if (name == NULL) return &program;
    failed[world_self()] = true;
    return NULL;
}

int world_dlclose(void *library)
{
    (void)library;
    return 0;
}

char *world_dlerror(void)
{
    static char text[] = "shared object file not found: the simulated world has none";
    bool *own = &failed[world_self()], told = *own;
    *own = false;
    return told ? text : NULL;
}
