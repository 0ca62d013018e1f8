/* The cell of a word, and an access to it that only few of the former ones tell of. */
#ifndef HARNESS_WORLD_RACE_CELL_H
#define HARNESS_WORLD_RACE_CELL_H

#include "race.h"

#include <string.h>

#pragma GCC visibility push(hidden)

#if defined(__x86_64__)
#define RACE_APART __attribute__((no_caller_saved_registers))
#else
#define RACE_APART
#endif

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

static inline struct race_record race_record_of(uint64_t who, uint32_t where)
{
    return (struct race_record){.clock = (uint32_t)who, .slot = (uint16_t)(who >> 32),
                                .mask = (uint8_t)(who >> 48), .flags = (uint8_t)(who >> 56),
                                .where = where};
}

/* As it is now: which bytes are left of it the cell tells. */
static inline struct race_record race_at(const struct race_cell *cell, uint32_t place)
{
    struct race_record record = race_record_of(race_who(&cell->at[place]), cell->at[place].where);
    record.mask = (uint8_t)(cell->masks >> 8 * place);
    return record;
}

/* At a place that is free. */
static inline void race_put(struct race_cell *cell, uint32_t place, uint64_t who, uint32_t where)
{
    memcpy(&cell->at[place], &who, sizeof who);
    cell->at[place].where = where;
    cell->masks |= (uint32_t)(uint8_t)(who >> 48) << 8 * place;
}

/* Where an access is kept, if that place is free: writes and reads of each half have one of their
 * own, so that it can be foreseen where the next one meets them. */
static inline uint32_t race_home(uint32_t flags, uint32_t mask)
{
    return (flags & RACE_WRITE ? 0 : 2) + ((mask & 0xf) == 0);
}

/* No access to the word is known. Nobody has done anything in an epoch 0, which all know of. */
static inline void race_clear_cell(struct race_cell *cell)
{
    uint64_t nobody = 0;
    cell->run = R.run;
    cell->more = cell->masks = cell->last = 0;
    memcpy(&cell->at[0], &nobody, sizeof nobody);
}

static inline bool race_knows(const struct race_clock *known, uint64_t who)
{
    uint32_t slot = (uint16_t)(who >> 32);
    return slot < known->count && (uint32_t)who <= known->at[slot];
}

/* From here on the cell tells of its word. */
static inline void race_open_cell(struct race_cell *cell)
{
    struct race_region *region = race_region_of(cell);
    race_clear_cell(cell);
    if (UNLIKELY(region == NULL)) return;
    if (region->run != R.run) *region = (struct race_region){.run = R.run};
    region->used |= 1ull << race_place_in_region(cell);
    const struct race_record *whole = &region->whole;
    if (LIKELY(whole->mask == 0)) return;
    uint32_t home = race_home(whole->flags, UINT8_MAX);
    race_put(cell, home, race_own(whole), whole->where);
    cell->last = whole->flags & RACE_FREE ? RACE_RECORDS : home;
}

/* The bytes of the former that are left: those are of no use any more of which whatever races with
 * them races with the latter. RACE_MET: the two race, or the former is a free. `flags` are those of
 * the latter: where they are known, so is most of this. */
enum { RACE_MET = 256 };
static inline __attribute__((always_inline)) uint32_t
race_meet(const struct race_record *before, const struct race_clock *known,
          const struct race_record *record, uint32_t flags)
{
    uint32_t mask = before->mask, former = before->flags, common = mask & record->mask;
    if (common == 0) return mask;
    if (UNLIKELY(former & RACE_FREE)) return RACE_MET;
    /* A thread knows all that it did itself. */
    if (UNLIKELY(before->slot >= known->count || before->clock > known->at[before->slot])) {
        bool race = (former | flags) & RACE_WRITE && !(former & flags & RACE_ATOMIC);
        return race ? RACE_MET : mask;
    }
    bool replaces = (flags & RACE_WRITE || !(former & RACE_WRITE)) &&
                    (!(flags & RACE_ATOMIC) || former & RACE_ATOMIC);
    return replaces ? mask ^ common : mask;
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
    for (uint32_t i = 0; i < RACE_RECORDS; i++) {
        struct race_record before = race_at(cell, i);
        if (race_is_same(&before, record)) return true;
    }
    return false;
}

/* Neighbouring bytes, accessed one after the other by the same call, are kept as one access. */
static inline bool race_extends(const struct race_record *record, const struct race_record *before)
{
    return before->clock == record->clock && before->slot == record->slot && before->mask != 0 &&
           before->flags == record->flags;
}

/* --- what is less usual: race_list.c. It uses general registers only, and what is apart changes
 * none but that of its result --- */

