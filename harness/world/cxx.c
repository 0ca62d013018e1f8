/* What the runtime of C++ stands on: destructors of thread-locals and statics, memory of
 * exceptions, the end by std::terminate(). Its own names are in cxx_glue.cc. */
#include "race.h"
#include "word.h"

/* The library leaves atomic operations out where this is set. */
char world___libc_single_threaded = 0;

/* --- destructors of thread-local objects --- */

enum { ENDINGS_MAX = 4096 };

struct ending {
    void (*destroy)(void *);
    void *object;
    uint32_t next; /* of the same thread, constructed before; index + 1 */
};

static struct ending endings[ENDINGS_MAX];
static uint32_t endings_used, endings_free; /* index + 1 */
static uint32_t last_of[WORLD_ENTITIES_MAX]; /* by slot; index + 1 */

void endings_reset(void)
{
    if (endings_used == 0) return;
    endings_used = endings_free = 0;
    for (uint32_t slot = 0; slot < WORLD_ENTITIES_MAX; slot++) last_of[slot] = 0;
}

int world___cxa_thread_atexit_impl(void (*destroy)(void *), void *object, void *library)
{
    (void)library;
    uint32_t index = endings_free ? endings_free : endings_used + 1;
    if (index > ENDINGS_MAX) {
        finding_raise(WORLD_FOUND_UNCONTROLLED, CALLER,
                      "more than %d thread-local objects with destructors", ENDINGS_MAX);
    }
    struct ending *ending = &endings[index - 1];
    if (endings_free) {
        endings_free = ending->next;
    } else {
        endings_used++;
    }
    *ending = (struct ending){destroy, object, last_of[W.self->slot]};
    last_of[W.self->slot] = index;
    return 0;
}

void endings_run(const struct entity *entity)
{
    uint32_t *last = &last_of[entity->slot];
    while (*last != 0) {
        struct ending *ending = &endings[*last - 1], now = *ending;
        ending->next = endings_free;
        endings_free = *last;
        *last = now.next;
        now.destroy(now.object);
    }
}

/* --- new, delete, exceptions --- */

void *world_cxx_new(size_t bytes, size_t alignment, uintptr_t site)
{
    return arena_alloc(bytes, alignment, false, site);
}

void world_cxx_delete(void *block, uintptr_t site)
{
    arena_free(block, site);
}

/* Threads that share an exception count its users in the C++ library, which nobody instruments.
 * So that its end orders it is not seen, and must not be asked for. */
void *world_cxx_exception_new(size_t bytes)
{
    return arena_alloc(bytes, 16, true, CALLER);
}

void world_cxx_exception_free(void *block)
{
    bool find_races = W.find_races;
    W.find_races = false;
    arena_free(block, CALLER);
    W.find_races = find_races;
}

/* A thread gives one up that others may have: all that have done so before come before what is
 * done to it now, which may be its end. */
void world_cxx_exception_left(void *exception)
{
    if (!W.find_races) return;
    uint32_t object = word_object((uintptr_t)exception);
    race_acquire(object);
    race_release(object);
}

_Noreturn void world_cxx_terminate(const char *text)
{
    finding_raise(WORLD_FOUND_ABORT, CALLER, "%s: %s", world_entity_name(W.self->id), text);
}
