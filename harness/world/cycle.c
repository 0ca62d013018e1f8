#include "cycle.h"

#include "livelock.h"
#include "recur.h"

#include <string.h>

/* The last steps before the bound, as many of them as are looked at: fewer where there is much
 * memory, all of which is looked at each time; none where so few of them would tell nothing. */
enum { STEPS_MAX = 2048, STEPS_LEAST = 16, BYTES_MAX = 1 << 28 };
enum { TABLE = 4 * STEPS_MAX, PLACES_MAX = 6 };
/* After so many steps, when livelock.c has had its say, and each time after twice as many, it is
 * seen whether one thread repeats so many; if so, the next ones are looked at. */
enum { SOON = 2048, PERIOD_MAX = 64, TRIAL = 4 * PERIOD_MAX };

/* What looking at a moment costs, in accesses: about, and the same for every compiler. */
enum { MOMENT_COST = 2048 };

/* What there was at a step. */
static struct moment {
    uint64_t all;
    uintptr_t pc; /* where its thread stood */
} moments[STEPS_MAX];

/* A thread, or an event: */
static struct part {
    uint64_t state;  /* after its last step; 0: it has made none yet */
    uint32_t made;   /* the moment of that, from 1 */
    uint32_t could;  /* the last moment at which it could have made one, from 1 */
} parts[WORLD_ENTITIES_MAX];

static uint16_t table[TABLE]; /* moments by what there was, from 1 */
static uint32_t count;        /* moments so far */
static uint32_t first_step;   /* that of the first moment */
static uint64_t outside, unseen;
static bool looking;
static uint32_t trial_end; /* of a look before the bound: that step; otherwise 0 */

static uint32_t step_count(void)
{
    return (uint32_t)(W.step - W.steps);
}

/* So many steps are left at most: choices are bounded, too. */
static uint32_t steps_left(void)
{
    uint32_t steps = (uint32_t)(W.steps_end - W.step), choices = W.choices_max - W.choices;
    return steps < choices ? steps : choices;
}

static uint32_t steps_most(void)
{
    return W.limits.steps_max / 2 < STEPS_MAX ? W.limits.steps_max / 2 : STEPS_MAX;
}

static uint32_t steps_looked_at(void)
{
    size_t affordable = BYTES_MAX / (arena_end() - ARENA_FROM + 1);
    if (affordable < STEPS_LEAST) return 0;
    return affordable < steps_most() ? (uint32_t)affordable : steps_most();
}

static void look_from(uint32_t step)
{
    W.cycle_at = W.steps + step;
    steps_look_at((uint32_t)(W.look_at - W.steps));
}

static void look_later(uint32_t step)
{
    uint32_t left = steps_left(), looked_at = steps_looked_at();
    uint32_t last = left > looked_at ? step_count() + left - looked_at : step_count();
    looking = false;
    trial_end = 0;
    look_from(step < last ? step : last);
}

void cycle_reset(void)
{
    look_later(SOON);
}

/* From that step on. */
static void begin(uint32_t step)
{
    looking = true;
    memset(parts, 0, sizeof parts);
    memset(table, 0, sizeof table);
    count = 0;
    first_step = step;
    outside = W.outside;
    unseen = W.unseen;
}

/* --- what there is --- */

/* Steps that change nothing but the memory, locks and the like, and the time. */
static bool may_repeat(const struct world_step *step)
{
    switch ((enum world_op)step->op) {
    case WORLD_OP_LOCK:
    case WORLD_OP_TRYLOCK:
    case WORLD_OP_TIMEDLOCK:
    case WORLD_OP_UNLOCK:
    case WORLD_OP_WAIT:
    case WORLD_OP_WAKE:
    case WORLD_OP_TIMEOUT:
    case WORLD_OP_SIGNAL:
    case WORLD_OP_BROADCAST:
    case WORLD_OP_RDLOCK:
    case WORLD_OP_WRLOCK:
    case WORLD_OP_TRYRDLOCK:
    case WORLD_OP_TRYWRLOCK:
    case WORLD_OP_WRLOCK_WAITS:
    case WORLD_OP_RWUNLOCK:
    case WORLD_OP_SEM_WAIT:
    case WORLD_OP_SEM_TRY:
    case WORLD_OP_SEM_POST:
    case WORLD_OP_SEM_READ:
    case WORLD_OP_BARRIER:
    case WORLD_OP_SLEEP:
    case WORLD_OP_YIELD:
    case WORLD_OP_ADVANCE:
    case WORLD_OP_ATOMIC_LOAD:
    case WORLD_OP_ATOMIC_STORE:
    case WORLD_OP_ATOMIC_UPDATE:
    case WORLD_OP_COMPARE_EXCHANGE:
    case WORLD_OP_FENCE:
    case WORLD_OP_READ:
    case WORLD_OP_WRITE:
        return true;
    default: /* of many kinds, none of which comes back */
        return false;
    }
}