void race_list_begin(void);
/* As race_meet() with what the cell has no room for; the first that races, or NULL. */
struct race_record *race_list_meet(struct race_cell *cell, const struct race_clock *known,
                                   const struct race_record *record);
/* An access that has met all others is kept. `follows`: and knew of them. False: there is no more
 * room at all. */
bool race_add(struct race_cell *cell, const struct race_clock *known,
              const struct race_record *record, bool follows);
/* As race_open_cell(). */
RACE_APART void race_begin_cell(struct race_cell *cell);
/* As race_keep(), in any case. */
RACE_APART bool race_keep_all(struct race_cell *cell, const struct race_clock *known, uint64_t who,
                              uint32_t where);
/* A plain access to a word that the same thread accessed last, in the same epoch, and that follows
 * (see below). False: its place is taken. */
RACE_APART bool race_keep_own(struct race_cell *cell, uint64_t who, uint32_t home, uint32_t where);
/* The thread's epoch gets its number. False: numbers are used up. */
RACE_APART bool race_begin_epoch(void);
/* An aligned access where only repetitions are told, of 2^size bytes. False: it could not. */
RACE_APART bool race_note_only(uintptr_t address, uint32_t size, bool write);

/* --- the usual case: whoever knows of the last access to a word knows of all ---
 *
 * Knowing of an epoch is knowing of all that its thread knew. So where each access to a word was
 * made by one that knew of all those before it, the last one is all that the next need be compared
 * with. Then `last` is its place; and the first two places have nothing but writes, the others
 * nothing but reads, none of them a free, and nothing is kept elsewhere. */

static inline bool race_follows(const struct race_cell *cell, const struct race_clock *known)
{
    return cell->last < RACE_RECORDS && race_knows(known, race_who(&cell->at[cell->last]));
}

/* Whether that access was made in this epoch: then it follows. */
static inline bool race_is_last(const struct race_cell *cell, uint64_t own)
{
    return (race_who(&cell->at[cell->last]) ^ own) << 16 == 0;
}

/* Of all records: what such an access stands for from now on. */
static inline uint32_t race_replaced(uint32_t flags, uint32_t mask)
{
    return mask * (flags & RACE_WRITE ? 0x01010101u : 0x01010000u);
}

/* Another one of the same thread in the same epoch. Only what is usual is told here: a part of the
 * last one, or its neighbour, by the same call. */
static inline __attribute__((always_inline)) bool
race_follow_own(struct race_cell *cell, uint32_t mask, uint32_t flags, uint32_t where)
{
    uint32_t last = cell->last, former = (uint32_t)(race_who(&cell->at[last]) >> 56);
    bool same = former == flags;
    if ((same || former == RACE_WRITE) && !(mask & ~(cell->masks >> 8 * last))) return true;
    if (!same || cell->at[last].where != where || cell->masks & mask * 0x01010101u) return false;
    cell->masks |= mask << 8 * last;
    return true;
}

/* An access that is not atomic. False: it is not like that, or its place is taken. `own`: the
 * epoch, as in a record; `home`: by race_home(). */
static inline __attribute__((always_inline)) bool
race_follow(struct race_cell *cell, const struct race_clock *known, uint64_t own, uint32_t mask,
            uint32_t flags, uint32_t home, uint32_t where)
{
    if (UNLIKELY(!race_follows(cell, known))) return false;
    if (!(flags & RACE_FREE) && race_is_last(cell, own)) {
        uint64_t who = own | (uint64_t)mask << 48 | (uint64_t)flags << 56;
        return race_follow_own(cell, mask, flags, where) || race_keep_own(cell, who, home, where);
    }
    uint32_t left = cell->masks & ~race_replaced(flags, mask);
    if (UNLIKELY(left >> 8 * home & 0xff)) return false;
    cell->masks = left | mask << 8 * home;
    cell->last = flags & RACE_FREE ? RACE_RECORDS : home;
    uint64_t who = own | (uint64_t)flags << 56;
    memcpy(&cell->at[home], &who, sizeof who);
    cell->at[home].where = where;
    return true;
}

/* The access is kept, if it races with none and there is room, while no stacks are kept. False: it
 * was not; what was done so far does no harm when everything is done again. */
static inline __attribute__((always_inline)) bool
race_keep(struct race_cell *cell, const struct race_clock *known, uint64_t own, uint32_t mask,
          uint32_t flags, uint32_t home, uint32_t where)
{
    if (UNLIKELY(cell->run != R.run)) race_begin_cell(cell);
    if (LIKELY(!(flags & RACE_ATOMIC)) &&
        LIKELY(race_follow(cell, known, own, mask, flags, home, where))) {
        return true;
    }
    return race_keep_all(cell, known, own | (uint64_t)mask << 48 | (uint64_t)flags << 56, where);
}

#pragma GCC visibility pop

#endif
