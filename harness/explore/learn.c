#include "learn.h"

#include "harness/world/world.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1 << 15, COUNTS_MAX = 1 << 14 };

/* An open hash table of numbers: key -> index. Nothing is ever taken out. */
struct index {
    uint64_t keys[SLOTS]; /* 0: free */
    uint32_t at[SLOTS];
};

struct thread {
    uint64_t path;
    uint32_t parent; /* LEARN_NOTHING: nobody */
};

struct place {
    uint32_t first;  /* the thread that touched it first while it was not alone */
    uint32_t shared; /* number among the shared ones, or LEARN_NOTHING */
    bool several, written;
    const void *name; /* by world_object_place() */
};

struct count {
    uint32_t thread, place, events;
};

struct learned {
    struct index thread_of, place_of, count_of;
    struct thread threads[LEARN_THREADS_MAX];
    struct place places[LEARN_PLACES_MAX];
    struct count counts[COUNTS_MAX];
    uint32_t thread_count, place_count, count_count, shared_count, runs;
};

struct learned *learned_new(void)
{
    return calloc(1, sizeof(struct learned));
}

void learned_free(struct learned *learned)
{
    free(learned);
}

static uint32_t slot_of(const struct index *index, uint64_t key)
{
    uint32_t slot = (uint32_t)(key * 0x9e3779b97f4a7c15ull >> 49);
    while (index->keys[slot] != 0 && index->keys[slot] != key) slot = (slot + 1) % SLOTS;
    return slot;
}

static uint32_t find(const struct index *index, uint64_t key)
{
    uint32_t slot = slot_of(index, key);
    return index->keys[slot] == key ? index->at[slot] : LEARN_NOTHING;
}

/* The index of the key; a new one is *count, which is raised, or none if there are max. */
static uint32_t number(struct index *index, uint64_t key, uint32_t *count, uint32_t max)
{
    uint32_t slot = slot_of(index, key);
    if (index->keys[slot] == key) return index->at[slot];
    if (*count == max) return LEARN_NOTHING;
    index->keys[slot] = key;
    return index->at[slot] = (*count)++;
}

/* --- looking through an execution --- */

bool learn_is_event(const struct world_step *step)
{
    switch ((enum world_op)step->op) {
    case WORLD_OP_LOCK:
    case WORLD_OP_TRYLOCK:
    case WORLD_OP_TIMEDLOCK:
    case WORLD_OP_WAKE:
    case WORLD_OP_SIGNAL:
    case WORLD_OP_BROADCAST:
    case WORLD_OP_WAIT:
    case WORLD_OP_RDLOCK:
    case WORLD_OP_WRLOCK:
    case WORLD_OP_TRYRDLOCK:
    case WORLD_OP_TRYWRLOCK:
    case WORLD_OP_WRLOCK_WAITS:
    case WORLD_OP_SEM_WAIT:
    case WORLD_OP_SEM_TRY:
    case WORLD_OP_SEM_POST:
    case WORLD_OP_SEM_READ:
    case WORLD_OP_BARRIER:
    case WORLD_OP_ONCE:
    case WORLD_OP_ATOMIC_LOAD:
    case WORLD_OP_ATOMIC_STORE:
    case WORLD_OP_ATOMIC_UPDATE:
    case WORLD_OP_COMPARE_EXCHANGE:
    case WORLD_OP_READ:
    case WORLD_OP_WRITE:
        /* The environment's queues are its own. */
        return step->object != 0 && strcmp(world_object_kind(step->object), "queue") != 0;
    default:
        return false;
    }
}

static uint32_t thread_number(struct learned *learned, uint16_t entity)
{
    uint32_t known = learned->thread_count;
    uint32_t thread = number(&learned->thread_of, world_entity_path(entity),
                             &learned->thread_count, LEARN_THREADS_MAX);
    if (thread != known || thread == LEARN_NOTHING) return thread;
    uint16_t parent = world_entity_parent(entity);
    learned->threads[thread] = (struct thread){
        world_entity_path(entity),
        parent == WORLD_NOBODY ? LEARN_NOTHING
                               : find(&learned->thread_of, world_entity_path(parent))};
    return thread;
}

