/* The cell of a word, and an access to it that only few of the former ones tell of. */
#ifndef HARNESS_WORLD_RACE_CELL_H
#define HARNESS_WORLD_RACE_CELL_H

#include "race.h"

#include <string.h>

#pragma GCC visibility push(hidden)

/* NULL: thread-local variables have none. */
static inline struct race_region *race_region_of(const struct race_cell *cell)
{
    size_t index = ((uintptr_t)cell - (uintptr_t)R.heap) / (RACE_REGION * sizeof *cell);
    return LIKELY(index < R.region_count) ? &R.regions[index] : NULL;
}

static inline uint32_t race_place_in_region(const struct race_cell *cell)
{
    return (uint32_t)(cell - R.heap) % RACE_REGION;
}

/* From here on the cell tells of its word. True when there is something to tell yet. */
static inline bool race_begin_cell(struct race_cell *cell)
{
    struct race_region *region = race_region_of(cell);
    *cell = (struct race_cell){.run = R.run};
    if (UNLIKELY(region == NULL)) return false;
    if (region->run != R.run) *region = (struct race_region){.run = R.run};
    region->used |= 1ull << race_place_in_region(cell);
    if (region->whole.mask == 0) return false;
    cell->at[0] = region->whole;
    return true;
}

/* What the running thread is about to do to these bytes of a word. */
static inline struct race_record race_record_now(uint8_t mask, uint32_t flags, uint32_t where)
{
    uint16_t slot = W.self->slot;
    return (struct race_record){.clock = R.threads[slot].at[slot], .slot = slot, .mask = mask,
                                .flags = (uint8_t)flags, .where = where};
}

/* A record but for its place in one register: what is stored in parts takes long to load. */
static inline uint64_t race_who(const struct race_record *record)
{
    uint64_t who;
    memcpy(&who, record, sizeof who);
    return who;
}
_Static_assert(offsetof(struct race_record, where) == sizeof(uint64_t), "all but the place");

/* Of the former, what the latter, made after it, does not make irrelevant. */
static inline bool race_replaces(uint32_t flags, uint32_t before)
{
    return (before & RACE_FREE) == 0 && (flags & RACE_WRITE || !(before & RACE_WRITE)) &&
           (!(flags & RACE_ATOMIC) || before & RACE_ATOMIC);
}

/* The bytes of the former that are of no use any more are taken off it. False: the two race, or
 * the former is a free. */
static inline __attribute__((always_inline)) bool
race_meet(struct race_record *before, const struct race_clock *known,
          const struct race_record *record)
{
    struct race_record former;
    memcpy(&former, before, sizeof former);
    uint32_t common = former.mask & record->mask;
    if (common == 0) return true;
    bool writes = (former.flags | record->flags) & RACE_WRITE;
    bool atomic = former.flags & record->flags & RACE_ATOMIC;
    bool ordered = former.slot == record->slot ||
                   (former.slot < known->count && former.clock <= known->at[former.slot]);
    if (UNLIKELY((!ordered && writes && !atomic) || former.flags & RACE_FREE)) return false;
    if (ordered && race_replaces(record->flags, former.flags)) before->mask ^= (uint8_t)common;
    return true;
}

/* Whether one of the accesses to the cell was made by the thread in this epoch. */
static inline bool race_is_again(const struct race_cell *cell, const struct race_record *record)
{
    uint64_t own = race_who(record) << 16;
    bool again = false;
    for (int i = 0; i < RACE_RECORDS; i++) again |= race_who(&cell->at[i]) << 16 == own;
    return again;
}
_Static_assert(offsetof(struct race_record, mask) == 6, "mask and flags are shifted out");

/* The thread has done as much to these bytes already, in the same epoch. */
static inline bool race_is_same(const struct race_record *before, const struct race_record *record)
{
    return before->clock == record->clock && before->slot == record->slot &&
           (record->mask & ~before->mask) == 0 &&
           (before->flags == record->flags ||
            (before->flags == RACE_WRITE && !(record->flags & RACE_FREE)));
}

static inline bool race_is_known(const struct race_cell *cell, const struct race_record *record)
{
    for (int i = 0; i < RACE_RECORDS; i++) {
        if (race_is_same(&cell->at[i], record)) return true;
    }
    return false;
}

/* Neighbouring bytes, accessed one after the other by the same call, are kept as one access. */
static inline bool race_extends(const struct race_record *record, const struct race_record *before)
{
    return before->clock == record->clock && before->slot == record->slot && before->mask != 0 &&
           before->flags == record->flags;
}

static inline bool race_extend(struct race_cell *cell, const struct race_record *record)
{
    for (int i = 0; i < RACE_RECORDS; i++) {
        struct race_record *before = &cell->at[i];
        if (!race_extends(record, before) || before->where != record->where) continue;
        before->mask |= record->mask;
        return true;
    }
    return false;
}

/* Where an access is kept, if that place is free: writes of each half, and reads of some threads,
 * have one of their own, so that it can be foreseen where they are met. */
static inline uint32_t race_home(const struct race_record *record)
{
    return record->flags & RACE_WRITE ? (record->mask & 0xf) == 0 : 2 + record->slot % 2;
}

/* What a cell has no room for (race_list.c). Both call nothing, and use general registers only. */
void race_list_begin(void);
/* False: there is no more room at all. */
bool race_list_add(struct race_cell *cell, const struct race_record *record);
/* As race_meet() with all of them; the first that races, or NULL. */
struct race_record *race_list_meet(struct race_cell *cell, const struct race_clock *known,
                                   const struct race_record *record);

/* The access is kept, if it races with none and there is room, while no stacks are kept. False: it
 * was not; what was done so far does no harm when everything is done again. */
static inline __attribute__((always_inline)) bool
race_keep(struct race_cell *cell, const struct race_clock *known, const struct race_record *record)
{
    if (UNLIKELY(cell->run != R.run) && !race_begin_cell(cell)) {
        cell->at[race_home(record)] = *record;
        return true;
    }
    bool again = race_is_again(cell, record);
    if (UNLIKELY(again) && race_is_known(cell, record)) return true;
    for (int i = 0; i < RACE_RECORDS; i++) {
        if (UNLIKELY(!race_meet(&cell->at[i], known, record))) return false;
    }
    if (UNLIKELY(cell->more) && race_list_meet(cell, known, record) != NULL) return false;
    if (UNLIKELY(again) && race_extend(cell, record)) return true;
    struct race_record *place = &cell->at[race_home(record)];
    for (int i = 0; UNLIKELY(place->mask != 0); i++) {
        if (i == RACE_RECORDS) return race_list_add(cell, record);
        place = &cell->at[i];
    }
    *place = *record;
    return true;
}

#pragma GCC visibility pop

#endif