static uint64_t hash_objects(uint64_t hash)
{
    for (uint32_t id = 1; id < W.object_count; id++) {
        const struct object *object = &W.objects[id];
        hash = mix(hash, object->kind);
        if (object->kind == OBJECT_ATOMIC) continue; /* its value is in the memory */
        hash = mix(hash, (uint64_t)object->owner << 32 | (uint64_t)object->head << 16 |
                             object->tail);
        hash = mix(hash, object->contenders);
        hash = mix(hash, (uint64_t)object->count << 32 | object->other);
    }
    return hash;
}

static uint64_t hash_entities(uint64_t hash)
{
    for (uint32_t id = 0; id < W.entity_count; id++) {
        const struct entity *entity = entity_of((uint16_t)id);
        hash = mix(hash, (uint64_t)entity_enabled(entity) << 32 | (uint64_t)entity->state << 16 |
                             entity->wait);
        hash = mix(hash, (uint64_t)entity->wait_object << 32 | (uint64_t)entity->reason << 16 |
                             entity->next);
        hash = mix(hash, (uint64_t)entity->held << 32 | (uint64_t)entity->cancel_pending << 2 |
                             (uint64_t)entity->cancel_disabled << 1 | entity->paused);
    }
    return hash;
}

static uint64_t hash_time(uint64_t hash)
{
    for (uint32_t i = 0; i < W.timer_count; i++) {
        const struct timer *timer = &W.timers[i];
        hash = mix(hash, timer->due_ns - W.now_ns);
        hash = mix(hash, (uint64_t)timer->entity << 8 | timer->what);
    }
    hash = mix(hash, (uint64_t)W.stalls_left << 32 | W.spurious_left);
    return mix(hash, W.weak_left);
}

static uint64_t hash_locals(uint64_t hash)
{
    for (uint32_t id = 0; id < W.entity_count; id++) {
        const struct entity *entity = entity_of((uint16_t)id);
        size_t bytes;
        if (entity->slot == WORLD_NOBODY || entity->state != ENTITY_LIVE) continue;
        const void *locals = world_locals((uint16_t)id, &bytes);
        hash = recur_bytes(hash, (uintptr_t)locals, (uintptr_t)locals + bytes);
    }
    return hash;
}

/* All but what threads have in registers and on their stacks. */
static uint64_t hash_world(void)
{
    return hash_time(hash_entities(hash_objects(hash_locals(recur_memory()))));
}

/* --- a circle --- */

static bool could_go_on(const struct entity *entity)
{
    if (entity->class_ >= WORLD_SPURIOUS) return false;
    bool is_thread = entity->slot != WORLD_NOBODY && entity->state == ENTITY_LIVE;
    return entity_enabled(entity) || (is_thread && entity->wait == WAIT_NONE);
}

/* Somebody changed what it waits for, and may have let it go on. */
static bool was_passed_over(const struct entity *entity, uint32_t from, uint32_t to)
{
    if (entity->slot == WORLD_NOBODY || entity->wait == WAIT_NONE) return false;
    for (uint32_t i = from; i < to; i++) {
        const struct world_step *step = &W.steps[first_step + i];
        bool changed = step->object != 0 && step->access == WORLD_WRITE;
        if (changed && step->object == entity->wait_object) return true;
    }
    return false;
}

/* Nobody else could have gone on after that moment, so that no choice leads out of it. */
static bool is_alone(uint32_t from)
{
    uint32_t threads = 0;
    for (uint32_t id = 0; id < W.entity_count; id++) threads += parts[id].could > from;
    return threads == 1;
}

static bool time_passed(uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        if (W.steps[first_step + i].op == WORLD_OP_ADVANCE) return true;
    }
    return false;
}

/* Whether everybody had a turn after moment `from`, up to moment `to`; both count from 1. */
static bool is_fair(uint32_t from, uint32_t to)
{
    if (W.timer_count > 0 && !time_passed(from, to)) return false;
    for (uint32_t id = 0; id < W.entity_count; id++) {
        const struct entity *entity = entity_of((uint16_t)id);
        if (parts[id].made > from) continue;
        if (parts[id].could > from || was_passed_over(entity, from, to)) return false;
    }
    return true;
}

static bool is_told(const struct moment *places, uint32_t told, uint32_t at)
{
    const struct world_step *steps = W.steps + first_step, *step = &steps[at];
    for (uint32_t i = 0; i < told; i++) {
        if (places[i].pc == moments[at].pc && places[i].all == step->object) return true;
    }
    return false;
}

