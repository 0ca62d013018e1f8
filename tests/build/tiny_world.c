#include "tiny_world.h"

#include "harness/world/image.h"

#include <stdlib.h>

static unsigned mallocs;
static const char *uncontrolled;
jmp_buf tiny_world_jump;

void *world_malloc(size_t size)
{
    mallocs++;
    return malloc(size);
}

void world_free(void *memory)
{
    free(memory);
}

unsigned tiny_world_mallocs(void)
{
    return mallocs;
}

const char *tiny_world_uncontrolled(void)
{
    return uncontrolled;
}

void world_uncontrolled(const char *symbol, const void *caller)
{
    (void)caller;
    uncontrolled = symbol;
    longjmp(tiny_world_jump, 1);
}
