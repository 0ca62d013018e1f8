#include "word.h"

#include "spin.h"

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
    /* Neighbours are neighbours here, too: a miss of the cache serves several. */
    uint32_t at = (uint32_t)(((address >> 9) * 0x9e3779b97f4a7c15ull >> 40) + (address >> 3) % 64);
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

void word_reset(void)
{
    words = others = 0;
}

/* --- steps --- */

void word_point(uintptr_t address, enum world_access access, uintptr_t pc)
{
    if (UNLIKELY(W.self->apart > 0)) return;
    spin_point((const void *)step_address(address), access, pc);
}

void world_apart(bool begins)
{
    if (begins) {
        W.self->apart++;
    } else if (W.self->apart > 0) {
        W.self->apart--;
    }
}

void word_step(uintptr_t address, enum world_op op, enum world_access access, uint32_t result,
               bool same, uint64_t value, uintptr_t pc)
{
    uint32_t object = step_object(address);
    if (same) {
        spin_step(op, object, access, result, value, pc);
        return;
    }
    step_record(op, object, access, result);
    W.objects[object].owner = (uint16_t)(W.self->id + 1);
    W.objects[object].site = pc;
    spin_changed();
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