/* Each place that the thread came by, once. */
static void tell_places(uint16_t entity, uint32_t from, uint32_t to)
{
    struct moment places[PLACES_MAX];
    uint32_t told = 0;
    for (uint32_t i = from; i < to && told < PLACES_MAX; i++) {
        const struct world_step *step = &W.steps[first_step + i];
        if (step->entity != entity || moments[i].pc == 0 || is_told(places, told, i)) continue;
        places[told++] = (struct moment){step->object, moments[i].pc};
        livelock_tell_place(entity, (enum world_op)step->op, step->object, moments[i].pc);
    }
}

static _Noreturn void found(uint32_t from, uint32_t to)
{
    uint32_t threads = 0;
    for (uint32_t id = 0; id < W.entity_count; id++) {
        if (parts[id].made <= from) continue;
        threads++;
        tell_places((uint16_t)id, from, to);
    }
    for (uint32_t id = 0; id < W.entity_count; id++) {
        if (parts[id].made <= from) finding_waiter(entity_of((uint16_t)id));
    }
    finding_raise(WORLD_FOUND_LIVELOCK, moments[to - 1].pc,
                  "%u thread%s go%s round in a circle: all is as it was %u steps before", threads,
                  threads == 1 ? "" : "s", threads == 1 ? "es" : "", to - from);
}

/* The moment that is like the last one; the last one itself if none was. */
static uint32_t find_like(void)
{
    uint64_t all = moments[count - 1].all;
    uint32_t at = (uint32_t)(all % TABLE);
    while (table[at] != 0 && moments[table[at] - 1].all != all) at = (at + 1) % TABLE;
    if (table[at] == 0) table[at] = (uint16_t)count;
    return table[at];
}

/* --- moments --- */

static void note_who_could(void)
{
    for (uint32_t id = 0; id < W.entity_count; id++) {
        if (could_go_on(entity_of((uint16_t)id))) parts[id].could = count;
    }
}

/* Adds a moment; false: its thread cannot be looked at. */
static bool add_moment(const struct world_step *step)
{
    uint64_t state = 0, world = hash_world();
    uintptr_t pc = 0;
    /* All of memory was read: who counts what an execution costs has to know. */
    if (W.count_accesses) W.accesses += MOMENT_COST;
    bool by_thread = step->op != WORLD_OP_ADVANCE;
    if (by_thread && !recur_program(&pc, &state)) return false;
    count++;
    if (by_thread) {
        /* What it did from there to where it stands depends on this alone. */
        state = mix(mix(state, world), (uint64_t)step->result << 8 | step->op);
        parts[step->entity].state = state;
        parts[step->entity].made = count;
    }
    for (uint32_t id = 0; id < W.entity_count; id++) world = mix(world, parts[id].state);
    moments[count - 1] = (struct moment){world, pc};
    note_who_could();
    return true;
}

/* --- when --- */

static bool is_same(const struct world_step *one, const struct world_step *other)
{
    return one->entity == other->entity && one->op == other->op && one->object == other->object;
}

/* The last steps, of one thread but for time that passes, are those before them. */
static bool repeats(uint32_t period)
{
    const struct world_step *end = W.step, *thread = NULL;
    if (2 * period > step_count()) return false;
    for (const struct world_step *step = end - period; step < end; step++) {
        if (!is_same(step, step - period)) return false;
        if (step->op == WORLD_OP_ADVANCE) continue;
        if (thread && thread->entity != step->entity) return false;
        thread = step;
    }
    return thread != NULL;
}

static bool is_time_to_look(void)
{
    if (steps_left() <= steps_looked_at()) {
        trial_end = 0;
        return true;
    }
    if (steps_looked_at() < TRIAL) return false;
    uint32_t period = 1;
    while (period <= PERIOD_MAX && !repeats(period)) period++;
    if (period > PERIOD_MAX) return false;
    trial_end = step_count() + TRIAL;
    return true;
}

void cycle_step(const struct world_step *step)
{
    if (looking && trial_end != 0 && step_count() >= trial_end) looking = false;
    if (!looking) {
        if (trial_end != 0 || !is_time_to_look()) {
            look_later(2 * step_count());
            return;
        }
        begin(step_count() - 1);
    }
    if (steps_looked_at() == 0) { /* there is too much memory by now */
        look_later(UINT32_MAX);
        return;
    }
    if (count == STEPS_MAX || !may_repeat(step) || W.outside != outside ||
        W.unseen != unseen || !add_moment(step)) {
        begin(step_count());
        return;
    }
    uint32_t from = find_like();
    bool always = trial_end == 0 || is_alone(from);
    if (from < count && always && is_fair(from, count)) found(from, count);
}
