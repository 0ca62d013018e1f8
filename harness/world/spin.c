#include "spin.h"

#include "livelock.h"

/* So often may a thread come back to the same, doing nothing else, or yield to nobody, before
 * others go first for as long as they can; and so long may its loop be. */
enum { SPINS_MAX = 16, LOOP_MAX = 32, NAP_MIN_NS = 1000, NAP_MAX_NS = 100000000 };

/* So many more looks it makes at once where all others are delayed: what spins before it sleeps
 * mostly does so less often. */
enum { LOOKS_AHEAD = 2500 };

/* What a thread does while it does nothing but look. */
static struct spin {
    uint64_t run;   /* valid in this execution only */
    uint64_t hash;  /* of the thread after its last look */
    uint64_t value; /* what it saw at its mark, which is where it comes back to */
    uintptr_t pc;
    uint32_t object;
    uint32_t times; /* it came back */
    uint32_t since; /* looks elsewhere after the last time */
    uint32_t ahead; /* looks that it makes before anybody else goes on */
} spins[WORLD_ENTITIES_MAX];
static struct yields {
    uint64_t run;
    uint32_t times; /* in a row, with nobody else making a step at any of them */
} yields[WORLD_ENTITIES_MAX];
static uint16_t aside[WORLD_ENTITIES_MAX];
static uint64_t looks_known; /* W.clock_looks, when those set aside last went on because of them */
static bool looked_on;       /* a thread went on spinning while all others were delayed */
static uint64_t nap_ns;      /* so much time passes next for those who wait for it by looking */

void spin_reset(void)
{
    W.spinners = 0;
    W.outside = W.clock_looks = looks_known = 0;
    looked_on = false;
    nap_ns = NAP_MIN_NS;
}

void spin_released_while(void)
{
    while (W.spinners > 0) entity_enable(entity_of(aside[--W.spinners]));
}

void spin_take_back(const struct entity *entity)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < W.spinners; i++) {
        if (aside[i] != entity->id) aside[left++] = aside[i];
    }
    W.spinners = left;
}

void spin_changed_while(void)
{
    spin_released_while();
    livelock_changed();
}

/* --- who spins --- */

static bool is_chained(const struct spin *spin, uint64_t hash_before)
{
    return spin->run == W.runs && spin->hash == hash_before;
}

static void note(struct spin *spin, uint64_t hash_before, uint32_t object, uint64_t value,
                 uintptr_t pc)
{
    bool chained = is_chained(spin, hash_before);
    if (chained && spin->object == object && spin->pc == pc && spin->value == value) {
        spin->times++;
        spin->since = 0;
        spin->hash = W.self->hash;
    } else if (chained && ++spin->since < LOOP_MAX) {
        spin->hash = W.self->hash;
    } else {
        *spin = (struct spin){W.runs, W.self->hash, value, pc, object, 0, 0, 0};
    }
}

void spin_step(enum world_op op, uint32_t object, enum world_access access, uint32_t result,
               uint64_t value, uintptr_t pc)
{
    uint64_t hash = W.self->hash;
    step_record(op, object, access, result);
    note(&spins[W.self->id], hash, object, value, pc);
    if (UNLIKELY(W.probing)) livelock_look(op, object, pc);
}

/* --- others go first --- */

static void set_aside(const void *place, enum world_access access)
{
    struct entity *self = W.self;
    if (W.chooser->yielded) W.chooser->yielded(W.chooser, self->id);
    self->next_place = place;
    self->next_access = (uint8_t)access;
    entity_disable(self);
    aside[W.spinners++] = self->id;
    sched_pass();
}

void spin_stand_aside(void)
{
    set_aside(NULL, WORLD_NONE);
}

/* What comes when a loop gives up is seen only if nobody else goes on until then: once in an
 * execution, where threads may be delayed, that is tried. */
static void look_on(struct spin *spin)
{
    if (W.stalls_left == 0 || looked_on || W.limits.every_release || W.probing) return;
    uint32_t index = sched_value(3, "spin");
    if (index == 0) return;
    looked_on = true;
    W.stalls_left--;
    plain_update();
    step_record(WORLD_OP_SPIN, spin->object, WORLD_NONE, LOOKS_AHEAD);
    spin->hash = W.self->hash;
    spin->ahead = LOOKS_AHEAD;
    /* Once it gives up it goes on, or it is the turn of those. */
    if (index == 2 && W.chooser->yielded) W.chooser->yielded(W.chooser, W.self->id);
}

static bool goes_ahead(struct spin *spin, uint64_t hash)
{
    if (LIKELY(spin->ahead == 0) || !is_chained(spin, hash)) return false;
    spin->ahead--;
    return true;
}

void spin_point(const void *place, enum world_access access, uintptr_t pc)
{
    struct spin *spin = &spins[W.self->id];
    if (LIKELY(spin->times < SPINS_MAX) || !is_chained(spin, W.self->hash)) {
        sched_point(place, access);
        return;
    }
    bool again = spin->pc == pc && W.objects[spin->object].address == place;
    if (again && spin->ahead == 0) look_on(spin);
    if (goes_ahead(spin, W.self->hash)) return;
    if (!again) {
        sched_point(place, access);
        return;
    }
    spin->times = SPINS_MAX - 1; /* one more look is enough */
    set_aside(place, access);
}

void spin_yield(uintptr_t pc)
{
    struct entity *self = W.self;
    struct yields *own = &yields[self->id];
    struct spin *spin = &spins[self->id];
    const struct world_step *before = W.step;
    uint32_t times = own->run == W.runs ? own->times : 0;
    if (goes_ahead(spin, self->hash)) {
        times = 0;
    } else if (times < SPINS_MAX) {
        if (W.chooser->yielded) W.chooser->yielded(W.chooser, self->id);
        sched_point(NULL, WORLD_NONE);
    } else {
        spin_stand_aside();
    }
    *own = (struct yields){W.runs, W.step == before ? times + 1 : 0};
    bool chained = is_chained(spin, self->hash);
    step_record(WORLD_OP_YIELD, 0, WORLD_NONE, 0);
    if (chained) spin->hash = self->hash;
    if (UNLIKELY(W.probing)) livelock_look(WORLD_OP_YIELD, 0, pc);
}

/* --- until nobody else can go on --- */

/* Computing takes no time here. For loops that end at some time it has to: the more, the longer
 * they wait. */
static void let_time_pass(void)
{
    W.now_ns += nap_ns;
    if (nap_ns < NAP_MAX_NS) nap_ns *= 2;
    if (W.now_ns > W.limits.time_max_ns) sched_leave(WORLD_CUT);
    step_record_advance();
}

void spin_idle(void)
{
    if (W.clock_looks != looks_known) {
        looks_known = W.clock_looks;
        let_time_pass();
    } else {
        livelock_suspect();
    }
    spin_released_while();
}

void spin_time_passed(void)
{
    looks_known = W.clock_looks;
    spin_released();
}
