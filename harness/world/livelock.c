#include "livelock.h"

#include "recur.h"
#include "spin.h"

#include <stdio.h>
#include <string.h>

/* A suspicion is looked into for so many steps of each thread. Without one, the last steps are
 * looked at every now and then. */
enum { WINDOW = 128, LOOK_EVERY = 512, LOOK_BACK = 64, PLACES_MAX = 6 };

struct place {
    uintptr_t pc;
    uint32_t object;
    uint8_t op;
};

static struct loop {
    uint64_t window;    /* valid in this one only */
    uint64_t state;     /* of the thread at its mark */
    uintptr_t stack;    /* its part of the stack there, up from here */
    uint32_t looks;
    uint32_t next_mark; /* the mark moves, as loops may have a beginning (Brent, 1980) */
    bool closed;        /* it came back to the mark */
    bool again;         /* since the memory was looked at */
    uint32_t place_count;
    struct place places[PLACES_MAX]; /* since the mark */
} loops[WORLD_ENTITIES_MAX];

static uint64_t window; /* counts suspicions */
static uint32_t window_end, not_before; /* steps */
static uint64_t outside, memory;
static bool memory_known;
static bool locks, tries; /* somebody took one, somebody saw whether one is taken */

static uint32_t step_count(void)
{
    return (uint32_t)(W.step - W.steps);
}

void livelock_reset(void)
{
    W.probing = false;
    not_before = 0;
    steps_look_at(LOOK_EVERY);
}

/* --- suspicions --- */

static bool takes(enum world_op op)
{
    return op == WORLD_OP_LOCK || op == WORLD_OP_RDLOCK || op == WORLD_OP_WRLOCK;
}

static bool gives_back(enum world_op op)
{
    return op == WORLD_OP_UNLOCK || op == WORLD_OP_RWUNLOCK;
}

static bool tries_to(enum world_op op)
{
    return op == WORLD_OP_TRYLOCK || op == WORLD_OP_TRYRDLOCK || op == WORLD_OP_TRYWRLOCK ||
           op == WORLD_OP_SEM_TRY;
}

/* Whether a step may be part of a loop that changes nothing. Updates that do are told by
 * livelock_changed(). */
static bool may_loop(const struct world_step *step)
{
    enum world_op op = (enum world_op)step->op;
    if (takes(op) || gives_back(op)) return true;
    if (op == WORLD_OP_SEM_TRY || op == WORLD_OP_COMPARE_EXCHANGE) return step->result != 0;
    return tries_to(op) || op == WORLD_OP_ATOMIC_LOAD || op == WORLD_OP_ATOMIC_UPDATE ||
           op == WORLD_OP_READ || op == WORLD_OP_SEM_READ || op == WORLD_OP_YIELD ||
           op == WORLD_OP_SLEEP || op == WORLD_OP_ADVANCE;
}

static bool looped_lately(void)
{
    for (uint32_t i = 1; i <= LOOK_BACK; i++) {
        if (!may_loop(W.step - i)) return false;
    }
    return true;
}

static bool is_closed(const struct entity *entity)
{
    const struct loop *loop = &loops[entity->id];
    return loop->window == window && loop->closed;
}

static void open_window(void)
{
    W.probing = true;
    window++;
    window_end = step_count() + WINDOW * (1 + W.live_threads);
    outside = W.outside;
    memory_known = locks = tries = false;
    steps_look_at(0);
    spin_released();
}

static void close_window(uint32_t next)
{
    W.probing = false;
    not_before = next;
    steps_look_at(next);
    spin_released();
}

void livelock_suspect(void)
{
    if (!W.probing && step_count() >= not_before) open_window();
}

void livelock_changed(void)
{
    if (W.probing) close_window(step_count() + LOOK_EVERY);
}

void livelock_step(const struct world_step *step)
{
    enum world_op op = (enum world_op)step->op;
    if (!W.probing) {
        if (looped_lately()) {
            open_window();
        } else {
            steps_look_at(step_count() + LOOK_EVERY);
        }
        return;
    }
    if (!may_loop(step)) {
        livelock_changed();
    } else if (step_count() >= window_end || W.outside != outside) {
        close_window(2 * step_count()); /* a loop that counts, or waits for some time */
    } else {
        tries |= tries_to(op);
        locks |= takes(op) || (tries_to(op) && step->result == 0);
        if (takes(op)) livelock_look(op, step->object, W.objects[step->object].site);
        if (gives_back(op) && W.self->wait == WAIT_NONE && is_closed(W.self)) spin_stand_aside();
    }
}

/* --- proof --- */

/* Whoever waits has no deadline: those have timers. */
static bool may_go_on(const struct entity *entity)
{
    if (entity->slot == WORLD_NOBODY || entity->state != ENTITY_LIVE) return false;
    if (entity->wait == WAIT_NONE || entity->wait == WAIT_SLEEP) return true;
    if (locks && (entity->wait == WAIT_MUTEX || entity->wait == WAIT_RWLOCK)) return true;
    return entity_enabled(entity);
}

/* All that can still happen is that threads go on in their loops. */
static bool all_closed(void)
{
    uint32_t count = 0;
    for (uint32_t id = 0; id < W.entity_count; id++) {
        const struct entity *entity = entity_of((uint16_t)id);
        bool closed = is_closed(entity);
        if (!closed && may_go_on(entity)) return false;
        count += closed;
    }
    for (uint32_t i = 0; i < W.timer_count; i++) {
        const struct entity *entity = entity_of(W.timers[i].entity);
        if (!is_closed(entity) || entity->wait != WAIT_SLEEP) return false;
    }
    /* Who sees that a lock is taken can tell when the others go through their loops. */
    return W.others == W.relaxed && (count == 1 || !(locks && tries));
}

