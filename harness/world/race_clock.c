/* What the threads of an execution know of each other: read off its steps, so that nothing is to be
 * done for it while nobody looks for races. */
#include "race_cell.h"
#include "weak.h"

#include <string.h>
#include <sys/mman.h>

struct race R;

void *race_reserve(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    REQUIRE(at != MAP_FAILED);
    return at;
}

/* More cells than there are words, as a range may end at an odd address, and whole regions. */
static size_t regions_of(size_t bytes)
{
    return bytes / RACE_WORD / RACE_REGION + 1;
}

static void reserve_cells(void)
{
    image_data(0, &R.data_from, &R.data_bytes);
    size_t heap = regions_of(ARENA_BYTES), stacks = regions_of(STACKS_BYTES);
    size_t all = heap + stacks + regions_of(R.data_bytes);
    R.region_count = (uint32_t)all;
    R.regions = race_reserve(all * sizeof *R.regions);
    R.heap = race_reserve(all * RACE_REGION * sizeof *R.heap);
    R.stacks = R.heap + heap * RACE_REGION;
    R.data = R.stacks + stacks * RACE_REGION;
}

static void reserve_all(void)
{
    R.threads = race_reserve(WORLD_ENTITIES_MAX * sizeof *R.threads);
    R.seen = race_reserve(WORLD_ENTITIES_MAX * sizeof *R.seen);
    R.fenced = race_reserve(WORLD_ENTITIES_MAX * sizeof *R.fenced);
    R.objects = race_reserve(WORLD_OBJECTS_MAX * sizeof *R.objects);
    R.readers = race_reserve(WORLD_OBJECTS_MAX * sizeof *R.readers);
    race_list_begin();
    reserve_cells();
}

/* --- clocks --- */

static bool is_empty(const struct race_clock *clock)
{
    return clock->run != R.run;
}

static void clear(struct race_clock *clock)
{
    clock->run = R.run;
    clock->count = 0;
}

static void copy(struct race_clock *to, const struct race_clock *from)
{
    to->run = R.run;
    to->count = from->count;
    memcpy(to->at, from->at, from->count * sizeof *from->at);
}

static void join(struct race_clock *to, const struct race_clock *from)
{
    if (is_empty(from)) return;
    if (is_empty(to)) clear(to);
    for (; to->count < from->count; to->count++) to->at[to->count] = 0;
    for (uint32_t i = 0; i < from->count; i++) {
        if (from->at[i] > to->at[i]) to->at[i] = from->at[i];
    }
}

static void set(struct race_clock *clock, uint16_t slot, uint32_t value)
{
    for (; clock->count <= slot; clock->count++) clock->at[clock->count] = 0;
    clock->at[slot] = value;
}

static struct race_clock *clock_of(const struct entity *entity)
{
    return &R.threads[entity->slot];
}

/* What the thread does from here on is not known to those that know what it did so far. */
static void tick(struct entity *entity)
{
    clock_of(entity)->at[entity->slot]++;
    race_recent_end(entity);
}

static void release_to(struct race_clock *clock, struct entity *self)
{
    join(clock, clock_of(self));
    tick(self);
}

static void acquire_from(const struct race_clock *clock, const struct entity *self)
{
    join(clock_of(self), clock);
}

void race_acquire(uint32_t object)
{
    acquire_from(&R.objects[object], W.self);
}

void race_release(uint32_t object)
{
    release_to(&R.objects[object], W.self);
}

void race_look(void)
{
    R.quick = R.notes && !W.keep_stacks && !R.assembler;
}

void race_begin(void)
{
    W.find_races = W.limits.find_races && W.level >= WORLD_LEVEL_MEMORY;
    R.blind = !W.find_races && W.level != WORLD_LEVEL_POINTS;
    R.notes = W.level != WORLD_LEVEL_POINTS && !W.count_accesses;
    R.assembler = false;
    race_look();
    if (!W.find_races) return;
    if (R.threads == NULL) reserve_all();
    R.run = (uint32_t)W.runs + 1;
    clear(&R.threads[W.slots_kept]);
    set(&R.threads[W.slots_kept], W.slots_kept, 1);
}

uint32_t race_epoch(void)
{
    return clock_of(W.self)->at[W.self->slot];
}

void race_clock_copy(struct race_clock *to, const struct race_clock *from)
{
    if (is_empty(from)) {
        clear(to);
    } else {
        copy(to, from);
    }
}

/* --- steps --- */

/* A task does nothing that others could know of, so what it starts knows nothing. */
static void create(struct entity *self, const struct entity *child)
{
    bool by_task = self->slot == WORLD_NOBODY;
    if (child->slot == WORLD_NOBODY) return;
    if (by_task) clear(clock_of(child));
    else copy(clock_of(child), clock_of(self));
    set(clock_of(child), child->slot, 1);
    if (!by_task) tick(self);
}

/* A signal is known to whom it wakes. Those still stand in the queue. */
static void wake(struct entity *self, uint16_t first, uint32_t skip, uint32_t count)
{
    for (uint16_t at = first; at != 0 && count > 0; at = entity_of((uint16_t)(at - 1))->next) {
        if (skip > 0) {
            skip--;
            continue;
        }
        join(clock_of(entity_of((uint16_t)(at - 1))), clock_of(self));
        count--;
    }
    tick(self);
}

/* The last one knows of all that came before, and all of them of each other. */
static void barrier(const struct world_step *step, struct entity *self)
{
    struct race_clock *clock = &R.objects[step->object];
    if (step->result == 0) {
        release_to(clock, self);
        return;
    }
    acquire_from(clock, self);
    wake(self, W.objects[step->object].head, 0, UINT32_MAX);
    clear(clock);
}

