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

/* A record but for its place, in one register. What is stored in parts takes long to load as a
 * whole: so the one of the access being made is put together, and only former ones are loaded. */
static inline uint64_t race_who(const struct race_record *record)
{
    uint64_t who;
    memcpy(&who, record, sizeof who);
    return who;
}

static inline uint64_t race_own(const struct race_record *record)
{
    return record->clock | (uint64_t)record->slot << 32 | (uint64_t)record->mask << 48 |
           (uint64_t)record->flags << 56;
}
_Static_assert(offsetof(struct race_record, slot) == 4 && offsetof(struct race_record, mask) == 6 &&
                   offsetof(struct race_record, flags) == 7 &&
                   offsetof(struct race_record, where) == 8 &&
                   __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "as race_own() puts it together");

/* The bytes of the former that are of no use any more, since whatever races with them races with
 * the latter, are taken off it. False: the two race, or the former is a free. `flags` are those of
 * the latter: where they are known, so is most of this. */
static inline __attribute__((always_inline)) bool
race_meet(struct race_record *before, const struct race_clock *known,
          const struct race_record *record, uint32_t flags)
{
    uint64_t who = race_who(before);
    uint32_t mask = (uint8_t)(who >> 48), former = (uint32_t)(who >> 56);
    uint32_t common = mask & record->mask, slot = (uint16_t)(who >> 32);
    if (common == 0) return true;
    if (UNLIKELY(former & RACE_FREE)) return false;
    /* A thread knows all that it did itself. */
    if (UNLIKELY(slot >= known->count || (uint32_t)who > known->at[slot])) {
        return !((former | flags) & RACE_WRITE) || former & flags & RACE_ATOMIC;
    }
    bool replaces = (flags & RACE_WRITE || !(former & RACE_WRITE)) &&
                    (!(flags & RACE_ATOMIC) || former & RACE_ATOMIC);
    if (replaces) before->mask = (uint8_t)(mask ^ common);
    return true;
}

static inline void race_put(struct race_record *place, const struct race_record *record)
{
    uint64_t own = race_own(record);
    memcpy(place, &own, sizeof own);
    place->where = record->where;
}

/* Whether one of the accesses to the cell was made by the thread in this epoch. */
static inline bool race_is_again(const struct race_cell *cell, const struct race_record *record)
{
    uint64_t own = race_own(record) << 16; /* without mask and flags */
    bool again = false;
    for (int i = 0; i < RACE_RECORDS; i++) again |= race_who(&cell->at[i]) << 16 == own;
    return again;
}

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

/* Where an access is kept, if that place is free: writes and reads of each half have one of their
 * own, so that it can be foreseen where the next one meets them. */
static inline uint32_t race_home(const struct race_record *record)
{
    return (record->flags & RACE_WRITE ? 0 : 2) + ((record->mask & 0xf) == 0);
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
race_keep(struct race_cell *cell, const struct race_clock *known, const struct race_record *record,
          uint32_t flags)
{
    if (UNLIKELY(cell->run != R.run) && !race_begin_cell(cell)) {
        race_put(&cell->at[race_home(record)], record);
        return true;
    }
    bool again = race_is_again(cell, record);
    if (UNLIKELY(again) && race_is_known(cell, record)) return true;
    for (int i = 0; i < RACE_RECORDS; i++) {
        if (UNLIKELY(!race_meet(&cell->at[i], known, record, flags))) return false;
    }
    if (UNLIKELY(cell->more) && race_list_meet(cell, known, record) != NULL) return false;
    if (UNLIKELY(again) && race_extend(cell, record)) return true;
    struct race_record *place = &cell->at[race_home(record)];
    for (int i = 0; UNLIKELY(place->mask != 0); i++) {
        if (i == RACE_RECORDS) return race_list_add(cell, record);
        place = &cell->at[i];
    }
    race_put(place, record);
    return true;
}

#pragma GCC visibility pop

#endif
