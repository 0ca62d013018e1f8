/* Executions that begin in the middle of another one. What that one had made is kept once, in a
 * process that was forked there, and put back before each execution. */
#include "asan.h"
#include "internal.h"

#include <string.h>
#include <sys/mman.h>

static struct {
    char *stack, *stack_bytes; /* the part of the main thread's stack that is in use */
    size_t stack_size;
    struct object *objects;
    uint32_t object_count, named_first, serial;
    uint32_t ordinals[OBJECT_KINDS];
} kept;

const char *world_branch_obstacle(void)
{
    if (W.branched) return "from inside of a body that is explored";
    if (W.self->id != 0) return "from another thread than main";
    if (W.live_threads > 1) return "while other threads run";
    if (W.self->held > 0) return "while a mutex is held";
    return NULL;
}

static void *copy_of(const void *from, size_t bytes)
{
    void *to = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(to != MAP_FAILED);
    return memcpy(to, from, bytes);
}

static void keep_stack(const struct entity *main)
{
    uintptr_t high, used = fiber_stack_used(main, &high);
    kept.stack = (char *)used;
    kept.stack_size = (size_t)(high - used);
    SHOW(kept.stack, kept.stack_size);
    kept.stack_bytes = copy_of(kept.stack, kept.stack_size);
}

void world_branch(void)
{
    REQUIRE(!W.running && !W.branched);
    keep_stack(W.self);
    image_keep();
    kept.serial = arena_keep();
    keys_keep();
    semaphores_keep();
    kept.objects = copy_of(W.objects, W.object_count * sizeof *W.objects);
    kept.object_count = W.object_count;
    kept.named_first = W.named_first;
    memcpy(kept.ordinals, W.ordinals, sizeof kept.ordinals);
    W.slots_kept = W.thread_count;
    W.branched = true;
}

void branch_restore(void)
{
    memcpy(kept.stack, kept.stack_bytes, kept.stack_size);
    memcpy(W.objects, kept.objects, kept.object_count * sizeof *W.objects);
    W.object_count = kept.object_count;
    W.named_first = kept.named_first;
    memcpy(W.ordinals, kept.ordinals, sizeof kept.ordinals);
}

bool world_branched(void)
{
    return W.branched;
}

uint32_t world_branch_serial(void)
{
    return kept.serial;
}

void world_branch_stack(const char **low, const char **high)
{
    *low = kept.stack;
    *high = kept.stack + kept.stack_size;
}
