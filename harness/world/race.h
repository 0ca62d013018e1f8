/* Data races, along every execution: who may know what of whom (race_clock.c), what was accessed by
 * whom (race_shadow.c), and how two accesses that nothing orders are told (race_tell.c).
 *
 * After Flanagan and Freund, "FastTrack: efficient and precise dynamic race detection" (PLDI 2009):
 * a thread's clock counts its releases, an access is kept as one count (an epoch), and whole
 * vectors are only compared where threads synchronise. Other than there, a word keeps every access
 * that a later one may race with, byte by byte, so that no race of the execution is lost. */
#ifndef HARNESS_WORLD_RACE_H
#define HARNESS_WORLD_RACE_H

#include "internal.h"

#pragma GCC visibility push(hidden)

enum { RACE_WORD = 8, RACE_STACKS_MAX = 1 << 20, RACE_LOCKS_MAX = 4 };

/* How an access touches memory. */
enum race_access { RACE_READ = 0, RACE_WRITE = 1, RACE_ATOMIC = 2, RACE_FREE = 4 };

/* For each thread, by slot, how many of its releases are known; at and above `count`: none. */
struct race_clock {
    uint32_t run;    /* valid in this execution only, and empty in any other */
    uint16_t count;
    uint16_t owner;  /* of an atomic word: slot of whom released to it, WORLD_NOBODY: several */
    uint32_t at[WORLD_ENTITIES_MAX];
};

/* An access: nothing after it made it irrelevant. */
struct race_record {
    uint32_t clock;  /* epoch of the thread */
    uint32_t where;  /* return address in the program; while stacks are kept, their index */
    uint16_t slot;
    uint8_t mask;    /* bytes of the word; 0: the place is free */
    uint8_t flags;   /* enum race_access */
};

/* What is known of eight bytes of the program's memory. */
struct race_cell {
    uint32_t run;
    uint32_t more;   /* further records, in a list: index + 1 */
    struct race_record at[2];
};
_Static_assert(sizeof(struct race_cell) == 32, "two cells share a cache line");

struct race {
    uint32_t run;                /* of this execution, from 1 */
    struct race_clock *threads;  /* by slot; NULL: never used in this process */
    struct race_clock *objects;  /* by object */
    struct race_clock *readers;  /* by object: releases of a rwlock by its readers */
    struct race_clock *seen;     /* by slot: what an acquire fence would make known */
    struct race_clock *fenced;   /* by slot: what was known at the last release fence */
    struct race_cell *heap, *stacks, *data;
    uintptr_t data_from;
    size_t data_bytes;
};
extern struct race R;

/* Before an execution: nothing is known. */
void race_begin(void);

/* --- order (race_clock.c) --- */

/* A step was recorded: what it orders. */
void race_step(const struct world_step *step);
/* An atomic operation on that object, by a memory order of the compiler: before and after the
 * access itself is checked. */
void race_atomic_acquire(uint32_t object, int order);
void race_atomic_release(uint32_t object, int order, bool update);
void race_fence(int order);
/* Annotations: everything before a release is known after an acquire of the same object. */
void race_acquire(uint32_t object);
void race_release(uint32_t object);

/* --- accesses (race_shadow.c) --- */

/* The running thread accesses these bytes; ends the execution when that is a race. */
void race_access(uintptr_t address, size_t bytes, uint32_t flags, uintptr_t pc);
/* As that, for at most eight bytes of one word, with the cell of the word. */
void race_access_word(struct race_cell *cell, uintptr_t address, uint8_t mask, uint32_t flags,
                      uintptr_t pc);
/* A block is handed out again: who had it before is of no interest. */
void race_forget(uintptr_t address, size_t bytes);

static inline struct race_cell *race_cell_at(uintptr_t address)
{
    uintptr_t offset = address - ARENA_FROM;
    if (LIKELY(offset < ARENA_BYTES)) return &R.heap[offset / RACE_WORD];
    offset = address - R.data_from;
    if (LIKELY(offset < R.data_bytes)) return &R.data[offset / RACE_WORD];
    offset = address - STACKS_FROM;
    if (LIKELY(offset < STACKS_BYTES)) return &R.stacks[offset / RACE_WORD];
    return NULL;
}

static inline bool race_is_known(const struct race_cell *cell, const struct race_record *record,
                                 uint32_t clock, uint16_t slot, uint8_t mask, uint32_t flags)
{
    return record->clock == clock && record->slot == slot && (mask & ~record->mask) == 0 &&
           (record->flags == flags || record->flags == RACE_WRITE) && cell->run == R.run;
}

/* An access within one word; nothing new is learnt from a second one in the same epoch. */
static inline void race_access_small(uintptr_t address, size_t bytes, uint32_t flags, uintptr_t pc)
{
    struct race_cell *cell = race_cell_at(address);
    if (UNLIKELY(cell == NULL)) return;
    uint8_t mask = (uint8_t)(((1u << bytes) - 1) << (address % RACE_WORD));
    uint16_t slot = W.self->slot;
    uint32_t clock = R.threads[slot].at[slot];
    if (race_is_known(cell, &cell->at[0], clock, slot, mask, flags)) return;
    if (race_is_known(cell, &cell->at[1], clock, slot, mask, flags)) return;
    race_access_word(cell, address, mask, flags, pc);
}

/* --- words (race_tell.c) --- */

/* Where the running thread stands, to be kept with an access. */
uint32_t race_where(uintptr_t pc);
/* The access of the running thread to the word of that address, and one that was made before. */
_Noreturn void race_found(const struct race_record *before, const struct race_record *now,
                          uintptr_t address, uintptr_t pc);

#pragma GCC visibility pop

#endif