static bool all_again(void)
{
    for (uint32_t id = 0; id < W.entity_count; id++) {
        if (is_closed(entity_of((uint16_t)id)) && !loops[id].again) return false;
    }
    return true;
}

/* The memory, and of each stack what belongs to the program. */
static uint64_t hash_all(void)
{
    uint64_t hash = recur_memory();
    for (uint32_t id = 0; id < W.entity_count; id++) {
        const struct entity *entity = entity_of((uint16_t)id);
        uintptr_t low, high;
        size_t bytes;
        if (entity->slot == WORLD_NOBODY || entity->state != ENTITY_LIVE) continue;
        low = fiber_stack_used(entity, &high);
        if (is_closed(entity)) low = loops[id].stack;
        hash = recur_bytes(hash, low, high);
        const void *locals = world_locals((uint16_t)id, &bytes);
        hash = recur_bytes(hash, (uintptr_t)locals, (uintptr_t)locals + bytes);
    }
    return hash;
}

/* --- what is told --- */

static void describe_lock(enum world_op op, uint32_t id, char *out, size_t bytes)
{
    const struct object *object = &W.objects[id];
    int used = snprintf(out, bytes, "%s %u", world_object_kind(id), object->ordinal);
    if (object->owner == 0 || !tries_to(op)) return;
    snprintf(out + used, bytes - (size_t)used, ", which %s acquired at {pc:%lx}",
             world_entity_name((uint16_t)(object->owner - 1)), (unsigned long)object->site);
}

static void describe_word(const struct object *object, char *out, size_t bytes)
{
    finding_memory((uintptr_t)object->address, out, bytes);
    size_t used = strlen(out);
    if (object->owner == 0) {
        snprintf(out + used, bytes - used, ", which nobody has %s",
                 W.level == WORLD_LEVEL_POINTS ? "written" : "written atomically");
        return;
    }
    snprintf(out + used, bytes - used, ", last written by %s at {pc:%lx}",
             world_entity_name((uint16_t)(object->owner - 1)), (unsigned long)object->site);
}

void livelock_tell_place(uint16_t entity, enum world_op op, uint32_t id, uintptr_t pc)
{
    char what[512] = "";
    if (id != 0 && W.objects[id].kind == OBJECT_ATOMIC) {
        describe_word(&W.objects[id], what, sizeof what);
    } else if (id != 0) {
        describe_lock(op, id, what, sizeof what);
    }
    finding_detail("%s comes back to %s at {pc:%lx}%s%s", world_entity_name(entity),
                   world_op_words[op], (unsigned long)pc, what[0] ? ": " : "", what);
}

static _Noreturn void found(void)
{
    uint32_t count = 0;
    for (uint32_t id = 0; id < W.entity_count; id++) {
        const struct entity *entity = entity_of((uint16_t)id);
        if (!is_closed(entity)) continue;
        count++;
        for (uint32_t i = 0; i < loops[id].place_count; i++) {
            const struct place *place = &loops[id].places[i];
            livelock_tell_place((uint16_t)id, (enum world_op)place->op, place->object, place->pc);
        }
    }
    for (uint32_t id = 0; id < W.entity_count; id++) {
        if (!is_closed(entity_of((uint16_t)id))) finding_waiter(entity_of((uint16_t)id));
    }
    finding_raise(WORLD_FOUND_LIVELOCK, loops[W.self->id].places[0].pc,
                  "%u thread%s spin%s for ever, and nobody is left who could end it", count,
                  count == 1 ? "" : "s", count == 1 ? "s" : "");
}

/* --- loops --- */

static void judge(void)
{
    if (!all_closed() || (memory_known && !all_again())) return;
    uint64_t now = hash_all();
    if (memory_known && now == memory) found();
    memory = now;
    memory_known = true;
    spin_released();
    for (uint32_t id = 0; id < W.entity_count; id++) loops[id].again = false;
}

static void close_loop(struct loop *loop)
{
    if (!loop->closed) spin_released(); /* others may do something about it */
    loop->closed = loop->again = true;
    judge();
}

static void move_mark(struct loop *loop, uint64_t state, uintptr_t stack)
{
    loop->state = state;
    loop->stack = stack;
    loop->next_mark = 2 * loop->looks;
    loop->place_count = 0;
}

void livelock_look(enum world_op op, uint32_t object, uintptr_t pc)
{
    struct loop *loop = &loops[W.self->id];
    uint64_t state;
    uintptr_t stack;
    if (!recur_thread(pc, &state, &stack)) return;
    if (loop->window != window) *loop = (struct loop){.window = window, .next_mark = 1};
    state = mix(state, (uint64_t)object << 8 | op);
    loop->looks++;
    if (loop->looks > 1 && state == loop->state) {
        close_loop(loop);
        return;
    }
    if (loop->closed) return;
    if (loop->looks == loop->next_mark) move_mark(loop, state, stack);
    if (loop->place_count < PLACES_MAX) {
        loop->places[loop->place_count++] = (struct place){pc, object, (uint8_t)op};
    }
}
