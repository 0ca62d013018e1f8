#include "word.h"

#include <string.h>
#include <sys/mman.h>

/* --- the object of an address: a table that is never looked through --- */

enum { PLACES = 4 * WORLD_OBJECTS_MAX, WORDS_MAX = WORLD_OBJECTS_MAX / 2 };

static struct place {
    uintptr_t address;
    uint64_t run; /* of another execution: free */
    uint32_t object;
} *places;
static uint32_t words; /* of this execution */
static uint32_t others; /* the object of all words for which there is no room */

static struct place *place_at(uintptr_t address)
{
    uint32_t at = (uint32_t)(address * 0x9e3779b97f4a7c15ull >> 40);
    if (UNLIKELY(places == NULL)) {
        places = mmap(NULL, PLACES * sizeof *places, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        REQUIRE(places != MAP_FAILED);
    }
    for (;; at++) {
        struct place *place = &places[at % PLACES];
        if (place->run != W.runs || place->address == address) return place;
    }
}

uint32_t word_object(uintptr_t address)
{
    struct place *place = place_at(address);
    if (LIKELY(place->run == W.runs)) return place->object;
    if (words == WORDS_MAX) {
        if (others == 0) others = object_new(NULL, OBJECT_ATOMIC, 0);
        return others;
    }
    words++;
    *place = (struct place){address, W.runs, object_new((const void *)address, OBJECT_ATOMIC, 0)};
    return place->object;
}

/* At level points plain accesses of any size meet atomic ones: all of a word is one object. */
static uintptr_t step_address(uintptr_t address)
{
    return W.level == WORLD_LEVEL_POINTS ? address & ~(uintptr_t)7 : address;
}

static uint32_t step_object(uintptr_t address)
{
    return word_object(step_address(address));
}

/* --- spinning --- */

/* So often may a thread see the same at the same place, doing nothing else, or yield to nobody,
 * before others go first for as long as they can. */
enum { SPINS_MAX = 16 };

static struct spin {
    uint64_t run;     /* valid in this execution only */
    uint64_t hash;    /* of the thread after its last operation on a word */
    uint64_t value;
    uintptr_t pc;
    uint32_t object;
    uint32_t times;
} spins[WORLD_ENTITIES_MAX];
static struct yields {
    uint64_t run;
    uint32_t times; /* in a row, with nobody else making a step at any of them */
} yields[WORLD_ENTITIES_MAX];
static uint16_t aside[WORLD_ENTITIES_MAX];

void spin_reset(void)
{
    words = others = 0;
    W.spinners = 0;
}

void spin_resume(void)
{
    while (W.spinners > 0) entity_enable(entity_of(aside[--W.spinners]));
}

static bool spins_on(const struct spin *spin)
{
    return spin->times >= SPINS_MAX && spin->run == W.runs && spin->hash == W.self->hash;
}

static void spin_note(struct spin *spin, uint64_t hash_before, uint32_t object, uint64_t value,
                      uintptr_t pc)
{
    bool again = spin->run == W.runs && spin->hash == hash_before && spin->object == object &&
                 spin->pc == pc && spin->value == value;
    uint32_t times = again ? spin->times + 1 : 0;
    *spin = (struct spin){W.runs, W.self->hash, value, pc, object, times};
}

/* Others go first, for as long as they can or until something is written. */
static void set_aside(struct entity *self)
{
    if (W.chooser->yielded) W.chooser->yielded(W.chooser, self->id);
    entity_disable(self);
    aside[W.spinners++] = self->id;
    sched_pass();
}

void spin_yield(void)
{
    struct entity *self = W.self;
    struct yields *own = &yields[self->id];
    const struct world_step *before = W.step;
    uint32_t times = own->run == W.runs ? own->times : 0;
    if (times < SPINS_MAX) {
        if (W.chooser->yielded) W.chooser->yielded(W.chooser, self->id);
        sched_point(NULL, WORLD_NONE);
    } else {
        self->next_place = NULL;
        set_aside(self);
    }
    *own = (struct yields){W.runs, W.step == before ? times + 1 : 0};
}

/* --- steps --- */

void word_point(uintptr_t address, enum world_access access, uintptr_t pc)
{
    struct entity *self = W.self;
    struct spin *spin = &spins[self->id];
    if (LIKELY(!spins_on(spin)) || spin->pc != pc || spin->object != step_object(address)) {
        sched_point((const void *)step_address(address), access);
        return;
    }
    spin->times = 0;
    set_aside(self);
}

void word_step(uintptr_t address, enum world_op op, enum world_access access, uint32_t result,
               bool same, uint64_t value, uintptr_t pc)
{
    struct spin *spin = &spins[W.self->id];
    uint64_t hash = W.self->hash;
    uint32_t object = step_object(address);
    step_record(op, object, access, result);
    if (same) {
        spin_note(spin, hash, object, value, pc);
    } else {
        spin->times = 0;
        if (UNLIKELY(W.spinners > 0)) spin_resume();
    }
}

/* What is written is not known yet, so whoever spins looks again. */
void word_access(uintptr_t address, size_t bytes, bool write, uintptr_t pc)
{
    uint64_t value = 0;
    word_point(address, write ? WORLD_WRITE : WORLD_READ, pc);
    if (!write) memcpy(&value, (const void *)address, bytes < sizeof value ? bytes : sizeof value);
    word_step(address, write ? WORLD_OP_WRITE : WORLD_OP_READ, write ? WORLD_WRITE : WORLD_READ, 0,
              !write, value, pc);
    size_t part = 8 - address % 8;
    if (bytes <= part) return;
    for (size_t at = part; at < bytes; at += 8) {
        step_record(write ? WORLD_OP_WRITE : WORLD_OP_READ, step_object(address + at),
                    write ? WORLD_WRITE : WORLD_READ, 0);
    }
}