static void unlock(uint32_t object, struct entity *self)
{
    /* The owner knows all that was released before. */
    copy(&R.objects[object], clock_of(self));
    tick(self);
}

static void lock_for_writing(uint32_t object, const struct entity *self)
{
    acquire_from(&R.objects[object], self);
    acquire_from(&R.readers[object], self);
}

static void woken(uint32_t object, const struct entity *self)
{
    if (W.objects[object].kind == OBJECT_MUTEX) acquire_from(&R.objects[object], self);
}

/* What was done before something was sent is known to those that receive it. */
static void descriptor_step(const struct world_step *step, struct entity *self)
{
    switch ((enum world_op)step->op) {
    case WORLD_OP_CONNECT: /* knows what came before listening; who accepts knows what came first */
        acquire_from(&R.objects[step->object], self);
        release_to(&R.objects[step->object], self);
        return;
    case WORLD_OP_OPEN:
    case WORLD_OP_CLOSE:
    case WORLD_OP_SEND:
    case WORLD_OP_SHUTDOWN:
    case WORLD_OP_BIND:
    case WORLD_OP_LISTEN:
    case WORLD_OP_CONTROL:
    case WORLD_OP_KILL:
        if (step->access == WORLD_WRITE) release_to(&R.objects[step->object], self);
        return;
    case WORLD_OP_USE:
    case WORLD_OP_RECV:
    case WORLD_OP_ACCEPT:
    case WORLD_OP_POLL:
    case WORLD_OP_HANDLE:
        acquire_from(&R.objects[step->object], self);
        return;
    default:
        return;
    }
}

void race_step(const struct world_step *step)
{
    if (step->entity >= WORLD_ENTITIES_MAX) return; /* time */
    struct entity *self = entity_of(step->entity);
    uint32_t object = step->object;
    if (step->op == WORLD_OP_CREATE) {
        create(self, entity_of((uint16_t)step->result));
        return;
    }
    if (self->slot == WORLD_NOBODY) return;
    switch ((enum world_op)step->op) {
    case WORLD_OP_LOCK:
    case WORLD_OP_TIMEDLOCK:
    case WORLD_OP_RDLOCK:
    case WORLD_OP_SEM_WAIT:
        acquire_from(&R.objects[object], self);
        return;
    case WORLD_OP_TRYLOCK:
    case WORLD_OP_TRYRDLOCK:
    case WORLD_OP_SEM_TRY:
    case WORLD_OP_JOIN:
        if (step->result == 0) acquire_from(&R.objects[object], self);
        return;
    case WORLD_OP_WRLOCK:
    case WORLD_OP_TRYWRLOCK:
        if (step->result == 0) lock_for_writing(object, self);
        return;
    case WORLD_OP_UNLOCK:
        unlock(object, self);
        return;
    case WORLD_OP_RWUNLOCK:
        release_to(step->result ? &R.readers[object] : &R.objects[object], self);
        return;
    case WORLD_OP_SEM_POST:
    case WORLD_OP_EXIT:
        release_to(&R.objects[object], self);
        return;
    case WORLD_OP_ONCE:
        if (step->result == 2) {
            release_to(&R.objects[object], self);
        } else {
            acquire_from(&R.objects[object], self);
        }
        return;
    case WORLD_OP_SIGNAL:
        if (step->result > 0) wake(self, W.objects[object].head, step->result - 1, 1);
        return;
    case WORLD_OP_BROADCAST:
        wake(self, W.objects[object].head, 0, UINT32_MAX);
        return;
    case WORLD_OP_WAKE:
        woken(object, self);
        return;
    case WORLD_OP_BARRIER:
        barrier(step, self);
        return;
    default: /* nothing else is ordered by it, or race_atomic_* is told */
        descriptor_step(step, self);
        return;
    }
}

/* --- atomics --- */

static bool acquires(int order)
{
    return order == __ATOMIC_ACQUIRE || order == __ATOMIC_CONSUME || order == __ATOMIC_ACQ_REL ||
           order == __ATOMIC_SEQ_CST;
}

static bool releases(int order)
{
    return order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}

/* A relaxed load learns nothing yet: an acquire fence after it does. */
void race_atomic_acquire(const struct race_clock *released, int order)
{
    if (acquires(order)) {
        acquire_from(released, W.self);
    } else {
        join(&R.seen[W.self->slot], released);
    }
}

static void release_word(struct race_clock *clock, const struct race_clock *what, uint16_t slot)
{
    clock->owner = is_empty(clock) || clock->count == 0 || clock->owner == slot ? slot
                                                                              : WORLD_NOBODY;
    join(clock, what);
}

/* C11, 5.1.2.4: a store ends the release sequences of others; an update continues them. A relaxed
 * one releases what was known at the last release fence. */
void race_atomic_release(uint32_t object, int order, bool update)
{
    struct race_clock *clock = &R.objects[object];
    uint16_t slot = W.self->slot;
    bool others = clock->owner != slot && clock->owner != WORLD_NOBODY;
    if (!update && (releases(order) || others)) clear(clock);
    if (releases(order)) {
        release_word(clock, clock_of(W.self), slot);
        tick(W.self);
    } else if (!is_empty(&R.fenced[slot])) {
        release_word(clock, &R.fenced[slot], slot);
    }
}

void race_fence(int order)
{
    uint16_t slot = W.self->slot;
    if (acquires(order)) acquire_from(&R.seen[slot], W.self);
    if (order == __ATOMIC_SEQ_CST && W.weak_left > 0) weak_fence();
    if (!releases(order)) return;
    copy(&R.fenced[slot], clock_of(W.self));
    tick(W.self);
}
