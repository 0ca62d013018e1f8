#include "fakes/scratch.h"

#include <jansson.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/check/require.h"
#include "harness/world/world.h"

#define RANGE_BYTES ((size_t)256 << 20)
enum { ALIGNMENT = 16 };

static char *range;
static size_t used;

static void *take(size_t bytes)
{
    bytes = (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (bytes > RANGE_BYTES - used) world_stop("the fakes have used up their memory");
    void *block = range + used;
    used += bytes;
    return block;
}

static void forget(void *block)
{
    (void)block;
}

void scratch_init(void)
{
    if (range != NULL) return;
    range = mmap(NULL, RANGE_BYTES, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    REQUIRE(range != MAP_FAILED);
    json_object_seed(1);
    json_set_alloc_funcs(take, forget);
}

void scratch_reset(void)
{
    used = 0;
}

void *scratch_alloc(size_t bytes)
{
    return memset(take(bytes), 0, bytes);
}

char *scratch_copy(const char *bytes, size_t length)
{
    char *copy = take(length + 1);
    memcpy(copy, bytes, length);
    copy[length] = '\0';
    return copy;
}

void *scratch_grow(void *context, void *old, size_t length, size_t size)
{
    char *grown = take(size);
    (void)context;
    if (length > 0) memcpy(grown, old, length);
    return grown;
}

void scratch_room(char **bytes, size_t length, size_t *capacity, size_t more)
{
    size_t wanted = length + more + 1;
    if (wanted <= *capacity) return;
    *bytes = scratch_grow(NULL, *bytes, length, 2 * wanted);
    *capacity = 2 * wanted;
}