static void note_place(struct learned *learned, uint32_t number, uint32_t thread, bool write)
{
    struct place *place = &learned->places[number];
    place->several |= place->first != thread;
    place->written |= write;
    if (place->several && place->written && place->shared == LEARN_NOTHING) {
        place->shared = learned->shared_count++;
    }
}

static void note_event(struct learned *learned, const struct world_step *step, uint32_t thread)
{
    uint64_t key = (uint64_t)(uintptr_t)world_object_place(step->object);
    uint32_t known = learned->place_count;
    if (key == 0) return;
    uint32_t place = number(&learned->place_of, key, &learned->place_count, LEARN_PLACES_MAX);
    if (place == LEARN_NOTHING) return;
    if (place == known) {
        learned->places[place] = (struct place){
            .first = thread, .shared = LEARN_NOTHING, .name = (const void *)(uintptr_t)key};
    }
    note_place(learned, place, thread, step->access == WORLD_WRITE);
    known = learned->count_count;
    uint32_t count = number(&learned->count_of, ((uint64_t)thread << 32 | place) + 1,
                            &learned->count_count, COUNTS_MAX);
    if (count == LEARN_NOTHING) return;
    if (count == known) learned->counts[count] = (struct count){thread, place, 0};
    learned->counts[count].events++;
}

void learn(struct learned *learned, uint64_t n)
{
    uint32_t count, live = 1;
    const struct world_step *steps = world_steps(&count);
    if (n >= LEARN_RUNS) return;
    learned->runs++;
    for (uint32_t i = 0; i < count; i++) {
        const struct world_step *step = &steps[i];
        if (step->op == WORLD_OP_ADVANCE) continue;
        uint32_t thread = thread_number(learned, step->entity);
        if (thread == LEARN_NOTHING) continue;
        live += step->op == WORLD_OP_CREATE;
        live -= step->op == WORLD_OP_EXIT;
        /* What a thread does while it is alone has no order to be chosen. */
        if (live > 1 && learn_is_event(step)) note_event(learned, step, thread);
    }
}

/* --- what is known --- */

uint32_t learned_runs(const struct learned *learned)
{
    return learned->runs;
}

uint32_t learned_shared(const struct learned *learned)
{
    return learned->shared_count;
}

uint32_t learned_place(const struct learned *learned, const void *place)
{
    uint64_t key = (uint64_t)(uintptr_t)place;
    uint32_t known = key ? find(&learned->place_of, key) : LEARN_NOTHING;
    return known == LEARN_NOTHING ? LEARN_NOTHING : learned->places[known].shared;
}

uint32_t learned_thread(const struct learned *learned, uint64_t path)
{
    return find(&learned->thread_of, path);
}

uint32_t learned_events(const struct learned *learned, const bool *chosen, uint32_t *events,
                        uint32_t max)
{
    uint32_t threads = learned->thread_count < max ? learned->thread_count : max;
    memset(events, 0, threads * sizeof *events);
    for (uint32_t i = 0; i < learned->count_count; i++) {
        const struct count *count = &learned->counts[i];
        uint32_t shared = learned->places[count->place].shared;
        if (count->thread < threads && shared != LEARN_NOTHING && chosen[shared]) {
            events[count->thread] += count->events;
        }
    }
    /* Who is made has a larger number than its maker. */
    for (uint32_t i = threads; i-- > 0;) {
        uint32_t parent = learned->threads[i].parent;
        if (parent < i) events[parent] += events[i];
    }
    return learned->thread_count;
}

bool learned_events_at(const struct learned *learned, uint32_t index, struct learned_events *out)
{
    if (index >= learned->count_count) return false;
    const struct count *count = &learned->counts[index];
    const struct place *place = &learned->places[count->place];
    *out = (struct learned_events){
        .place = place->name,
        .path = learned->threads[count->thread].path,
        .count = place->shared == LEARN_NOTHING ? 0 : count->events,
    };
    return true;
}
